//! The controllers of cgroup v2: which are here, and who has the others.

use super::Facts;
use super::abilities::{Ability, State};
use crate::sys::{file, user_namespace};
use std::path::Path;

const LIMITS: &str = "Limits";

/// What root has to write, so that systemd gives an ordinary user all controllers that containers want: systemd.resource-control(5).
pub const TO_DELEGATE: &str =
    "sudo systemctl edit user@.service, with the lines [Service] and Delegate=cpu cpuset io memory pids, and log in again";

/// The name in v2, in /proc/cgroups, and the wishes that it keeps.
const CONTROLLERS: &[(&str, &str, &str, bool)] = &[
    ("memory", "memory", "-m and its relatives; the end of a process for want of memory is noticed", true),
    ("cpu", "cpu", "--cpus, --cpu-shares", true),
    ("cpuset", "cpuset", "which processors and which memory", false),
    ("io", "blkio", "speed and weight of disks", false),
    ("pids", "pids", "--pids-limit", true),
    ("hugetlb", "hugetlb", "large pages (not used yet)", false),
];

pub fn abilities(facts: &Facts) -> Vec<Ability> {
    let table = std::fs::read_to_string("/proc/cgroups").unwrap_or_default();
    let mut all: Vec<Ability> = CONTROLLERS
        .iter()
        .map(|(name, old, serves, everyday)| Ability { everyday: *everyday, ..controller(name, old, serves, facts, &table) })
        .collect();
    all.push(swap(all[0].state, &std::fs::read_to_string("/proc/cmdline").unwrap_or_default(), Path::new("/proc/swaps").exists()));
    all.push(kill(facts));
    all
}

/// `table` is the text of /proc/cgroups: name, hierarchy (0: not v1's), number of groups, enabled.
fn controller(name: &'static str, old: &str, serves: &str, facts: &Facts, table: &str) -> Ability {
    let no = |why: &str| Ability::new(LIMITS, name, State::No, why);
    if facts.cgroup2.is_none() {
        return no("no cgroup2 is mounted").advice("mount -t cgroup2 cgroup2 /sys/fs/cgroup");
    }
    if facts.controllers.iter().any(|known| known == name) {
        return Ability::new(LIMITS, name, State::Yes, serves);
    }
    let row: Option<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).find(|row: &Vec<&str>| row.first() == Some(&old));
    match row.as_deref() {
        Some([_, _, _, "0"]) => no("switched off when this kernel was started").advice(format!("boot without cgroup_disable={old}")),
        Some([_, hierarchy, ..]) if *hierarchy != "0" => {
            no("this host keeps it in cgroup v1").advice("boot with systemd.unified_cgroup_hierarchy=1")
        }
        Some(_) if !user_namespace::is_initial() && name != "hugetlb" => no("it is not given to you").advice(TO_DELEGATE),
        Some(_) => no("it is not handed down to us").advice("outside of this container or service: enable it in cgroup.subtree_control"),
        None => no("this kernel was built without it"),
    }
}

/// Swap is counted wherever there is any, unless that was switched off.
fn swap(memory: State, command_line: &str, kernel_can_swap: bool) -> Ability {
    const NAME: &str = "swap";
    if memory != State::Yes {
        return Ability::new(LIMITS, NAME, State::No, "it belongs to the memory controller, which is missing");
    }
    if command_line.split_whitespace().any(|word| word == "swapaccount=0") {
        return Ability::new(LIMITS, NAME, State::No, "switched off when this kernel was started").advice("boot without swapaccount=0");
    }
    match kernel_can_swap {
        true => Ability::new(LIMITS, NAME, State::Yes, "--memory-swap"),
        false => Ability::new(LIMITS, NAME, State::No, "this kernel cannot swap, so there is nothing to limit"),
    }
}

/// cgroup.kill (Linux 5.14) is a file of every group but the top one, so a group is looked into.
fn kill(facts: &Facts) -> Ability {
    const NAME: &str = "cgroup.kill";
    let Some(top) = facts.cgroup2 else { return Ability::new(LIMITS, NAME, State::No, "no cgroup2 is mounted") };
    let groups = std::fs::read_dir(top).into_iter().flatten().flatten().map(|entry| entry.path());
    let here = match groups.into_iter().find(|path| path.is_dir()) {
        Some(group) => group.join(NAME).exists(),
        None => {
            let group = top.join(format!("tare-looks-{}", std::process::id()));
            if file::make_dir(&group, 0o755).is_err() {
                return Ability::new(LIMITS, NAME, State::Unknown, "there is no group to look into")
                    .advice("look again with sudo tare info");
            }
            let here = group.join(NAME).exists();
            let _ = file::remove_dir(&group);
            here
        }
    };
    match here {
        true => Ability::new(LIMITS, NAME, State::Yes, "ends everything in a container at once"),
        false => Ability::new(LIMITS, NAME, State::No, "this kernel does not have it")
            .advice("Linux 5.14; until then each process is ended by itself"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t13\t1\ncpu\t0\t1\t1\nblkio\t0\t1\t0\n";

    fn facts(controllers: &[&str]) -> Facts {
        let controllers = controllers.iter().map(|name| (*name).to_owned()).collect();
        Facts { cgroup2: Some(Path::new("/sys/fs/cgroup")), controllers, ..Facts::default() }
    }

    #[test]
    fn a_missing_controller_has_a_reason() {
        let of = |name, old, have: &[&str]| controller(name, old, "serves", &facts(have), TABLE);
        assert_eq!(of("memory", "memory", &["memory"]).why, "serves");
        assert!(of("memory", "memory", &[]).advice.contains("unified_cgroup_hierarchy=1"));
        assert_eq!(of("io", "blkio", &[]).advice, "boot without cgroup_disable=blkio");
        assert!(of("cpu", "cpu", &[]).advice.contains("subtree_control"));
        assert_eq!(of("pids", "pids", &[]).why, "this kernel was built without it");
        assert_eq!(controller("cpu", "cpu", "", &Facts::default(), TABLE).why, "no cgroup2 is mounted");
    }

    #[test]
    fn swap_is_limited_where_there_can_be_any() {
        assert_eq!(swap(State::Yes, "quiet", true).state, State::Yes);
        assert_eq!(swap(State::No, "quiet", true).state, State::No);
        assert_eq!(swap(State::Yes, "a swapaccount=0 b", true).advice, "boot without swapaccount=0");
        assert_eq!(swap(State::Yes, "", false).advice, "");
    }
}
