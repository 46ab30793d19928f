//! The views of a container: which it gets for itself, and which exist already and are joined.
//!
//! New ones come with the one clone3 that makes the process. One that exists is named by a path (`/proc/PID/ns/net`, or wherever
//! somebody bound it). Paths are the host's, so the parent opens them before; the child joins them first of all, by descriptor,
//! because its own mounts of /proc, /sys and /dev/mqueue show the namespaces it is in. Two kinds need a cloner (`cloner.rs`).

use crate::error::{Context, Error, Result};
use crate::runtime::child::{self, At, Failure};
use crate::runtime::mappings::Mappings;
use crate::sys::file::{self, OFlag};
use crate::sys::process::{self, namespace};
use crate::sys::{Errno, clock, user_namespace};
use crate::trace::Step;
use oci_spec::runtime::{Linux, LinuxNamespaceType as Type};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Bit and name of each kind that a container may have.
const KINDS: [(Type, u64, &str); 8] = [
    (Type::User, namespace::USER, "user"),
    (Type::Mount, namespace::MOUNT, "mount"),
    (Type::Pid, namespace::PID, "pid"),
    (Type::Ipc, namespace::IPC, "ipc"),
    (Type::Uts, namespace::UTS, "uts"),
    (Type::Network, namespace::NET, "network"),
    (Type::Cgroup, namespace::CGROUP, "cgroup"),
    (Type::Time, namespace::TIME, "time"),
];

/// PATH_MAX without the closing zero; checked for the sake of whoever would have to read the error.
const LONGEST_PATH: usize = 4095;

/// What is in neither list is shared with whoever starts the container.
#[derive(Default)]
pub struct Namespaces<'a> {
    new: u64,
    joined: Vec<Joined<'a>>,
    clocks: Vec<Clock<'a>>,
    mappings: Option<Mappings>,
}

struct Joined<'a> {
    bit: u64,
    name: &'static str,
    path: &'a Path,
}

/// How far one of its clocks stands apart from the machine's.
struct Clock<'a> {
    name: &'a str,
    seconds: i64,
    nanoseconds: u32,
}

/// One that is joined, opened.
pub struct Held {
    bit: u64,
    name: &'static str,
    fd: OwnedFd,
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<'a> Namespaces<'a> {
    pub fn new(linux: &'a Linux) -> Result<Namespaces<'a>> {
        let mut all = Namespaces::default();
        for asked in linux.namespaces().as_deref().unwrap_or_default() {
            let Some((_, bit, name)) = KINDS.into_iter().find(|(kind, ..)| *kind == asked.typ()) else {
                return Err(Error::cannot_keep(format!("cannot give the container a {} namespace", asked.typ())).because("Linux has none"));
            };
            // A list of any length comes down to one of each kind, or to nothing (CVE-2021-43784).
            if all.has(bit) {
                return Err(Error::damaged(format!("config.json has two {name} namespaces")));
            }
            match asked.path() {
                None => all.new |= bit,
                Some(path) if path.as_os_str().len() > LONGEST_PATH => {
                    let length = path.as_os_str().len();
                    return Err(Error::damaged(format!("config.json names a {name} namespace with a path of {length} bytes")));
                }
                Some(path) if bit == namespace::USER && is_our_own(path) => {}
                Some(path) => all.joined.push(Joined { bit, name, path }),
            }
        }
        if !all.is_new(namespace::MOUNT) {
            return Err(
                Error::cannot_keep("cannot start without a mount namespace of its own").because("the mounts of others would change")
            );
        }
        for (name, offset) in linux.time_offsets().iter().flatten() {
            all.clocks.push(Clock { name, seconds: offset.secs().unwrap_or(0), nanoseconds: offset.nanosecs().unwrap_or(0) });
        }
        if !all.clocks.is_empty() && !all.is_new(namespace::TIME) {
            return Err(Error::damaged("config.json sets clocks, and has no time namespace of its own"));
        }
        all.mappings = Mappings::of_container(linux)?;
        all.check_mappings()?;
        Ok(all)
    }

    pub fn is_new(&self, kind: u64) -> bool {
        self.new & kind != 0
    }
    /// Not that of whoever starts it.
    pub fn has(&self, kind: u64) -> bool {
        self.is_new(kind) || self.joined.iter().any(|joined| joined.bit == kind)
    }

    /// What clone3 itself makes. A time namespace is made before (`cloner.rs`).
    pub fn at_birth(&self) -> u64 {
        self.new & !(namespace::TIME | self.when_grown())
    }

    /// What the process makes for itself. It sees its own group as the top only if it makes the view when it is in there. And message
    /// queues belong to whoever makes them: in a user namespace nobody is anybody at his birth.
    pub fn when_grown(&self) -> u64 {
        let queues = if self.has(namespace::USER) { namespace::IPC } else { 0 };
        self.new & (namespace::CGROUP | queues)
    }

    /// In a user namespace, too, a process can no longer join the others, nor take what only the host gives.
    pub fn need_a_cloner(&self, takes_of_host: bool) -> bool {
        let in_users = self.has(namespace::USER) && (takes_of_host || !self.joined.is_empty());
        self.is_new(namespace::TIME) || in_users || self.joined.iter().any(|joined| joined.bit == namespace::PID)
    }

    /// What a hidden process has in /proc belongs to the machine's root; who is root of another namespace only could not make it a
    /// member of a further one. So it hides as soon as that is done; in a pid namespace of its own nobody sees it until then.
    pub fn hide_late(&self) -> bool {
        self.has(namespace::USER) && (self.is_new(namespace::USER) || self.is_new(namespace::PID)) && !user_namespace::is_machine_s_root()
    }

    pub fn path_of(&self, kind: u64) -> Option<&Path> {
        self.joined.iter().find(|joined| joined.bit == kind).map(|joined| joined.path)
    }

    pub fn mappings(&self) -> Option<&Mappings> {
        self.mappings.as_ref()
    }

    fn check_mappings(&self) -> Result<()> {
        match &self.mappings {
            Some(_) if !self.has(namespace::USER) => Err(Error::damaged("config.json maps users, and has no user namespace")),
            Some(mappings) if !mappings.have_root() => {
                Err(Error::cannot_keep("cannot map the container's users").because("none of them is its root, number 0"))
            }
            None if self.is_new(namespace::USER) => Err(Error::damaged("config.json has a user namespace, and maps no users")),
            _ => Ok(()),
        }
    }

    /// Opens what is joined, and refuses what is something else than it should be.
    pub fn hold(&self) -> Result<Vec<Held>> {
        self.check_clocks()?;
        let hold = |joined: &Joined| {
            let what = || format!("cannot join the {} namespace {}", joined.name, joined.path.display());
            // Not waiting, should it be a fifo.
            let fd = file::open(joined.path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).with_context(what)?;
            match process::kind_of_namespace(fd.as_fd()) {
                Ok(bit) if bit == joined.bit => Ok(Held { bit, name: joined.name, fd }),
                Ok(_) => Err(Error::cannot_keep(what()).because("it is a namespace of another kind")),
                Err(_) => Err(Error::cannot_keep(what()).because("it is no namespace")),
            }
        };
        self.joined.iter().map(hold).collect()
    }

    fn check_clocks(&self) -> Result<()> {
        if self.is_new(namespace::TIME) && !Path::new("/proc/self/ns/time_for_children").exists() {
            return Err(Error::cannot_keep("cannot give the container clocks of its own")
                .because("this kernel has no time namespaces")
                .hint("they need Linux 5.6 and CONFIG_TIME_NS"));
        }
        for clock in &self.clocks {
            let what = || format!("cannot set the {} clock {} seconds apart", clock.name, clock.seconds);
            let now = clock::now(clock.name).ok_or_else(|| Error::cannot_keep(what()).because("it is the whole machine's"))?;
            if now.saturating_add(clock.seconds) < 0 {
                return Err(Error::cannot_keep(what()).because(format!("it would stand before zero: it says {now} seconds now")));
            }
        }
        Ok(())
    }

    /// A new time namespace for the caller's next child. Its clocks can be set until the first process is in it (time_namespaces(7)).
    pub fn shift_clocks(&self) -> child::Result<()> {
        process::unshare(namespace::TIME).at(Step::CloneContainer, "unshare(CLONE_NEWTIME)")?;
        let line = |clock: &Clock| format!("{} {} {}\n", clock.name, clock.seconds, clock.nanoseconds);
        let offsets: String = self.clocks.iter().map(line).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        file::write_kernel_file(Path::new("/proc/self/timens_offsets"), &offsets)
            .at(Step::CloneContainer, || format!("set its clocks to {}", offsets.trim_end().replace('\n', ", ")))
    }
}

/// Where everything is joined before the process is born, because whoever is in a user namespace may join what belongs to it and
/// nothing else: the user namespace comes last, and must be the one that config.json describes.
pub fn join_all(held: &[Held], mappings: Option<&Mappings>) -> child::Result<()> {
    join(held, !namespace::USER)?;
    join(held, namespace::USER)?;
    match mappings {
        Some(mappings) if held.iter().any(|one| one.bit == namespace::USER) && !mappings.are_our_own() => {
            Err(Failure::new(Step::CloneContainer, Errno::EINVAL, "find the mappings of config.json in the user namespace"))
        }
        _ => Ok(()),
    }
}

/// The calling process goes over to those of these kinds; into a pid namespace only its next children do (pid_namespaces(7)).
pub fn join(held: &[Held], kinds: u64) -> child::Result<()> {
    for one in held.iter().filter(|one| one.bit & kinds != 0) {
        let what = || format!("join the {} namespace", one.name);
        match process::join(one.fd.as_fd(), one.bit) {
            // A user namespace's root may not join what is the machine's, and need not.
            Err(Errno::EPERM) if is_ours(one) => {}
            other => other.at(Step::CloneContainer, what)?,
        }
    }
    Ok(())
}

fn is_ours(held: &Held) -> bool {
    let own = std::fs::read_link(format!("/proc/self/ns/{}", held.name)).ok();
    let number = user_namespace::number_of(held.fd.as_fd()).map(|number| format!("{}:[{number}]", held.name));
    own.zip(number.ok()).is_some_and(|(own, number)| own == Path::new(&number))
}

/// Every kind that a process can change for itself.
pub const BY_THE_CHILD: u64 = namespace::IPC | namespace::UTS | namespace::NET | namespace::CGROUP | namespace::TIME;

/// One's own user namespace cannot be joined (setns(2), EINVAL), and need not be.
fn is_our_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |path: &Path| std::fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    number(path) == number(Path::new("/proc/self/ns/user"))
}

/// Whether a process is in another namespace of a kind (its name below /proc/PID/ns) than we are. One's own user namespace
/// cannot be joined again (setns(2), EINVAL), and where a kernel does not have a kind nobody differs.
pub fn differs(pid: i32, name: &str) -> bool {
    std::fs::read_link(format!("/proc/{pid}/ns/{name}")).ok() != std::fs::read_link(format!("/proc/self/ns/{name}")).ok()
}
