//! Limits are written to a group's files and read back, for a new group and for one that has lived for a while.

use super::agreement::{agrees, is_no_limit};
use super::disks::io_weight;
use super::hints;
use super::limits::{Present, Wanted};
use super::{Group, above, home};
use crate::error::{Context, Error, Result};
use crate::kernel::controllers::TO_DELEGATE;
use crate::sys::{Errno, file, user_namespace};
use crate::trace::{self, Step};
use oci_spec::runtime::LinuxResources;
use std::path::Path;

/// The kernel can weigh by cost (iocost), or a disk's scheduler can (bfq).
const DISK_WEIGHTS: [&str; 2] = ["io.weight", "io.bfq.weight"];

impl Group {
    /// Whether a host without any cgroup2 could keep these: only devices are guarded.
    pub fn wants_nothing(resources: &LinuxResources) -> bool {
        Wanted::from(resources, &Present::default()).is_ok_and(|wanted| wanted.controllers.is_empty() && wanted.unified.is_empty())
    }

    /// Writes every limit and reads it back: the kernel rounds some, and a limit that did not take is an error.
    pub fn limit(&mut self, resources: &LinuxResources) -> Result<()> {
        let wanted = Wanted::from(resources, &Present::default())?;
        if wanted.is_nothing() {
            return Ok(());
        }
        trace::begin(Step::SetLimits);
        self.enable(&wanted)?;
        self.write(&wanted)
    }

    /// The same for a group with processes in it. Where one limit cannot be kept, all are again what they were.
    pub fn update(&mut self, resources: &LinuxResources) -> Result<()> {
        let wanted = Wanted::from(resources, &Present::of(self))?;
        if wanted.is_nothing() {
            return Ok(());
        }
        self.enable(&wanted)?;
        let before = Before::of(self, &wanted);
        self.write(&wanted).inspect_err(|_| before.restore(self))
    }

    fn write(&mut self, wanted: &Wanted) -> Result<()> {
        self.check_memory_now(wanted)?;
        for (name, value) in &wanted.files {
            self.set(name, value)?;
        }
        self.weigh_at_disks(&wanted.disk_weights)?;
        for (name, value) in &wanted.unified {
            match file::write_kernel_file_at(self.descriptor(), name, value) {
                Err(Errno::ENOENT) => return Err(no_such_file(name, value)),
                other => other.with_context(|| place(name, value))?,
            }
        }
        if wanted.files.iter().any(|(name, _)| name == "memory.low") {
            self.has_promise = true;
            above::promise_memory(&self.path).with_context(|| place("memory.low", "of the group above"))?;
        }
        Ok(())
    }

    /// cgroup v2 would make room by killing.
    fn check_memory_now(&self, wanted: &Wanted) -> Result<()> {
        let Some(most) = wanted.most_memory_now else { return Ok(()) };
        let text = file::read_at(self.descriptor(), "memory.current").with_context(|| place("memory.max", &most.to_string()))?;
        match text.trim().parse::<u64>() {
            Ok(used) if used > most => Err(Error::cannot_keep(place("memory.max", &most.to_string()))
                .because(format!("{used} bytes are in use already, and memory.checkBeforeUpdate is set"))),
            _ => Ok(()),
        }
    }

    fn set(&self, name: &str, value: &str) -> Result<()> {
        let what = || place(name, value);
        match file::write_kernel_file_at(self.descriptor(), name, value) {
            Err(Errno::ENOENT) if is_no_limit(value) => return Ok(()),
            // A kernel without swap has no file to limit it, and nothing to be limited.
            Err(Errno::ENOENT) if name == "memory.swap.max" && !has_swap() => return Ok(()),
            // A kernel that does not count reservations counts pages.
            Err(Errno::ENOENT) if name.ends_with(".rsvd.max") => return Ok(()),
            Err(Errno::ENOENT) => return Err(no_such_file(name, value)),
            Err(Errno::ENODEV) if name.starts_with("io.") => return Err(no_such_disk(what())),
            other => other.with_context(what)?,
        }
        self.check(name, value)?;
        if name.starts_with("cpuset.") {
            // What the groups above do not have is silently left out there.
            self.check(&format!("{name}.effective"), value)?;
        }
        Ok(())
    }

    fn check(&self, name: &str, value: &str) -> Result<()> {
        let got = file::read_at(self.descriptor(), name).with_context(|| place(name, value))?;
        match agrees(name, value, got.trim()) {
            true => Ok(()),
            false => Err(Error::cannot_keep(place(name, value)).because(format!("the kernel made it {:?}", got.trim()))),
        }
    }

    fn weigh_at_disks(&self, weights: &[(Option<(i64, i64)>, u16)]) -> Result<()> {
        for (device, weight) in weights {
            let whose = device.map_or(String::new(), |(major, minor)| format!("{major}:{minor} "));
            let mut kept = false;
            for name in DISK_WEIGHTS {
                let number = if name == "io.weight" { io_weight(*weight) } else { u64::from(*weight) };
                let value = format!("{whose}{number}");
                match file::write_kernel_file_at(self.descriptor(), name, &value) {
                    Err(Errno::ENOENT) => continue,
                    // A kernel before 5.5 has one weight for all disks in bfq's file, another disk a scheduler without weights.
                    Err(Errno::EOPNOTSUPP) => continue,
                    Err(Errno::ENODEV) => return Err(no_such_disk(place(name, &value))),
                    other => other.with_context(|| place(name, &value))?,
                }
                self.check(name, &value)?;
                kept = true;
            }
            if !kept {
                return Err(Error::cannot_keep("cannot weigh the container at the disks")
                    .because("this kernel has neither io.weight nor io.bfq.weight")
                    .hint("run without --blkio-weight, or limit it: --device-read-bps, --device-write-bps"));
            }
        }
        Ok(())
    }

    fn enable(&self, wanted: &Wanted) -> Result<()> {
        if wanted.controllers.is_empty() {
            return Ok(());
        }
        let have = file::read_at(self.descriptor(), "cgroup.controllers").context("cannot read the group's controllers")?;
        let has = |text: &str, name: &str| text.split_whitespace().any(|have| have == name);
        let missing: Vec<&str> = wanted.controllers.iter().map(String::as_str).filter(|name| !has(&have, name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // Where no group of ours lies above it, another has made it, and has handed on what there is.
        let top = home::top();
        wanted.check_offered(top.as_deref().unwrap_or(&self.path))?;
        above::hand_on(&self.path, &missing)
    }

    /// Whether a group could have these limits here, which is not made yet.
    pub fn check_offered(resources: &LinuxResources) -> Result<()> {
        let wanted = Wanted::from(resources, &Present::default())?;
        match home::top() {
            Some(top) => wanted.check_offered(&top),
            // Whoever has to ask for a group first will hear then what it has.
            None if !user_namespace::is_machine_s_root() && !hints::is_in_v1("memory") => Ok(()),
            None => wanted.check_offered(Path::new("/sys/fs/cgroup")),
        }
    }
}

impl Wanted {
    /// What the group at the top has not, none below can be handed.
    fn check_offered(&self, top: &Path) -> Result<()> {
        let offered = std::fs::read_to_string(top.join("cgroup.controllers")).unwrap_or_default();
        let is_offered = |name: &str| offered.split_whitespace().any(|offered| offered == name);
        let Some(absent) = self.controllers.iter().find(|name| !is_offered(name)) else { return Ok(()) };
        let error = Error::cannot_keep(format!("cannot limit {} of the container", hints::plain(absent)));
        let flags = self.flags_of(absent);
        Err(match hints::is_in_v1(absent) {
            true => error
                .because(format!("this host keeps its {absent} controller in cgroup v1"))
                .hint(format!("boot with systemd.unified_cgroup_hierarchy=1, or do without {flags}")),
            false if !user_namespace::is_machine_s_root() => error
                .because(format!("the {absent} controller is not given to you"))
                .hint(format!("{}; or do without {flags}", TO_DELEGATE)),
            false => error.because(format!("this kernel offers no {absent} controller")).hint(format!("do without {flags}")),
        })
    }
}

impl Present {
    fn of(group: &Group) -> Present {
        let read = |name: &str| file::read_at(group.descriptor(), name).unwrap_or_default();
        let processors = read("cpu.max");
        let (quota, period) = processors.trim().split_once(' ').unzip();
        Present {
            memory: read("memory.max").trim().parse().ok(),
            quota: quota.map(str::to_owned),
            period: period.and_then(|period| period.parse().ok()),
            burst: read("cpu.max.burst").trim().parse().unwrap_or(0),
            idle: read("cpu.idle").trim() == "1",
        }
    }
}

/// The files that will be written, as they were.
struct Before(Vec<(String, String)>);

impl Before {
    fn of(group: &Group, wanted: &Wanted) -> Before {
        let weights = DISK_WEIGHTS.iter().filter(|_| !wanted.disk_weights.is_empty()).map(|name| (*name).to_owned());
        let mut names: Vec<String> = weights.chain(wanted.files.iter().chain(&wanted.unified).map(|(name, _)| name.clone())).collect();
        names.dedup();
        let read = |name: String| file::read_at(group.descriptor(), &name).ok().map(|text| (name, text));
        Before(names.into_iter().filter_map(read).collect())
    }

    /// The last one first, because an earlier one may only be possible then. What cannot be restored stays: the first error is told.
    fn restore(&self, group: &Group) {
        let write = |name: &str, line: &str| {
            let _ = file::write_kernel_file_at(group.descriptor(), name, &format!("{line}\n"));
        };
        for (name, text) in self.0.iter().rev() {
            let now = file::read_at(group.descriptor(), name).unwrap_or_default();
            // A device that had nothing of its own has no line there.
            for device in now.lines().filter_map(|line| line.split_once(':').and(line.split(' ').next())) {
                match name.as_str() {
                    "io.max" => write(name, &format!("{device} rbps=max wbps=max riops=max wiops=max")),
                    name if DISK_WEIGHTS.contains(&name) => write(name, &format!("{device} default")),
                    _ => {}
                }
            }
            match text.trim().is_empty() {
                // An empty set of processors is that of the group above.
                true if name.starts_with("cpuset.") => {
                    write(name, "");
                    // Refused while somebody is in the group: all that the group above has is the same.
                    if !file::read_at(group.descriptor(), name).is_ok_and(|text| text.trim().is_empty()) {
                        let above = std::fs::read_to_string(group.path().with_file_name(format!("{name}.effective")));
                        write(name, above.unwrap_or_default().trim());
                    }
                }
                _ => text.lines().for_each(|line| write(name, line)),
            }
        }
        if self.0.iter().any(|(name, _)| name == "memory.low") {
            let _ = above::promise_memory(group.path());
        }
    }
}

fn no_such_file(name: &str, value: &str) -> Error {
    Error::cannot_keep(place(name, value)).because(format!("this kernel has no {name}"))
}

fn no_such_disk(what: String) -> Error {
    Error::cannot_keep(what).because("the kernel knows no such disk").hint("only whole disks can be slowed down")
}

fn place(name: &str, value: &str) -> String {
    format!("failed at {}: {name} = {value}", Step::SetLimits.place())
}

/// proc_swaps(5): a line for each place to swap to, below the heading.
fn has_swap() -> bool {
    std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}
