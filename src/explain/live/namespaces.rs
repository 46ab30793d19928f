//! Namespaces: which a process is in, told by their numbers, and who else is in the same.
//!
//! A namespace is known by the inode of its link below /proc/PID/ns (namespaces(7)): two processes that show the same number
//! share it. "The host's" means: the one in which this tare itself runs.

use crate::record::Seen;
use crate::sys::{process, user_namespace};

/// The names of the links, and what each divides, in the order in which people meet them.
pub const KINDS: [(&str, &str); 8] = [
    ("mnt", "mounts, so all files"),
    ("pid", "process numbers"),
    ("net", "interfaces, addresses, ports"),
    ("uts", "host name"),
    ("ipc", "shared memory, message queues"),
    ("user", "users and their powers"),
    ("cgroup", "which group looks like the root"),
    ("time", "clocks"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    pub kind: &'static str,
    pub divides: &'static str,
    pub number: u64,
    pub whose: Whose,
    /// Names of other containers that are in it, too.
    pub with: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Made for this container, or for one that it shares it with.
    Containers,
    Hosts,
    /// An ordinary user's, in which all of his containers live (`rootless/`).
    Users,
}

/// `others`: all that run.
pub fn of(seen: &Seen, others: &[Seen]) -> Vec<Namespace> {
    let Some(pid) = first_process(seen) else { return Vec::new() };
    let pids: Vec<(&str, i32)> = others
        .iter()
        .filter(|other| other.record.id != seen.record.id)
        .filter_map(|other| Some((other.record.name.as_str(), first_process(other)?)))
        .collect();
    let namespace = |(kind, divides): (&'static str, &'static str)| {
        let number = number(pid, kind)?;
        let is_ours = self::number(process::own_pid(), kind) == Some(number);
        let whose = match is_ours {
            true if kind == "user" && !user_namespace::is_initial() => Whose::Users,
            true => Whose::Hosts,
            false => Whose::Containers,
        };
        let shares = |(name, pid): &(&str, i32)| (self::number(*pid, kind) == Some(number)).then(|| (*name).to_owned());
        // With whom it has the host's is no news.
        let with = if whose == Whose::Containers { pids.iter().filter_map(shares).collect() } else { Vec::new() };
        Some(Namespace { kind, divides, number, whose, with })
    };
    KINDS.into_iter().filter_map(namespace).collect()
}

pub fn first_process(seen: &Seen) -> Option<i32> {
    seen.live.as_ref().map(|live| live.pid).filter(|pid| *pid != 0)
}

/// `None`: it may not be looked at, or this kernel has no such kind.
pub fn number(pid: i32, kind: &str) -> Option<u64> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()?;
    parse(link.to_str()?)
}

/// `net:[4026532285]`
fn parse(link: &str) -> Option<u64> {
    link.split_once(":[")?.1.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_known_by_its_number() {
        assert_eq!(parse("net:[4026532285]"), Some(4_026_532_285));
        assert_eq!((parse("net:4026"), parse(""), parse("net:[x]")), (None, None, None));
        assert!(number(process::own_pid(), "mnt").is_some());
        assert_eq!(number(process::own_pid(), "nosuch"), None);
    }
}
