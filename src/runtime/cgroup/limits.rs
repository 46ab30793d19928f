//! The spec's numbers, which are cgroup v1's, in the words of cgroup v2's files.

use crate::error::{Error, Result};
use oci_spec::runtime::LinuxResources;

/// Which files get which text, and which controllers must be there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub controllers: Vec<&'static str>,
    pub files: Vec<(&'static str, String)>,
}

impl Wanted {
    pub fn from(resources: &LinuxResources) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        if let Some(memory) = resources.memory() {
            // The swap first where it grows, but a new group has no limit at all, so any order will do.
            if let Some(limit) = memory.limit() {
                wanted.set("memory", "memory.max", number_or_max(limit));
            }
            if let Some(limit) = memory.reservation() {
                wanted.set("memory", "memory.low", number_or_max(limit));
            }
            if let Some(both) = memory.swap() {
                wanted.set("memory", "memory.swap.max", swap(both, memory.limit())?);
            }
        }
        if let Some(cpu) = resources.cpu() {
            if let Some(shares) = cpu.shares().filter(|shares| *shares != 0) {
                wanted.set("cpu", "cpu.weight", weight(shares).to_string());
            }
            if cpu.quota().is_some() || cpu.period().is_some() {
                let quota = cpu.quota().filter(|quota| *quota > 0).map_or("max".to_owned(), |quota| quota.to_string());
                wanted.set("cpu", "cpu.max", format!("{quota} {}", cpu.period().unwrap_or(100_000)));
            }
        }
        if let Some(pids) = resources.pids().filter(|pids| pids.limit() != 0) {
            wanted.set("pids", "pids.max", number_or_max(pids.limit()));
        }
        Ok(wanted)
    }

    fn set(&mut self, controller: &'static str, file: &'static str, value: String) {
        if !self.controllers.contains(&controller) {
            self.controllers.push(controller);
        }
        self.files.push((file, value));
    }
}

fn number_or_max(value: i64) -> String {
    if value < 0 { "max".into() } else { value.to_string() }
}

/// v1 counted memory and swap together, v2 counts swap alone.
fn swap(both: i64, memory: Option<i64>) -> Result<String> {
    match memory {
        _ if both < 0 => Ok("max".into()),
        Some(memory) if memory >= 0 && both >= memory => Ok((both - memory).to_string()),
        _ => {
            Err(Error::cannot_keep(format!("cannot limit memory and swap together to {both}"))
                .because("the memory limit is larger or missing"))
        }
    }
}

/// 2…262144 becomes 1…10000, so that everybody's 1024 becomes everybody's 100: on a scale of logarithms, the curve
/// through those three points that runc 1.3 and crun 1.23 use too.
fn weight(shares: u64) -> u64 {
    if shares <= 2 {
        return 1;
    }
    if shares >= 262_144 {
        return 10_000;
    }
    let log = (shares as f64).log2();
    10f64.powf((log * log + 125.0 * log) / 612.0 - 7.0 / 34.0).ceil() as u64
}

/// Whether the kernel kept what was written: it counts memory in pages.
pub fn agrees(file: &str, wanted: &str, got: &str) -> bool {
    match (wanted.parse::<u64>(), got.parse::<u64>()) {
        (Ok(wanted), Ok(got)) if file.starts_with("memory.") => wanted.abs_diff(got) < 65_536,
        (Ok(wanted), Ok(got)) => wanted == got,
        _ => wanted == got,
    }
}

/// What people call it.
pub fn plain(controller: &str) -> &str {
    match controller {
        "cpu" => "processors",
        "pids" => "the number of processes",
        other => other,
    }
}

pub fn flag(controller: &str) -> &str {
    match controller {
        "memory" => "--memory",
        "cpu" => "--cpus and --cpu-shares",
        "pids" => "--pids-limit",
        _ => "this limit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(json: &str) -> Wanted {
        Wanted::from(&serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn nothing_asked_for_is_nothing_written() {
        assert_eq!(wanted("{}"), Wanted::default());
    }

    #[test]
    fn docker_s_shares_become_weights_that_keep_the_middle() {
        assert_eq!((weight(2), weight(1024), weight(262_144)), (1, 100, 10_000));
        assert!(weight(512) < 100 && weight(2048) > 100);
    }

    #[test]
    fn memory_and_swap_together_become_swap_alone() {
        let limits = wanted(r#"{"memory":{"limit":1000000,"swap":1500000}}"#);
        assert_eq!(limits.files, [("memory.max", "1000000".into()), ("memory.swap.max", "500000".into())]);
        assert_eq!(wanted(r#"{"memory":{"limit":1000,"swap":-1}}"#).files[1].1, "max");
        assert!(Wanted::from(&serde_json::from_str(r#"{"memory":{"limit":1000,"swap":10}}"#).unwrap()).is_err());
    }

    #[test]
    fn processors_become_a_quota_over_a_period() {
        let limits = wanted(r#"{"cpu":{"quota":50000,"period":100000},"pids":{"limit":-1}}"#);
        assert_eq!(limits.files, [("cpu.max", "50000 100000".into()), ("pids.max", "max".into())]);
        assert_eq!(limits.controllers, ["cpu", "pids"]);
    }

    #[test]
    fn the_kernel_may_round_memory_and_nothing_else() {
        assert!(agrees("memory.max", "10000001", "9998336"));
        assert!(!agrees("memory.max", "10000001", "max"));
        assert!(!agrees("pids.max", "10", "11"));
    }
}
