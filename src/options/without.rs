//! `--without`: one thing of a container is left out on purpose, to see what it was good for.

use super::{Ipc, Network, Pid, Seccomp, Wishes, restart, user_namespaces::UserNamespace};
use crate::error::{Error, Result};
use crate::names;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Pid,
    Mount,
    Net,
    Uts,
    Ipc,
    Cgroup,
    User,
    Caps,
    Seccomp,
    Masks,
    Devices,
    Reaper,
}

impl Part {
    pub const ALL: [Part; 12] = [
        Part::Pid,
        Part::Mount,
        Part::Net,
        Part::Uts,
        Part::Ipc,
        Part::Cgroup,
        Part::User,
        Part::Caps,
        Part::Seccomp,
        Part::Masks,
        Part::Devices,
        Part::Reaper,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Part::Pid => "pid",
            Part::Mount => "mount",
            Part::Net => "net",
            Part::Uts => "uts",
            Part::Ipc => "ipc",
            Part::Cgroup => "cgroup",
            Part::User => "user",
            Part::Caps => "caps",
            Part::Seccomp => "seccomp",
            Part::Masks => "masks",
            Part::Devices => "devices",
            Part::Reaper => "reaper",
        }
    }

    /// What the container can see or do now, and a line to try inside.
    pub fn tells(self) -> (&'static str, &'static str) {
        match self {
            Part::Pid => ("it sees every process of this machine, and its root may end them", "ps; kill -0 1"),
            Part::Mount => (
                "its root is a directory and no more (chroot): the host's files are hidden, but there, and its root can climb out to them",
                "with --without=mount,caps: nsenter -m -t 1 ls /",
            ),
            Part::Net => {
                ("it has the host's interfaces, addresses, ports and name, and a server in it is one of the host", "ip addr; netstat -ltn")
            }
            Part::Uts => ("its name is the host's, and who may name it names the host", "hostname"),
            Part::Ipc => ("it has the host's shared memory and message queues", "ls /dev/shm; cat /proc/sysvipc/shm"),
            Part::Cgroup => ("it sees where the host has put it, and the names of all other groups", "cat /proc/self/cgroup"),
            Part::User => (
                "nothing changes, because only --userns gives a container users of its own: its root is root of this machine",
                "cat /proc/self/uid_map",
            ),
            Part::Caps => {
                ("its root has every power that tare itself has: to mount, to load modules, to trace", "grep CapEff /proc/self/status")
            }
            Part::Seccomp => {
                ("it may make every system call that the kernel has, also the rare and the new ones", "grep Seccomp /proc/self/status")
            }
            Part::Masks => (
                "it reads the machine's memory map and timers, and writes to the machine's /proc/sys",
                "ls /proc/acpi; cat /proc/timer_list",
            ),
            Part::Devices => (
                "whoever may make a device file in it may open the device: the host's disks",
                "cat /proc/partitions; mknod /tmp/disk b MAJOR MINOR && head -c 1 /tmp/disk",
            ),
            Part::Reaper => (
                "its program is pid 1: signals without a handler do nothing to it, and orphans that it does not reap stay as zombies",
                "ps; kill -TERM 1",
            ),
        }
    }
}

/// `pid,net`
pub fn parse(text: &str) -> Result<Vec<Part>> {
    let all = Part::ALL.map(Part::name);
    let one = |word: &str| {
        // As the flags and the topics are called.
        let usual = match word.trim() {
            "network" | "networks" => "net",
            "capabilities" => "caps",
            "pivot-root" | "mnt" => "mount",
            "init" | "pid1" => "reaper",
            "cgroups" => "cgroup",
            other => other,
        };
        let known = Part::ALL.into_iter().find(|part| part.name() == usual);
        known.ok_or_else(|| Error::usage("nothing of a container has this name").hint(names::one_of(word, &all)))
    };
    text.split(',').map(one).collect()
}

/// Takes the parts out of what was wished. A wish that says something else of the same part is not overruled.
pub fn leave_out(wishes: &mut Wishes, mut parts: Vec<Part>, names_a_network: bool) -> Result<()> {
    parts.sort_unstable();
    parts.dedup();
    for part in &parts {
        leave_one_out(wishes, *part, names_a_network)?;
    }
    if !parts.is_empty() && wishes.restart != restart::Restart::No {
        return Err(Error::usage("--without and --restart contradict each other").because("a lesson is looked at, and not left running"));
    }
    wishes.without = parts;
    Ok(())
}

fn leave_one_out(wishes: &mut Wishes, part: Part, names_a_network: bool) -> Result<()> {
    let contradicts = |flag: &str| Err(Error::usage(format!("--without={} and --{flag} contradict each other", part.name())));
    match part {
        Part::Pid if wishes.pid != Pid::Own => return contradicts("pid"),
        Part::Pid => wishes.pid = Pid::Host,
        Part::Net if names_a_network => return contradicts("network"),
        Part::Net => wishes.network = Network::Host,
        Part::Uts if wishes.hostname.is_some() => return contradicts("hostname"),
        Part::Uts => wishes.host_uts = true,
        Part::Ipc if wishes.ipc != Ipc::default() => return contradicts("ipc"),
        Part::Ipc => wishes.ipc = Ipc::Host,
        Part::Cgroup => wishes.host_group_view = true,
        Part::User if wishes.user_namespace != UserNamespace::Host => return contradicts("userns"),
        Part::Caps if !wishes.cap_drop.is_empty() => return contradicts("cap-drop"),
        Part::Caps => wishes.cap_add = vec!["ALL".to_owned()],
        Part::Seccomp => wishes.seccomp = Seccomp::Unconfined,
        Part::Devices => wishes.device_rules = vec!["a *:* rwm".to_owned()],
        Part::Reaper if wishes.init == Some(true) => return contradicts("init"),
        Part::Reaper => wishes.init = Some(false),
        // The spec and the runtime leave them out.
        Part::Mount | Part::Masks | Part::User => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_names_and_a_wrong_one_is_answered_with_the_nearest() {
        assert_eq!(parse("net, pid").unwrap(), [Part::Net, Part::Pid]);
        assert!(parse("seccmp").unwrap_err().hint_text().unwrap().contains("seccomp"));
        for part in Part::ALL {
            assert_eq!(parse(part.name()).unwrap(), [part]);
        }
    }

    #[test]
    fn what_is_left_out_is_left_out_once_and_in_order() {
        let mut wishes = Wishes::default();
        leave_out(&mut wishes, vec![Part::Reaper, Part::Pid, Part::Pid], false).unwrap();
        assert_eq!((wishes.pid, wishes.init, wishes.without), (Pid::Host, Some(false), vec![Part::Pid, Part::Reaper]));
    }

    #[test]
    fn a_wish_is_never_overruled() {
        let mut wishes = Wishes { pid: Pid::Container("a".to_owned()), ..Wishes::default() };
        assert!(leave_out(&mut wishes, vec![Part::Pid], false).is_err());
        assert!(leave_out(&mut Wishes::default(), vec![Part::Net], true).is_err());
        let mut wishes = Wishes { restart: restart::Restart::Always, ..Wishes::default() };
        assert!(leave_out(&mut wishes, vec![Part::Uts], false).is_err());
    }
}
