//! The spec's numbers, which are cgroup v1's, in the words of cgroup v2's files.

use super::agreement::is_no_limit;
use crate::error::{Error, Result};
use crate::spec::number_list::NumberList;
use oci_spec::runtime::{LinuxCpu, LinuxMemory, LinuxNetwork, LinuxResources};

/// Which files get which text, in which order, and which controllers must be there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub controllers: Vec<String>,
    pub files: Vec<(String, String)>,
    /// Weights at the disks, as the spec has them: for all (`None`) and for some. The kernel has one of two files for them, or none.
    pub disk_weights: Vec<(Option<(i64, i64)>, u16)>,
    /// cgroup v2's own words (OCI's `unified`): written last, as they are, and not read back.
    pub unified: Vec<(String, String)>,
    /// More memory than this must not be in use already (`checkBeforeUpdate`).
    pub most_memory_now: Option<u64>,
}

/// What a group has already: a wish may name half of what stands in one file. A new group has nothing.
#[derive(Debug, Default)]
pub struct Present {
    pub memory: Option<i64>,
    /// Both halves of `cpu.max`.
    pub quota: Option<String>,
    pub period: Option<u64>,
    pub burst: u64,
    pub idle: bool,
}

impl Wanted {
    /// A value of zero is no wish, but where the spec or the kernel gives zero a meaning of its own.
    pub fn from(resources: &LinuxResources, present: &Present) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        if let Some(memory) = resources.memory() {
            wanted.memory(memory, present)?;
        }
        if let Some(cpu) = resources.cpu() {
            wanted.cpu(cpu, present)?;
        }
        if let Some(pids) = resources.pids() {
            // With a limit of 0 not even the first process could be born in the group. With 1 none can be born after it.
            wanted.set("pids.max", number_or_max(if pids.limit() == 0 { 1 } else { pids.limit() }));
        }
        if let Some(block_io) = resources.block_io() {
            wanted.block_io(block_io)?;
        }
        wanted.huge_pages(resources.hugepage_limits().as_deref().unwrap_or_default())?;
        wanted.adapters(resources.rdma().iter().flatten())?;
        wanted.own_words(resources.unified().iter().flatten())?;
        refuse_network(resources.network().as_ref())?;
        Ok(wanted)
    }

    pub fn is_nothing(&self) -> bool {
        *self == Wanted::default()
    }

    fn memory(&mut self, memory: &LinuxMemory, present: &Present) -> Result<()> {
        refuse_of_memory(memory)?;
        let limit = memory.limit().filter(|limit| *limit != 0);
        if let Some(limit) = limit {
            self.set("memory.max", number_or_max(limit));
            if memory.check_before_update().unwrap_or(false) {
                self.most_memory_now = u64::try_from(limit).ok();
            }
        }
        if let Some(limit) = memory.reservation().filter(|limit| *limit != 0) {
            self.set("memory.low", number_or_max(limit));
        }
        match memory.swap().filter(|both| *both != 0) {
            Some(both) => self.set("memory.swap.max", swap(both, limit.or(present.memory))?),
            // Without end, as in v1, where the limit of both together could not be less than that of memory.
            None if limit.is_some_and(|limit| limit < 0) => self.set("memory.swap.max", "max".to_owned()),
            None => {}
        }
        Ok(())
    }

    fn cpu(&mut self, cpu: &LinuxCpu, present: &Present) -> Result<()> {
        if cpu.realtime_runtime().is_some_and(|time| time != 0) || cpu.realtime_period().is_some_and(|time| time != 0) {
            return Err(not_in_v2("cpu.realtimeRuntime and cpu.realtimePeriod"));
        }
        let idle = idle(cpu)?;
        // A weight cannot be written while a group is idle.
        if idle == Some(false) && present.idle {
            self.set("cpu.idle", "0".to_owned());
        }
        if let Some(shares) = cpu.shares().filter(|shares| *shares != 0) {
            self.set("cpu.weight", cpu_weight(shares).to_string());
        }
        if idle == Some(true) {
            self.set("cpu.idle", "1".to_owned());
        }
        // No quota may be smaller than its burst, at no moment.
        let burst = cpu.burst().filter(|burst| *burst != present.burst);
        if let Some(burst) = burst.filter(|burst| *burst < present.burst) {
            self.set("cpu.max.burst", burst.to_string());
        }
        let (quota, period) = (cpu.quota().filter(|quota| *quota != 0), cpu.period().filter(|period| *period != 0));
        if quota.is_some() || period.is_some() {
            let quota = quota.map(number_or_max).or(present.quota.clone()).unwrap_or("max".to_owned());
            self.set("cpu.max", format!("{quota} {}", period.or(present.period).unwrap_or(100_000)));
        }
        if let Some(burst) = burst.filter(|burst| *burst > present.burst) {
            self.set("cpu.max.burst", burst.to_string());
        }
        for (file, list) in [("cpuset.cpus", cpu.cpus()), ("cpuset.mems", cpu.mems())] {
            if let Some(text) = list.as_deref().filter(|text| !text.is_empty()) {
                let list = NumberList::parse(text).ok_or_else(|| Error::usage(format!("{file}: {text:?} is not a list of numbers")))?;
                self.set(file, list.to_string());
            }
        }
        Ok(())
    }

    pub(super) fn set(&mut self, file: &str, value: String) {
        // Where its controller is not there, nothing is limited, and that is what is wanted.
        if !is_no_limit(&value) {
            self.need(file);
        }
        self.files.push((file.to_owned(), value));
    }

    /// A file is named after its controller.
    pub(super) fn need(&mut self, file: &str) {
        let controller = file.split('.').next().unwrap_or_default();
        if controller != "cgroup" && !self.controllers.iter().any(|known| known == controller) {
            self.controllers.push(controller.to_owned());
        }
    }
}

pub fn not_in_v2(field: &str) -> Error {
    Error::cannot_keep(format!("cannot keep {field}")).because("cgroup v2 has nothing like it")
}

/// Kernel memory is part of the one limit in v2; -1 asks for no limit of its own, and there is none.
fn refuse_of_memory(memory: &LinuxMemory) -> Result<()> {
    let refused = [
        ("memory.swappiness", memory.swappiness().is_some()),
        ("memory.disableOOMKiller", memory.disable_oom_killer().unwrap_or(false)),
        ("memory.kernel", memory.kernel().is_some_and(|limit| limit > 0)),
        ("memory.kernelTCP", memory.kernel_tcp().is_some_and(|limit| limit > 0)),
    ];
    refused.iter().find(|(_, wished)| *wished).map_or(Ok(()), |(field, _)| Err(not_in_v2(field)))
}

fn refuse_network(network: Option<&LinuxNetwork>) -> Result<()> {
    match network {
        Some(network) if network.class_id().is_some_and(|class| class != 0) => Err(not_in_v2("network.classID")),
        Some(network) if network.priorities().as_ref().is_some_and(|all| !all.is_empty()) => Err(not_in_v2("network.priorities")),
        _ => Ok(()),
    }
}

fn idle(cpu: &LinuxCpu) -> Result<Option<bool>> {
    match cpu.idle() {
        None => Ok(None),
        Some(0) => Ok(Some(false)),
        Some(1) => Ok(Some(true)),
        Some(other) => Err(Error::usage(format!("cpu.idle is 0 or 1, not {other}"))),
    }
}

pub(super) fn number_or_max(value: i64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn over(json: &str, present: &Present) -> Result<Vec<String>> {
        let wanted = Wanted::from(&serde_json::from_str(json).unwrap(), present)?;
        Ok(wanted.files.iter().map(|(file, value)| format!("{file}={value}")).collect())
    }

    fn files(json: &str) -> Vec<String> {
        over(json, &Present::default()).unwrap()
    }

    fn controllers(json: &str) -> Vec<String> {
        Wanted::from(&serde_json::from_str(json).unwrap(), &Present::default()).unwrap().controllers
    }

    fn refused(json: &str) -> bool {
        over(json, &Present::default()).is_err()
    }

    #[test]
    fn values_that_mean_nothing_are_no_wishes() {
        for nothing in [
            "{}",
            r#"{"memory":{"limit":0,"reservation":0,"swap":0,"kernel":0,"kernelTCP":-1,"disableOOMKiller":false,"useHierarchy":true}}"#,
            r#"{"cpu":{"shares":0,"quota":0,"period":0,"burst":0,"idle":0,"realtimeRuntime":0,"realtimePeriod":0,"cpus":"","mems":""}}"#,
            r#"{"blockIO":{"weight":0,"leafWeight":0,"weightDevice":[]}}"#,
            r#"{"network":{"classID":0,"priorities":[]},"hugepageLimits":[],"rdma":{},"unified":{}}"#,
        ] {
            assert_eq!((files(nothing), controllers(nothing)), (vec![], vec![]), "{nothing}");
        }
    }

    #[test]
    fn what_cgroup_v2_has_not_is_refused() {
        for field in [
            r#"{"memory":{"swappiness":10}}"#,
            r#"{"memory":{"disableOOMKiller":true}}"#,
            r#"{"memory":{"kernel":1}}"#,
            r#"{"memory":{"kernelTCP":1}}"#,
            r#"{"cpu":{"realtimeRuntime":1}}"#,
            r#"{"cpu":{"realtimePeriod":1}}"#,
            r#"{"cpu":{"idle":2}}"#,
            r#"{"network":{"classID":1}}"#,
            r#"{"network":{"priorities":[{"name":"eth0","priority":1}]}}"#,
        ] {
            assert!(refused(field), "{field}");
        }
    }

    #[test]
    fn a_limit_that_is_none_needs_no_controller() {
        let json = r#"{"memory":{"limit":-1,"swap":-1},"cpu":{"quota":-1},"pids":{"limit":-1}}"#;
        assert_eq!(files(json), ["memory.max=max", "memory.swap.max=max", "cpu.max=max 100000", "pids.max=max"]);
        assert_eq!(controllers(json), Vec::<String>::new());
    }

    #[test]
    fn docker_s_shares_become_weights_that_keep_the_middle() {
        assert_eq!((cpu_weight(2), cpu_weight(1024), cpu_weight(262_144)), (1, 100, 10_000));
        assert!(cpu_weight(512) < 100 && cpu_weight(2048) > 100);
    }

    #[test]
    fn memory_and_swap_together_become_swap_alone() {
        assert_eq!(files(r#"{"memory":{"limit":1000000,"swap":1500000}}"#), ["memory.max=1000000", "memory.swap.max=500000"]);
        assert_eq!(files(r#"{"memory":{"limit":1000,"swap":-1}}"#)[1], "memory.swap.max=max");
        assert_eq!(files(r#"{"memory":{"reservation":1000}}"#), ["memory.low=1000"]);
        assert!(refused(r#"{"memory":{"limit":1000,"swap":10}}"#) && refused(r#"{"memory":{"swap":10}}"#));
        let present = Present { memory: Some(1000), ..Present::default() };
        assert_eq!(over(r#"{"memory":{"swap":1500}}"#, &present).unwrap(), ["memory.swap.max=500"]);
    }

    #[test]
    fn processors_become_a_quota_over_a_period() {
        let json = r#"{"cpu":{"quota":50000,"period":100000,"cpus":"1,0","mems":"0"},"pids":{"limit":7}}"#;
        assert_eq!(files(json), ["cpu.max=50000 100000", "cpuset.cpus=0-1", "cpuset.mems=0", "pids.max=7"]);
        assert_eq!(controllers(json), ["cpu", "cpuset", "pids"]);
        assert_eq!(files(r#"{"cpu":{"quota":-1,"period":50000}}"#), ["cpu.max=max 50000"]);
        assert!(refused(r#"{"cpu":{"cpus":"0-"}}"#));
        let present = Present { quota: Some("20000".into()), period: Some(40_000), ..Present::default() };
        assert_eq!(over(r#"{"cpu":{"quota":10000}}"#, &present).unwrap(), ["cpu.max=10000 40000"]);
        assert_eq!(over(r#"{"cpu":{"period":30000}}"#, &present).unwrap(), ["cpu.max=20000 30000"]);
    }

    #[test]
    fn a_burst_is_never_above_its_quota() {
        assert_eq!(files(r#"{"cpu":{"quota":5,"burst":4}}"#), ["cpu.max=5 100000", "cpu.max.burst=4"]);
        let present = Present { quota: Some("9".into()), burst: 8, ..Present::default() };
        assert_eq!(over(r#"{"cpu":{"quota":5,"burst":4}}"#, &present).unwrap(), ["cpu.max.burst=4", "cpu.max=5 100000"]);
    }

    #[test]
    fn an_idle_group_has_no_weight() {
        assert_eq!(files(r#"{"cpu":{"shares":1024,"idle":1}}"#), ["cpu.weight=100", "cpu.idle=1"]);
        let present = Present { idle: true, ..Present::default() };
        assert_eq!(over(r#"{"cpu":{"shares":1024,"idle":0}}"#, &present).unwrap(), ["cpu.idle=0", "cpu.weight=100"]);
    }

    #[test]
    fn no_process_beside_the_first_is_a_limit_of_one() {
        assert_eq!(files(r#"{"pids":{"limit":0}}"#), ["pids.max=1"]);
    }
}
