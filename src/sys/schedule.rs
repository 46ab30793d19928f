//! How the kernel deals out processors, disks and memory to a process, and what machine it pretends to be.

#![allow(unsafe_code)]

use nix::errno::Errno;

/// sched_setattr(2). Times are nanoseconds, and only for deadlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub policy: u32,
    pub flags: u64,
    pub nice: i32,
    pub priority: u32,
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
}

/// The kernel's own structure, in its first version: sched_setattr(2).
#[repr(C)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

pub fn set_schedule(schedule: &Schedule) -> Result<(), Errno> {
    let attributes = SchedAttr {
        size: size_of::<SchedAttr>() as u32,
        policy: schedule.policy,
        flags: schedule.flags,
        nice: schedule.nice,
        priority: schedule.priority,
        runtime: schedule.runtime,
        deadline: schedule.deadline,
        period: schedule.period,
    };
    // SAFETY: the structure is ours and says its own size.
    Errno::result(unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) }).map(drop)
}

/// Class 1 to 3 (real time, best effort, idle) and 0 to 7 within it: ioprio_set(2).
pub fn set_io_priority(class: u32, priority: u32) -> Result<(), Errno> {
    const WHO_PROCESS: i32 = 1;
    const CLASS_SHIFT: u32 = 13;
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, class << CLASS_SHIFT | priority) }).map(drop)
}

/// Mode with its flags, and the nodes as bits: set_mempolicy(2).
pub fn set_memory_policy(mode: u32, nodes: &[u64]) -> Result<(), Errno> {
    // The kernel reads one bit less than it is told.
    let bits = nodes.len() as u64 * 64 + 1;
    let (mask, bits) = if nodes.is_empty() { (std::ptr::null(), 0) } else { (nodes.as_ptr(), bits) };
    // SAFETY: the mask is as long as we say, or there is none.
    Errno::result(unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, mask, bits) }).map(drop)
}

/// The processors on which this process may run, by number.
pub fn set_affinity(processors: &[usize]) -> Result<(), Errno> {
    let mut set = nix::sched::CpuSet::new();
    processors.iter().try_for_each(|processor| set.set(*processor))?;
    nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)
}

/// personality(2): which kind of machine `uname` tells of.
pub fn set_personality(domain: u64) -> Result<(), Errno> {
    // SAFETY: a number.
    Errno::result(unsafe { libc::personality(domain as libc::c_ulong) }).map(drop)
}
