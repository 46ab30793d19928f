//! The control group of a container, on cgroup v2 only: made, limited, read, killed, removed.

mod devices;
mod limits;
pub mod usage;

pub use limits::Wanted;

use crate::error::{Context, Error, Result};
use crate::sys::mount::cgroup2 as mount_point;
use crate::sys::{Errno, file};
use crate::trace::Step;
use oci_spec::runtime::LinuxResources;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// All groups of ours lie below one, and the monitors in a leaf beside the containers.
const OURS: &str = "tare";
const MONITORS: &str = "tare/monitors";

/// A group that is open.
pub struct Group {
    path: PathBuf,
    fd: OwnedFd,
}

impl Group {
    /// Makes `tare/<name>`. `None`: this host has no cgroup2 at all.
    pub fn make(name: &str) -> Result<Option<Group>> {
        let Some(top) = mount_point() else { return Ok(None) };
        let path = top.join(OURS).join(name);
        Group::make_at(&path).map(Some).with_context(|| format!("failed at {}: {}", Step::MakeGroup.place(), path.display()))
    }

    /// The leaf in which monitors live: outside the group of whoever typed the command, whose end must not be theirs.
    pub fn of_monitors() -> Option<Group> {
        Group::make_at(&mount_point()?.join(MONITORS)).ok()
    }

    fn make_at(path: &Path) -> Result<Group, Errno> {
        match file::make_dir(path, 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(Errno::ENOENT) => file::make_dirs(path, 0o755)?,
            Err(errno) => return Err(errno),
        }
        Ok(Group { path: path.to_owned(), fd: file::open_dir(path)? })
    }

    /// A group that was made earlier.
    pub fn open(path: &Path) -> Option<Group> {
        Some(Group { fd: file::open_dir(path).ok()?, path: path.to_owned() })
    }

    /// `tare/<name>`, if it is there.
    pub fn existing(name: &str) -> Result<Option<Group>> {
        Ok(mount_point().and_then(|top| Group::open(&top.join(OURS).join(name))))
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes every limit and reads it back: the kernel rounds some, and a limit that did not take is an error.
    pub fn limit(&self, resources: &LinuxResources) -> Result<()> {
        let wanted = Wanted::from(resources)?;
        if wanted.files.is_empty() {
            return Ok(());
        }
        self.enable(&wanted)?;
        for (name, value) in &wanted.files {
            let what = || format!("failed at {}: {name} = {value}", Step::SetLimits.place());
            file::write_kernel_file_at(self.descriptor(), name, value).with_context(what)?;
            let got = file::read_at(self.descriptor(), name).with_context(what)?;
            if !limits::agrees(name, value, got.trim()) {
                return Err(Error::cannot_keep(what()).because(format!("the kernel made it {}", got.trim())));
            }
        }
        Ok(())
    }

    /// Controllers reach a group only when every group above passes them on.
    fn enable(&self, wanted: &Wanted) -> Result<()> {
        let have = file::read_at(self.descriptor(), "cgroup.controllers").context("cannot read the group's controllers")?;
        let missing: Vec<&str> =
            wanted.controllers.iter().copied().filter(|name| !have.split_whitespace().any(|have| have == *name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let top = mount_point().unwrap_or(Path::new("/sys/fs/cgroup"));
        let offered = std::fs::read_to_string(top.join("cgroup.controllers")).unwrap_or_default();
        if let Some(absent) = missing.iter().find(|name| !offered.split_whitespace().any(|offered| offered == **name)) {
            let error = Error::cannot_keep(format!("cannot limit {} of the container", limits::plain(absent)));
            return Err(match top.ends_with("unified") {
                true => error
                    .because(format!("this host keeps its {absent} controller in cgroup v1"))
                    .hint(format!("boot with systemd.unified_cgroup_hierarchy=1, or run without {}", limits::flag(absent))),
                false => error
                    .because(format!("this kernel offers no {absent} controller"))
                    .hint(format!("run without {}", limits::flag(absent))),
            });
        }
        let words: String = missing.iter().map(|name| format!("+{name} ")).collect();
        for above in [top.to_owned(), top.join(OURS)] {
            let what = || format!("cannot pass {} on from {}", words.trim(), above.display());
            match file::write_kernel_file(&above.join("cgroup.subtree_control"), words.trim()) {
                // A group with processes in it cannot pass controllers on: where we are in a container ourselves, they go to a leaf.
                Err(Errno::EBUSY) => {
                    make_room(&above).with_context(what)?;
                    file::write_kernel_file(&above.join("cgroup.subtree_control"), words.trim()).with_context(what)?;
                }
                other => other.with_context(what)?,
            }
        }
        Ok(())
    }

    /// Lets the kernel ask our program before a device is made or opened.
    pub fn guard_devices(&self, resources: Option<&LinuxResources>) -> Result<()> {
        let rules = resources.and_then(|resources| resources.devices().as_deref()).unwrap_or_default();
        let program = devices::program(rules)?;
        crate::sys::device_filter::attach(self.descriptor(), &program).with_context(|| format!("failed at {}", Step::GuardDevices.place()))
    }

    /// Ends every process in the group, whatever they fork meanwhile.
    pub fn kill(&self) -> Result<(), Errno> {
        file::write_kernel_file_at(self.descriptor(), "cgroup.kill", "1")
    }

    pub fn set_frozen(&self, frozen: bool) -> Result<(), Errno> {
        file::write_kernel_file_at(self.descriptor(), "cgroup.freeze", if frozen { "1" } else { "0" })
    }
    pub fn is_frozen(&self) -> bool {
        file::read_at(self.descriptor(), "cgroup.freeze").is_ok_and(|text| text.trim() == "1")
    }

    /// How often the kernel killed in it for want of memory; 0 where nothing is counted.
    pub fn out_of_memory_kills(&self) -> u64 {
        let events = file::read_at(self.descriptor(), "memory.events").unwrap_or_default();
        events.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Whether a process is left in it (a group below counts too).
    pub fn is_populated(&self) -> bool {
        file::read_at(self.descriptor(), "cgroup.events").is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
    }

    /// Whether every process in it has come to rest.
    pub fn stands_still(&self) -> bool {
        file::read_at(self.descriptor(), "cgroup.events").is_ok_and(|events| events.lines().any(|line| line == "frozen 1"))
    }

    /// Those of the groups below count too.
    pub fn all_processes(&self) -> Vec<i32> {
        let mut all = self.processes();
        for below in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if below.file_type().is_ok_and(|kind| kind.is_dir()) {
                all.extend(Group::open(&below.path()).iter().flat_map(Group::all_processes));
            }
        }
        all
    }

    pub fn processes(&self) -> Vec<i32> {
        let text = file::read_at(self.descriptor(), "cgroup.procs").unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Groups that the container made below go first.
    pub fn remove(&self) -> Result<(), Errno> {
        match file::remove_dir(&self.path) {
            Err(Errno::EBUSY) => {
                for below in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
                    let is_group = below.file_type().is_ok_and(|kind| kind.is_dir());
                    if let Some(group) = is_group.then(|| Group::open(&below.path())).flatten() {
                        group.remove()?;
                    }
                }
                file::remove_dir(&self.path)
            }
            other => other,
        }
    }
}

/// Moves the processes of a group that must pass controllers on to a leaf of its own.
fn make_room(group: &Path) -> Result<(), Errno> {
    let leaf = group.join("tare-others");
    file::make_dirs(&leaf, 0o755)?;
    for pid in std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines() {
        match file::write_kernel_file(&leaf.join("cgroup.procs"), pid) {
            // It has ended meanwhile, or is a thread of the kernel.
            Ok(()) | Err(Errno::ESRCH | Errno::EINVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
