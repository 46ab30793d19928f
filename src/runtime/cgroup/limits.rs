//! The spec's numbers, which are cgroup v1's, in the words of cgroup v2's files.

use crate::error::{Error, Result};
use crate::spec::number_list::NumberList;
use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources};
use std::collections::BTreeMap;

/// Which files get which text, and which controllers must be there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub controllers: Vec<String>,
    pub files: Vec<(String, String)>,
    /// The kernel has one of two files for it, or none.
    pub io_weight: Option<u16>,
    /// cgroup v2's own words (OCI's `unified`): written last, as they are, and not read back.
    pub unified: Vec<(String, String)>,
}

impl Wanted {
    pub fn from(resources: &LinuxResources) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        if let Some(memory) = resources.memory() {
            wanted.memory(memory)?;
        }
        if let Some(cpu) = resources.cpu() {
            wanted.cpu(cpu)?;
        }
        if let Some(pids) = resources.pids().filter(|pids| pids.limit() != 0) {
            wanted.set("pids.max", number_or_max(pids.limit()));
        }
        if let Some(block_io) = resources.block_io() {
            wanted.block_io(block_io);
        }
        let mut unified: Vec<_> = resources.unified().iter().flatten().collect();
        unified.sort();
        for (file, value) in unified {
            wanted.unified(file, value)?;
        }
        Ok(wanted)
    }

    pub fn is_nothing(&self) -> bool {
        *self == Wanted::default()
    }

    fn memory(&mut self, memory: &LinuxMemory) -> Result<()> {
        if memory.swappiness().is_some() {
            return Err(Error::cannot_keep("cannot set the swappiness of the container").because("cgroup v2 has none"));
        }
        // The swap first where it grows, but a new group has no limit at all, so any order will do.
        if let Some(limit) = memory.limit() {
            self.set("memory.max", number_or_max(limit));
        }
        if let Some(limit) = memory.reservation() {
            self.set("memory.low", number_or_max(limit));
        }
        if let Some(both) = memory.swap() {
            self.set("memory.swap.max", swap(both, memory.limit())?);
        }
        Ok(())
    }

    fn cpu(&mut self, cpu: &LinuxCpu) -> Result<()> {
        if let Some(shares) = cpu.shares().filter(|shares| *shares != 0) {
            self.set("cpu.weight", cpu_weight(shares).to_string());
        }
        if cpu.quota().is_some() || cpu.period().is_some() {
            let quota = cpu.quota().filter(|quota| *quota > 0).map_or("max".to_owned(), |quota| quota.to_string());
            self.set("cpu.max", format!("{quota} {}", cpu.period().unwrap_or(100_000)));
        }
        for (file, list) in [("cpuset.cpus", cpu.cpus()), ("cpuset.mems", cpu.mems())] {
            if let Some(text) = list.as_deref().filter(|text| !text.is_empty()) {
                let list = NumberList::parse(text).ok_or_else(|| Error::usage(format!("{file}: {text:?} is not a list of numbers")))?;
                self.set(file, list.to_string());
            }
        }
        Ok(())
    }

    /// One line for each device: the kernel takes all four rates of it at once.
    fn block_io(&mut self, block_io: &LinuxBlockIo) {
        let mut devices: BTreeMap<(i64, i64), Vec<String>> = BTreeMap::new();
        for (key, throttled) in [
            ("rbps", block_io.throttle_read_bps_device()),
            ("wbps", block_io.throttle_write_bps_device()),
            ("riops", block_io.throttle_read_iops_device()),
            ("wiops", block_io.throttle_write_iops_device()),
        ] {
            for device in throttled.iter().flatten() {
                let rate = if device.rate() == 0 { "max".to_owned() } else { device.rate().to_string() };
                devices.entry((device.major(), device.minor())).or_default().push(format!("{key}={rate}"));
            }
        }
        for ((major, minor), rates) in devices {
            self.set("io.max", format!("{major}:{minor} {}", rates.join(" ")));
        }
        self.io_weight = block_io.weight().filter(|weight| *weight != 0);
        if self.io_weight.is_some() {
            self.need("io");
        }
    }

    fn unified(&mut self, file: &str, value: &str) -> Result<()> {
        let is_file = file.contains('.') && file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        // The group's own files move and kill processes; they limit nothing.
        if !is_file || file.starts_with(['.', '-']) || file.starts_with("cgroup.") {
            return Err(Error::usage(format!("{file:?} is not a file of a controller")));
        }
        self.need(file.split('.').next().unwrap_or_default());
        self.unified.push((file.to_owned(), value.to_owned()));
        Ok(())
    }

    fn set(&mut self, file: &str, value: String) {
        self.need(file.split('.').next().unwrap_or_default());
        self.files.push((file.to_owned(), value));
    }

    fn need(&mut self, controller: &str) {
        if !self.controllers.iter().any(|known| known == controller) {
            self.controllers.push(controller.to_owned());
        }
    }

    /// The flags that ask for what a controller does, for a hint.
    pub fn flags_of(&self, controller: &str) -> String {
        let with_memory = self.files.iter().any(|(file, _)| file == "memory.max");
        let of_controller = self.files.iter().filter(|(file, _)| file.split('.').next() == Some(controller));
        // Where memory is limited, so is swap, without a flag.
        let mut flags: Vec<&str> =
            of_controller.filter(|(file, _)| !(with_memory && file == "memory.swap.max")).map(|(file, value)| flag(file, value)).collect();
        if controller == "io" && self.io_weight.is_some() {
            flags.push("--blkio-weight");
        }
        flags.dedup();
        if flags.is_empty() { "this limit".to_owned() } else { flags.join(" and ") }
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
fn cpu_weight(shares: u64) -> u64 {
    if shares <= 2 {
        return 1;
    }
    if shares >= 262_144 {
        return 10_000;
    }
    let log = (shares as f64).log2();
    10f64.powf((log * log + 125.0 * log) / 612.0 - 7.0 / 34.0).ceil() as u64
}

/// 10…1000 becomes 1…10000 on a straight line, as runc and crun have it.
pub fn io_weight(weight: u16) -> u64 {
    1 + u64::from(weight.clamp(10, 1000) - 10) * 9999 / 990
}

/// Whether the kernel kept what was written: it counts memory in pages, and shows the rates of all devices.
pub fn agrees(file: &str, wanted: &str, got: &str) -> bool {
    match (wanted.parse::<u64>(), got.parse::<u64>()) {
        _ if file == "io.max" => has_rates(wanted, got),
        (Ok(wanted), Ok(got)) if file.starts_with("memory.") => wanted.abs_diff(got) < 65_536,
        (Ok(wanted), Ok(got)) => wanted == got,
        _ if file.starts_with("io.") => got.lines().any(|line| line.strip_prefix("default ") == Some(wanted)),
        _ => wanted == got,
    }
}

/// A line of the same device has every rate; a device with no limit at all is not shown.
fn has_rates(wanted: &str, got: &str) -> bool {
    let mut words = wanted.split(' ');
    let device = words.next();
    let shown = got.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|line| line.first().copied() == device);
    words.all(|rate| shown.as_ref().map_or(rate.ends_with("=max"), |line| line.contains(&rate)))
}

/// What people call it.
pub fn plain(controller: &str) -> &str {
    match controller {
        "cpu" => "processors",
        "cpuset" => "the set of processors",
        "pids" => "the number of processes",
        "io" => "the use of disks",
        other => other,
    }
}

fn flag(file: &str, value: &str) -> &'static str {
    match file {
        "memory.max" => "--memory",
        "memory.low" => "--memory-reservation",
        "memory.swap.max" => "--memory-swap",
        "cpu.weight" => "--cpu-shares",
        "cpu.max" => "--cpus (--cpu-quota)",
        "cpuset.cpus" => "--cpuset-cpus",
        "cpuset.mems" => "--cpuset-mems",
        "pids.max" => "--pids-limit",
        "io.max" if value.contains("rbps") => "--device-read-bps",
        "io.max" if value.contains("wbps") => "--device-write-bps",
        "io.max" if value.contains("riops") => "--device-read-iops",
        "io.max" => "--device-write-iops",
        _ => "this limit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(json: &str) -> Wanted {
        Wanted::from(&serde_json::from_str(json).unwrap()).unwrap()
    }

    fn files(json: &str) -> Vec<String> {
        wanted(json).files.iter().map(|(file, value)| format!("{file}={value}")).collect()
    }

    fn refused(json: &str) -> bool {
        Wanted::from(&serde_json::from_str(json).unwrap()).is_err()
    }

    #[test]
    fn nothing_asked_for_is_nothing_written() {
        assert!(wanted("{}").is_nothing());
        assert!(!wanted(r#"{"blockIO":{"weight":100}}"#).is_nothing());
    }

    #[test]
    fn docker_s_shares_become_weights_that_keep_the_middle() {
        assert_eq!((cpu_weight(2), cpu_weight(1024), cpu_weight(262_144)), (1, 100, 10_000));
        assert!(cpu_weight(512) < 100 && cpu_weight(2048) > 100);
    }

    #[test]
    fn docker_s_weights_at_the_disks_reach_from_end_to_end() {
        assert_eq!((io_weight(10), io_weight(1000)), (1, 10_000));
        assert!(io_weight(500) > 4900 && io_weight(500) < 5000);
        assert_eq!(wanted(r#"{"blockIO":{"weight":300}}"#).controllers, ["io"]);
    }

    #[test]
    fn memory_and_swap_together_become_swap_alone() {
        assert_eq!(files(r#"{"memory":{"limit":1000000,"swap":1500000}}"#), ["memory.max=1000000", "memory.swap.max=500000"]);
        assert_eq!(files(r#"{"memory":{"limit":1000,"swap":-1}}"#)[1], "memory.swap.max=max");
        assert_eq!(files(r#"{"memory":{"reservation":1000}}"#), ["memory.low=1000"]);
        assert!(refused(r#"{"memory":{"limit":1000,"swap":10}}"#) && refused(r#"{"memory":{"swappiness":10}}"#));
    }

    #[test]
    fn processors_become_a_quota_over_a_period() {
        let json = r#"{"cpu":{"quota":50000,"period":100000,"cpus":"1,0","mems":"0"},"pids":{"limit":-1}}"#;
        assert_eq!(files(json), ["cpu.max=50000 100000", "cpuset.cpus=0-1", "cpuset.mems=0", "pids.max=max"]);
        assert_eq!(wanted(json).controllers, ["cpu", "cpuset", "pids"]);
        assert_eq!(files(r#"{"cpu":{"quota":-1,"period":50000}}"#), ["cpu.max=max 50000"]);
        assert!(refused(r#"{"cpu":{"cpus":"0-"}}"#));
    }

    #[test]
    fn the_rates_of_a_device_stand_in_one_line() {
        let json = r#"{"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":100},{"major":7,"minor":1,"rate":5}],
            "throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":20}]}}"#;
        assert_eq!(files(json), ["io.max=7:1 rbps=5", "io.max=8:0 rbps=100 wiops=20"]);
    }

    #[test]
    fn words_of_cgroup_v2_go_through_as_they_are() {
        let made = wanted(r#"{"unified":{"memory.high":"1000","cpu.idle":"1"}}"#);
        assert_eq!(made.unified, [("cpu.idle".into(), "1".into()), ("memory.high".into(), "1000".into())]);
        assert_eq!(made.controllers, ["cpu", "memory"]);
        for file in ["cgroup.procs", "../x.y", "memory/max", "x", ".x", "a.b/../c"] {
            assert!(refused(&format!(r#"{{"unified":{{"{file}":"1"}}}}"#)), "{file}");
        }
    }

    #[test]
    fn the_kernel_may_round_memory_and_nothing_else() {
        assert!(agrees("memory.max", "10000001", "9998336"));
        assert!(!agrees("memory.max", "10000001", "max"));
        assert!(!agrees("pids.max", "10", "11"));
        assert!(agrees("cpuset.cpus", "0-1", "0-1") && !agrees("cpuset.cpus", "0-1", "0"));
    }

    #[test]
    fn rates_are_found_among_those_of_other_devices() {
        let got = "7:1 rbps=5 wbps=max riops=max wiops=max\n8:0 rbps=100 wbps=max riops=max wiops=20";
        assert!(agrees("io.max", "8:0 rbps=100 wiops=20", got));
        assert!(!agrees("io.max", "8:0 rbps=101", got) && !agrees("io.max", "8:1 rbps=100", got));
        assert!(agrees("io.max", "9:9 rbps=max", got));
        assert!(agrees("io.weight", "300", "default 300\n8:0 100") && !agrees("io.weight", "300", "default 100"));
    }

    #[test]
    fn a_hint_names_the_flags_that_were_given() {
        assert_eq!(
            wanted(r#"{"memory":{"limit":1000,"swap":2000,"reservation":10}}"#).flags_of("memory"),
            "--memory and --memory-reservation"
        );
        assert_eq!(wanted(r#"{"blockIO":{"weight":300}}"#).flags_of("io"), "--blkio-weight");
        assert_eq!(wanted(r#"{"unified":{"memory.high":"1"}}"#).flags_of("memory"), "this limit");
    }
}
