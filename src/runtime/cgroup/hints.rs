//! A limit that cannot be kept, in words that people use.

use super::limits::Wanted;

impl Wanted {
    /// The flags that ask for what a controller does, for a hint.
    pub(super) fn flags_of(&self, controller: &str) -> String {
        let with_memory = self.files.iter().any(|(file, _)| file == "memory.max");
        let of_controller = self.files.iter().filter(|(file, _)| file.split('.').next() == Some(controller));
        // Where memory is limited, so is swap, without a flag.
        let mut flags: Vec<&str> =
            of_controller.filter(|(file, _)| !(with_memory && file == "memory.swap.max")).map(|(file, value)| flag(file, value)).collect();
        if controller == "io" && !self.disk_weights.is_empty() {
            flags.push("--blkio-weight");
        }
        flags.dedup();
        if flags.is_empty() { "this limit".to_owned() } else { flags.join(" and ") }
    }
}

/// What people call it.
pub fn plain(controller: &str) -> &str {
    match controller {
        "cpu" => "processors",
        "cpuset" => "the set of processors",
        "pids" => "the number of processes",
        "io" => "the use of disks",
        "hugetlb" => "huge pages",
        "rdma" => "RDMA adapters",
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

/// Whether cgroup v1 has a controller, which then is not in v2: proc_cgroups, "hierarchy" in cgroups(7). v1 calls some by other names.
pub fn is_in_v1(controller: &str) -> bool {
    let name = if controller == "io" { "blkio" } else { controller };
    let table = std::fs::read_to_string("/proc/cgroups").unwrap_or_default();
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .any(|words| words.first() == Some(&name) && words.get(1) != Some(&"0"))
}

#[cfg(test)]
mod tests {
    use super::super::limits::Present;
    use super::*;

    #[test]
    fn a_hint_names_the_flags_that_were_given() {
        let of = |json: &str, controller: &str| {
            Wanted::from(&serde_json::from_str(json).unwrap(), &Present::default()).unwrap().flags_of(controller)
        };
        assert_eq!(of(r#"{"memory":{"limit":1000,"swap":2000,"reservation":10}}"#, "memory"), "--memory and --memory-reservation");
        assert_eq!(of(r#"{"blockIO":{"weight":300}}"#, "io"), "--blkio-weight");
        assert_eq!(of(r#"{"unified":{"memory.high":"1"}}"#, "memory"), "this limit");
    }
}
