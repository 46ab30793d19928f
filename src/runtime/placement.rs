//! How the kernel shall deal out processors, disks and memory to the user's program: the specification's words as numbers.

use crate::error::{Error, Result};
use crate::runtime::child::{self, At};
use crate::spec::number_list::NumberList;
use crate::sys::schedule::{self, Schedule};
use crate::trace::Step;
use oci_spec::runtime::{
    IOPriorityClass, LinuxMemoryPolicy, LinuxPersonality, LinuxPersonalityDomain, LinuxSchedulerFlag, LinuxSchedulerPolicy,
    MemoryPolicyFlagType, MemoryPolicyModeType, Process, Scheduler,
};

/// What is `None` stays as the caller has it.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    schedule: Option<Schedule>,
    /// Class and priority.
    io: Option<(u32, u32)>,
    /// Mode with its flags, and nodes as bits.
    memory: Option<(u32, Vec<u64>)>,
    personality: Option<u64>,
}

impl Placement {
    pub fn new(process: &Process, memory: Option<&LinuxMemoryPolicy>, personality: Option<&LinuxPersonality>) -> Result<Placement> {
        Ok(Placement {
            schedule: process.scheduler().as_ref().map(schedule_of).transpose()?,
            io: process.io_priority().map(|io| io_of(io.class(), io.priority())).transpose()?,
            memory: memory.map(memory_of).transpose()?,
            personality: personality.map(personality_of).transpose()?,
        })
    }

    pub fn take(&self) -> child::Result<()> {
        const STEP: Step = Step::SetProcessLimits;
        if let Some(domain) = self.personality {
            schedule::set_personality(domain).at(STEP, "set the personality")?;
        }
        if let Some((mode, nodes)) = &self.memory {
            schedule::set_memory_policy(*mode, nodes).at(STEP, "set the memory policy")?;
        }
        if let Some((class, priority)) = self.io {
            schedule::set_io_priority(class, priority).at(STEP, "set the priority for disks")?;
        }
        if let Some(schedule) = &self.schedule {
            schedule::set_schedule(schedule).at(STEP, "set the scheduler")?;
        }
        Ok(())
    }
}

/// The processors of a process that enters a container, `process.execCPUAffinity`. That of the first one is its group's affair.
#[derive(Clone, Debug, Default)]
pub struct Affinity {
    /// Until it is in the container's group.
    initial: Option<Vec<usize>>,
    /// From then on.
    last: Option<Vec<usize>>,
}

impl Affinity {
    pub fn new(process: &Process) -> Result<Affinity> {
        let Some(wish) = process.exec_cpu_affinity() else { return Ok(Affinity::default()) };
        let list = |name: &str, text: Option<&String>| {
            let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
            let list = NumberList::parse(text).ok_or_else(|| Error::damaged(format!("process.execCPUAffinity.{name} {text:?}")))?;
            Ok(Some(list.numbers().map(|number| number as usize).collect()))
        };
        Ok(Affinity { initial: list("initial", wish.initial().as_ref())?, last: list("final", wish.cpu_affinity_final().as_ref())? })
    }

    pub fn take_initial(&self) -> child::Result<()> {
        take_processors(self.initial.as_deref())
    }

    pub fn take_last(&self) -> child::Result<()> {
        take_processors(self.last.as_deref())
    }
}

fn take_processors(list: Option<&[usize]>) -> child::Result<()> {
    list.map_or(Ok(()), schedule::set_affinity).at(Step::SetProcessLimits, "set its processors")
}

/// Numbers of linux/sched.h.
fn schedule_of(wish: &Scheduler) -> Result<Schedule> {
    use LinuxSchedulerPolicy::*;
    let policy = match wish.policy() {
        SchedOther => 0,
        SchedFifo => 1,
        SchedRr => 2,
        SchedBatch => 3,
        SchedIso => return Err(Error::cannot_keep("scheduler SCHED_ISO").because("Linux has none")),
        SchedIdle => 5,
        SchedDeadline => 6,
    };
    let flag = |flag: &LinuxSchedulerFlag| match flag {
        LinuxSchedulerFlag::SchedResetOnFork => 0x01,
        LinuxSchedulerFlag::SchedFlagReclaim => 0x02,
        LinuxSchedulerFlag::SchedFlagDLOverrun => 0x04,
        LinuxSchedulerFlag::SchedFlagKeepPolicy => 0x08,
        LinuxSchedulerFlag::SchedFlagKeepParams => 0x10,
        LinuxSchedulerFlag::SchedFlagUtilClampMin => 0x20,
        LinuxSchedulerFlag::SchedFlagUtilClampMax => 0x40,
    };
    Ok(Schedule {
        policy,
        flags: wish.flags().iter().flatten().fold(0, |all, one| all | flag(one)),
        nice: wish.nice().unwrap_or(0),
        priority: u32::try_from(wish.priority().unwrap_or(0)).map_err(|_| Error::damaged("scheduler.priority is negative"))?,
        runtime: wish.runtime().unwrap_or(0),
        deadline: wish.deadline().unwrap_or(0),
        period: wish.period().unwrap_or(0),
    })
}

fn io_of(class: IOPriorityClass, priority: i64) -> Result<(u32, u32)> {
    let number = match class {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    };
    match u32::try_from(priority) {
        Ok(priority @ 0..=7) => Ok((number, priority)),
        _ => Err(Error::damaged(format!("ioPriority.priority {priority}")).because("it goes from 0 to 7")),
    }
}

/// What `features` says of us.
pub const MEMORY_MODES: &[&str] =
    &["MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"];
pub const MEMORY_FLAGS: &[&str] = &["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"];

/// Numbers of linux/mempolicy.h.
fn memory_of(wish: &LinuxMemoryPolicy) -> Result<(u32, Vec<u64>)> {
    let mode = match wish.mode() {
        MemoryPolicyModeType::MpolDefault => 0,
        MemoryPolicyModeType::MpolPreferred => 1,
        MemoryPolicyModeType::MpolBind => 2,
        MemoryPolicyModeType::MpolInterleave => 3,
        MemoryPolicyModeType::MpolLocal => 4,
        MemoryPolicyModeType::MpolPreferredMany => 5,
        MemoryPolicyModeType::MpolWeightedInterleave => 6,
    };
    let flag = |flag: &MemoryPolicyFlagType| match flag {
        MemoryPolicyFlagType::MpolFNumaBalancing => 1 << 13,
        MemoryPolicyFlagType::MpolFRelativeNodes => 1 << 14,
        MemoryPolicyFlagType::MpolFStaticNodes => 1 << 15,
    };
    let flags = wish.flags().iter().flatten().fold(0, |all, one| all | flag(one));
    Ok((mode | flags, bits_of(wish.nodes().as_deref().unwrap_or_default())?))
}

/// `0-3,7` as bits.
fn bits_of(list: &str) -> Result<Vec<u64>> {
    const MOST: usize = 1024;
    let not_a_list = || Error::damaged(format!("{list:?} is not a list of nodes"));
    let mut bits: Vec<u64> = Vec::new();
    for part in list.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number < MOST).ok_or_else(not_a_list);
        for node in number(first)?..=number(last)? {
            bits.resize(bits.len().max(node / 64 + 1), 0);
            bits[node / 64] |= 1 << (node % 64);
        }
    }
    Ok(bits)
}

fn personality_of(wish: &LinuxPersonality) -> Result<u64> {
    if wish.flags().as_ref().is_some_and(|flags| !flags.is_empty()) {
        return Err(Error::cannot_keep("personality.flags").because("the specification names none that are supported"));
    }
    Ok(match wish.domain() {
        LinuxPersonalityDomain::PerLinux => 0,
        LinuxPersonalityDomain::PerLinux32 => 8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_become_bits() {
        assert_eq!(bits_of("0-2,65").unwrap(), [0b111, 0b10]);
        assert_eq!(bits_of("").unwrap(), [0u64; 0]);
        for bad in ["x", "0-", "-1", "99999", "1,2,z"] {
            assert!(bits_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn disk_priorities_end_at_seven() {
        assert_eq!(io_of(IOPriorityClass::IoprioClassBe, 7).unwrap(), (2, 7));
        assert!(io_of(IOPriorityClass::IoprioClassBe, 8).is_err() && io_of(IOPriorityClass::IoprioClassRt, -1).is_err());
    }
}
