//! What containers need of a kernel, each tried and not guessed, with the reason where it is missing and what helps.

use super::{Facts, controllers};
use crate::sys::attempt::{self, FilterAnswer};
use crate::sys::process::namespace;
use crate::sys::{Errno, identity, user_namespace};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Yes,
    /// Some of it, or not for everybody.
    Partly,
    No,
    /// Only root may try.
    Unknown,
}

#[derive(Clone, Debug)]
pub struct Ability {
    pub group: &'static str,
    pub name: &'static str,
    pub state: State,
    /// What it is good for where it is there, else why it is not.
    pub why: String,
    /// What would help; empty where nothing has to be done, or nothing can be.
    pub advice: String,
    /// Somebody will miss it in everyday use: worth a warning.
    pub everyday: bool,
}

impl Ability {
    pub fn new(group: &'static str, name: &'static str, state: State, why: impl Into<String>) -> Ability {
        Ability { group, name, state, why: why.into(), advice: String::new(), everyday: false }
    }
    pub fn everyday(mut self) -> Ability {
        self.everyday = true;
        self
    }
    pub fn advice(mut self, advice: impl Into<String>) -> Ability {
        self.advice = advice.into();
        self
    }
}

/// `store` is where images and containers are kept: some abilities are its file system's.
pub fn abilities(facts: &Facts, store: &Path) -> Vec<Ability> {
    let mut all = isolation(facts);
    all.extend(files(facts, store));
    all.extend(controllers::abilities(facts));
    all.extend(safety(facts));
    all.extend(network(facts));
    all
}

/// An attempt's answer in words: `serves` says what it is good for, `needs` what it takes to have it.
fn tried(group: &'static str, name: &'static str, answer: Result<(), Errno>, serves: &str, needs: &str) -> Ability {
    match answer {
        Ok(()) => Ability::new(group, name, State::Yes, serves),
        Err(Errno::EPERM | Errno::EACCES) if identity::own_uid() != 0 => {
            Ability::new(group, name, State::Unknown, "only root can try").advice("look again with sudo tare info")
        }
        Err(Errno::EPERM | Errno::EACCES) if !user_namespace::is_initial() => {
            Ability::new(group, name, State::No, "only root of the machine may, and we are root of a user namespace")
        }
        Err(Errno::EPERM | Errno::EACCES) => {
            let why = "refused although we are root: a sandbox around us forbids it, or a capability is missing";
            Ability::new(group, name, State::No, why).advice("look at the row own capabilities; run tare outside of that sandbox")
        }
        Err(Errno::ENOSYS | Errno::EINVAL | Errno::ENODEV | Errno::EOPNOTSUPP | Errno::EPROTONOSUPPORT | Errno::ENOENT) => {
            Ability::new(group, name, State::No, "this kernel does not have it").advice(needs)
        }
        Err(errno) => Ability::new(group, name, State::No, format!("the kernel answers: {}", errno.desc())).advice(needs),
    }
}

const ISOLATION: &str = "Isolation";

fn isolation(facts: &Facts) -> Vec<Ability> {
    let cgroup = match facts.cgroup2.map_or(Err(Errno::ENOENT), attempt::birth_in_cgroup) {
        // The group at the top is not ours to be born in, but the kernel has understood what we wanted.
        Err(Errno::EACCES | Errno::EPERM) if !user_namespace::is_initial() => Ok(()),
        answer => answer,
    };
    vec![
        all_namespaces().everyday(),
        user_namespaces(),
        tried(
            ISOLATION,
            "time namespaces",
            attempt::namespaces(namespace::TIME),
            "a clock of its own since boot",
            "Linux 5.6 with CONFIG_TIME_NS",
        ),
        tried(ISOLATION, "processes by descriptor", attempt::pidfd(), "signals never reach a stranger with an old pid", "Linux 5.3"),
        tried(
            ISOLATION,
            "birth in a cgroup",
            cgroup,
            "no process is outside of its limits, not even at first",
            "a mounted cgroup2, and Linux 5.7",
        ),
        match facts.root_is_initramfs {
            false => Ability::new(ISOLATION, "new root", State::Yes, "by pivot_root"),
            true => Ability::new(
                ISOLATION,
                "new root",
                State::Yes,
                "by MS_MOVE and chroot: the root here is an initramfs, which cannot be pivoted",
            ),
        },
    ]
}

fn all_namespaces() -> Ability {
    const KINDS: [(&str, u64); 6] = [
        ("mount", namespace::MOUNT),
        ("pid", namespace::PID),
        ("ipc", namespace::IPC),
        ("uts", namespace::UTS),
        ("network", namespace::NET),
        ("cgroup", namespace::CGROUP),
    ];
    let answers = KINDS.map(|(name, kind)| (name, attempt::namespaces(kind)));
    let names =
        |good: bool| answers.iter().filter(|(_, answer)| answer.is_ok() == good).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match answers.iter().find_map(|(_, answer)| answer.err()) {
        None => Ability::new(ISOLATION, "namespaces", State::Yes, names(true)),
        Some(errno) => {
            let one = tried(ISOLATION, "namespaces", Err(errno), "", "a kernel with these kinds of namespaces");
            let some = answers.iter().any(|(_, answer)| answer.is_ok());
            Ability { state: if some { State::Partly } else { one.state }, why: format!("without {}: {}", names(false), one.why), ..one }
        }
    }
}

/// Switches of distributions that leave user namespaces to root.
const ONLY_FOR_ROOT: [(&str, &str); 2] = [("kernel.unprivileged_userns_clone", "0"), ("kernel.apparmor_restrict_unprivileged_userns", "1")];

/// The switch that does it here, its value, and the one that helps.
pub fn user_namespaces_are_only_for_root() -> Option<(&'static str, &'static str, u8)> {
    let (switch, value) = ONLY_FOR_ROOT.iter().find(|(switch, value)| sysctl(switch).as_deref() == Some(value))?;
    Some((switch, value, if *value == "0" { 1 } else { 0 }))
}

fn user_namespaces() -> Ability {
    let name = "user namespaces";
    let answer = attempt::namespaces(namespace::USER);
    if sysctl("user.max_user_namespaces").as_deref() == Some("0") {
        let why = "none are allowed: user.max_user_namespaces is 0";
        return Ability::new(ISOLATION, name, State::No, why).advice("sysctl user.max_user_namespaces=10000");
    }
    match (user_namespaces_are_only_for_root(), answer) {
        (Some((switch, value, other)), Ok(()) | Err(Errno::EPERM | Errno::EACCES)) => {
            Ability::new(ISOLATION, name, State::Partly, format!("only for root: {switch} is {value}"))
                .advice(format!("sysctl {switch}={other}"))
        }
        (_, answer) => tried(ISOLATION, name, answer, "root inside need not be root outside", "a kernel with CONFIG_USER_NS"),
    }
}

pub fn sysctl(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok().map(|text| text.trim().to_owned())
}

const FILES: &str = "Files";

fn files(facts: &Facts, store: &Path) -> Vec<Ability> {
    let kind = file_system_of(store);
    let mapped = attempt::id_mapped_mount(if store.is_dir() { store } else { Path::new("/") });
    let mapped = match mapped {
        Err(_) if !user_namespace::is_initial() => {
            let why = format!("on {kind} only root of the machine may: layers with other owners are copies");
            Ability::new(FILES, "idmapped mounts", State::No, why)
        }
        Err(Errno::EINVAL) => Ability::new(FILES, "idmapped mounts", State::No, format!("not on {kind}, where the store is"))
            .advice("Linux 5.12, and a store on ext4, xfs, btrfs or (Linux 6.3) tmpfs"),
        other => tried(FILES, "idmapped mounts", other, &format!("layers with other owners, on {kind} too"), "Linux 5.12"),
    };
    let overlay = match facts.is_root {
        true => attempt::overlay(),
        // Whoever is not root may not open one, but can read what is loaded.
        false if file_systems().contains("overlay") => Ok(()),
        false => Err(Errno::EPERM),
    };
    vec![
        tried(FILES, "overlay", overlay, "layers of images below each container's own", "modprobe overlay").everyday(),
        tried(FILES, "overlay in user namespaces", attempt::overlay_in_user_namespace(), "the same without being root", "Linux 5.11"),
        tried(
            FILES,
            "layers told one by one",
            attempt::overlay_of_many_layers(),
            "500 layers",
            "Linux 6.8; before it about a hundred layers fit",
        ),
        mapped,
        tried(FILES, "paths beneath a root", attempt::openat2(), "no symbolic link leads out of a container", "Linux 5.6").everyday(),
        open_files(attempt::most_open_files()),
    ]
}

fn open_files(most: u64) -> Ability {
    const ENOUGH: u64 = 65_536;
    let text = if most == u64::MAX { "unlimited".to_owned() } else { most.to_string() };
    match most >= ENOUGH {
        true => Ability::new(FILES, "open files", State::Yes, format!("at most {text} in one process")),
        false => Ability::new(FILES, "open files", State::Partly, format!("at most {text} in one process, which containers inherit"))
            .advice("raise it where tare is started: ulimit -n, or LimitNOFILE= of the service"),
    }
}

fn file_systems() -> String {
    std::fs::read_to_string("/proc/filesystems").unwrap_or_default()
}

/// The kind of the longest mount point above `dir`.
fn file_system_of(dir: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let above = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?)).filter(|(point, _)| dir.starts_with(point))
    });
    above.max_by_key(|(point, _)| point.len()).map_or("this file system".to_owned(), |(_, kind)| kind.to_owned())
}

const SAFETY: &str = "Safety";

fn safety(facts: &Facts) -> Vec<Ability> {
    let needs_filter = "a kernel with CONFIG_SECCOMP_FILTER; without it: --security-opt seccomp=unconfined";
    vec![
        tried(SAFETY, "seccomp", attempt::seccomp(FilterAnswer::Errno), "a filter of system calls", needs_filter).everyday(),
        tried(
            SAFETY,
            "seccomp notification",
            attempt::seccomp(FilterAnswer::AskAnother),
            "a system call that another process answers",
            "Linux 5.0",
        ),
        device_program().everyday(),
        tried(SAFETY, "closing all descriptors", attempt::close_range(), "none of the host's is left to a container", "Linux 5.9"),
        module(facts, "apparmor", "AppArmor"),
        module(facts, "selinux", "SELinux"),
        own_capabilities(&attempt::capabilities_out_of_reach()),
    ]
}

fn device_program() -> Ability {
    const NAME: &str = "device program";
    match user_namespace::is_initial() {
        true => tried(
            SAFETY,
            NAME,
            attempt::device_program(),
            "which devices may be opened, checked by the kernel (eBPF)",
            "a kernel with CONFIG_CGROUP_BPF",
        ),
        false => Ability::new(SAFETY, NAME, State::Yes, "not needed in a user namespace, where nobody makes device files"),
    }
}

/// A security module: none of ours yet, but what it forbids, it forbids to containers too.
fn module(facts: &Facts, module: &str, name: &'static str) -> Ability {
    let active = facts.security_modules.iter().any(|known| known == module) || Path::new("/sys/fs").join(module).join("enforce").exists();
    match (active, attempt::own_profile()) {
        (false, _) => Ability::new(SAFETY, name, State::No, "not active in this kernel; nothing is missing without it"),
        (true, Some(profile)) => Ability::new(
            SAFETY,
            name,
            State::Partly,
            format!("active, and we run as {profile}; containers get no profile of their own yet"),
        ),
        (true, None) => Ability::new(SAFETY, name, State::Partly, "active; containers get no profile of their own yet"),
    }
}

fn own_capabilities(missing: &[String]) -> Ability {
    const NAME: &str = "own capabilities";
    match missing {
        [] => Ability::new(SAFETY, NAME, State::Yes, "all that this kernel knows"),
        _ => Ability::new(SAFETY, NAME, State::Partly, format!("out of reach for us and for every container: {}", missing.join(", ")))
            .advice("whoever started this shell took them away: a container, a sandbox or a service around us"),
    }
}

const NETWORK: &str = "Network";

fn network(facts: &Facts) -> Vec<Ability> {
    let tables = match facts.is_root {
        true if user_namespace::is_initial() => attempt::nf_tables(),
        true => attempt::nf_tables_of_our_own(),
        false => Err(Errno::EPERM),
    };
    let tun = match attempt::tun() {
        Err(Errno::EACCES | Errno::EPERM) => Ability::new(NETWORK, "tun", State::No, "/dev/net/tun is closed to us"),
        answer => tried(
            NETWORK,
            "tun",
            answer,
            "interfaces made by programs, as pasta makes one for each network of who is not root",
            "modprobe tun",
        ),
    };
    vec![tried(NETWORK, "nftables", tables, "rules for packets, of networks and published ports", "modprobe nf_tables"), tun]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_kernel_becomes_words() {
        let yes = tried("g", "n", Ok(()), "serves", "needs");
        assert_eq!((yes.state, yes.why.as_str(), yes.advice.as_str()), (State::Yes, "serves", ""));
        let no = tried("g", "n", Err(Errno::ENOSYS), "serves", "needs");
        assert_eq!((no.state, no.advice.as_str()), (State::No, "needs"));
        let odd = tried("g", "n", Err(Errno::ENOSPC), "serves", "needs");
        assert_eq!((odd.state, odd.why.as_str()), (State::No, "the kernel answers: No space left on device"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(own_capabilities(&[]).state, State::Yes);
        let some = own_capabilities(&["CAP_SYS_RESOURCE".into()]);
        assert!(some.state == State::Partly && some.why.ends_with("CAP_SYS_RESOURCE"), "{some:?}");
        assert_eq!((open_files(1024).state, open_files(u64::MAX).state), (State::Partly, State::Yes));
        assert_eq!(file_system_of(Path::new("/proc/self")), "proc");
    }
}
