//! The control group of a container, on cgroup v2 only: made, limited, read, killed, removed.

mod above;
mod agreement;
mod below;
mod bus;
mod devices;
mod disks;
mod hints;
pub mod home;
mod keep;
mod limits;
mod message;
pub mod own_scope;
mod rare;
pub mod systemd;
pub mod usage;

pub use limits::{Present, Wanted};
pub use rare::forget_empty_pids;

use crate::error::{Context, Error, Result};
use crate::sys::mount::cgroup2 as mount_point;
use crate::sys::{Errno, file, process, user_namespace};
use crate::trace::{self, Step};
use oci_spec::runtime::LinuxResources;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// All groups of ours lie below one, and the monitors in a leaf beside the containers.
const OURS: &str = "tare";
const MONITORS: &str = "tare/monitors";

/// A group that is open.
pub struct Group {
    path: PathBuf,
    fd: OwnedFd,
    /// Memory is kept for it, which the group above knows.
    has_promise: bool,
}

impl Group {
    /// Whether a process of ours can be born in it, or be moved there.
    pub fn is_in_reach(&self) -> bool {
        home::reaches(&self.path)
    }

    /// Brings a process of ours so near that it is in its reach.
    pub fn let_in(&self, pid: i32) -> Result<()> {
        own_scope::let_in(&self.path, pid)
    }

    /// Makes a group by its path below that where ours may lie (`home.rs`).
    pub fn make(top: &Path, below: &Path) -> Result<Group> {
        let path = top.join(below.strip_prefix("/").unwrap_or(below));
        Group::make_at(&path).with_context(|| format!("failed at {}: {}", Step::MakeGroup.place(), path.display()))
    }

    /// The leaf in which monitors live: outside the group of whoever typed the command, whose end must not be theirs.
    pub fn of_monitors() -> Option<Group> {
        Group::make_at(&home::top()?.join(MONITORS)).ok()
    }

    /// As a specification names it: below the cgroup2 mount, wherever that is. `None`: this host has no cgroup2 at all, or an ordinary
    /// user, who has become root of a namespace, may make nothing there.
    pub fn make_below_top(path: &Path) -> Result<Option<Group>> {
        let Some(top) = mount_point() else { return Ok(None) };
        let mut inside = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(part) => inside.push(part),
                Component::ParentDir => return Err(Error::damaged(format!("cgroupsPath {} leads upwards", path.display()))),
                _ => {}
            }
        }
        if inside == Path::new("") {
            return Err(Error::damaged(format!("cgroupsPath {} names no group", path.display())));
        }
        let path = top.join(inside);
        let made = match Group::make_at(&path) {
            Err(Errno::EACCES | Errno::EPERM | Errno::EROFS) if !user_namespace::is_machine_s_root() => return Ok(None),
            made => made,
        };
        made.map(Some).with_context(|| format!("failed at {}: {}", Step::MakeGroup.place(), path.display()))
    }

    fn make_at(path: &Path) -> Result<Group, Errno> {
        above::make(path)?;
        Ok(Group { path: path.to_owned(), fd: file::open_dir(path)?, has_promise: false })
    }

    /// A new one below it. Nothing above is made: it may have gone meanwhile.
    pub fn below(&self, name: &str) -> Result<Group, Errno> {
        let path = self.path.join(name);
        file::make_dir(&path, 0o755)?;
        Ok(Group { fd: file::open_dir(&path)?, path, has_promise: false })
    }

    /// A group that was made earlier.
    pub fn open(path: &Path) -> Option<Group> {
        Some(Group { fd: file::open_dir(path).ok()?, path: path.to_owned(), has_promise: false })
    }

    /// `tare/<name>`, if it is there.
    pub fn existing(name: &str) -> Result<Option<Group>> {
        Group::existing_at(&Path::new(OURS).join(name))
    }

    /// The same, by its path below that where ours lie.
    pub fn existing_at(below: &Path) -> Result<Option<Group>> {
        Ok(home::top().and_then(|top| Group::open(&top.join(below.strip_prefix("/").unwrap_or(below)))))
    }

    /// The names of those in ours that are called like containers.
    pub fn all_of_containers() -> Vec<String> {
        let entries = home::top().and_then(|top| std::fs::read_dir(top.join(OURS)).ok()).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.len() == 64 && name.bytes().all(|letter| letter.is_ascii_hexdigit())).collect()
    }

    /// How long it has been there.
    pub fn age(&self) -> Option<Duration> {
        std::fs::metadata(&self.path).ok()?.modified().ok()?.elapsed().ok()
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, and the files that the kernel names as safe in the hands of whom a group is delegated to.
    pub fn give_to(&self, uid: u32, gid: u32) -> Result<(), Errno> {
        const NAMES: &str = "/sys/kernel/cgroup/delegate";
        file::change_owner(&self.path, uid, gid)?;
        let names = std::fs::read_to_string(NAMES).unwrap_or_else(|_| "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n".to_owned());
        for name in names.lines() {
            match file::change_owner(&self.path.join(name), uid, gid) {
                // The file of a controller that this group has not.
                Err(Errno::ENOENT) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Lets the kernel ask our program before a device is made or opened.
    pub fn guard_devices(&self, resources: Option<&LinuxResources>) -> Result<()> {
        // Only root of the machine may load one, and only he makes device files: whoever is it in a namespace of his has those of the
        // host that are shown to him, and their owners and modes guard them.
        if !user_namespace::is_machine_s_root() {
            return Ok(());
        }
        let step = trace::begin(Step::GuardDevices);
        let rules = resources.and_then(|resources| resources.devices().as_deref()).unwrap_or_default();
        let program = devices::program(rules)?;
        crate::sys::device_filter::attach(self.descriptor(), &program).with_context(|| format!("failed at {}", step.place()))
    }

    /// Ends every process in the group, whatever they fork meanwhile.
    pub fn kill(&self) -> Result<(), Errno> {
        file::write_kernel_file_at(self.descriptor(), "cgroup.kill", "1")
    }

    /// Returns when it is so: a process in the kernel stands still only when it comes back from there.
    pub fn set_frozen(&self, frozen: bool) -> Result<(), Errno> {
        file::write_kernel_file_at(self.descriptor(), "cgroup.freeze", if frozen { "1" } else { "0" })?;
        for attempt in 0..1000 {
            if self.stands_still() == frozen {
                return Ok(());
            }
            process::sleep(if attempt < 50 { Duration::from_micros(200) } else { Duration::from_millis(5) });
        }
        Err(Errno::ETIMEDOUT)
    }
    pub fn is_frozen(&self) -> bool {
        file::read_at(self.descriptor(), "cgroup.freeze").is_ok_and(|text| text.trim() == "1")
    }

    /// How often the kernel killed in it for want of memory; 0 where nothing is counted.
    pub fn out_of_memory_kills(&self) -> u64 {
        let events = file::read_at(self.descriptor(), "memory.events").unwrap_or_default();
        events.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// The most that it had at one time, in bytes; since Linux 5.19.
    pub fn memory_peak(&self) -> Option<u64> {
        file::read_at(self.descriptor(), "memory.peak").ok()?.trim().parse().ok()
    }

    /// Whether a process is left in it (a group below counts too).
    pub fn is_populated(&self) -> bool {
        file::read_at(self.descriptor(), "cgroup.events").is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
    }

    /// Whether every process in it has come to rest.
    pub fn stands_still(&self) -> bool {
        file::read_at(self.descriptor(), "cgroup.events").is_ok_and(|events| events.lines().any(|line| line == "frozen 1"))
    }

    pub fn processes(&self) -> Vec<i32> {
        let text = file::read_at(self.descriptor(), "cgroup.procs").unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}
