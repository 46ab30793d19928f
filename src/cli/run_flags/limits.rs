//! How much of the machine it gets.

use super::words::{Flag, Flags, list, value};
use crate::error::Result;
use crate::options::{IoRateKind, Limits, Wishes, io_rates, limits};

/// What a container may also be given while it lives.
pub const CHANGEABLE: &[&str] = &[
    "memory",
    "memory-swap",
    "memory-reservation",
    "cpus",
    "cpu-shares",
    "cpu-quota",
    "cpu-period",
    "cpuset-cpus",
    "cpuset-mems",
    "pids-limit",
    "blkio-weight",
];

pub const FLAGS: &[Flag] = &[
    value("memory", Some('m'), "BYTES", "Memory limit, for example 512m"),
    value("memory-swap", None, "BYTES", "Memory and swap together; -1: unlimited"),
    value("memory-reservation", None, "BYTES", "Memory the kernel tries to leave it when there is little"),
    value("memory-swappiness", None, "NUMBER", "Not in cgroup v2; refused"),
    value("cpus", None, "NUMBER", "Processors, for example 1.5"),
    value("cpu-shares", Some('c'), "NUMBER", "Weight among containers (1024 is everybody's)"),
    value("cpu-quota", None, "MICROSECONDS", "Processor time in every period; -1: unlimited"),
    value("cpu-period", None, "MICROSECONDS", "The period of --cpu-quota (default 100000)"),
    value("cpuset-cpus", None, "LIST", "Only these processors, for example 0-2,4"),
    value("cpuset-mems", None, "LIST", "Only these nodes of memory"),
    value("pids-limit", None, "NUMBER", "Processes at most; -1: unlimited"),
    value("blkio-weight", None, "NUMBER", "Weight at the disks, 10 to 1000 (500 is everybody's)"),
    list("device-read-bps", None, "DEVICE:BYTES", "Bytes a second read from a device, for example /dev/sda:10m"),
    list("device-write-bps", None, "DEVICE:BYTES", "Bytes a second written to it"),
    list("device-read-iops", None, "DEVICE:NUMBER", "Reads a second from a device"),
    list("device-write-iops", None, "DEVICE:NUMBER", "Writes a second to it"),
];

const RATES: [(&str, IoRateKind); 4] = [
    ("device-read-bps", IoRateKind::ReadBytes),
    ("device-write-bps", IoRateKind::WriteBytes),
    ("device-read-iops", IoRateKind::ReadOperations),
    ("device-write-iops", IoRateKind::WriteOperations),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    flags.parse("memory-swappiness", limits::refuse_swappiness)?;
    wishes.limits = change(flags, &Limits::default())?;
    for (flag, kind) in RATES {
        for rate in flags.parse_all(flag, |text| io_rates::parse(text, kind))? {
            io_rates::add(&mut wishes.limits.io_rates, rate);
        }
    }
    limits::check(&wishes.limits)
}

/// With what was given in its place; what was not given stays.
pub fn change(flags: &Flags, before: &Limits) -> Result<Limits> {
    let before = without_the_other_way(flags, before);
    Ok(Limits {
        memory: flags.parse("memory", limits::parse_memory)?.unwrap_or(before.memory),
        memory_swap: flags.parse("memory-swap", limits::parse_memory_swap)?.unwrap_or(before.memory_swap),
        memory_reservation: flags.parse("memory-reservation", limits::parse_memory)?.unwrap_or(before.memory_reservation),
        nano_cpus: flags.parse("cpus", limits::parse_cpus)?.or(before.nano_cpus),
        cpu_shares: flags.parse("cpu-shares", limits::parse_cpu_shares)?.unwrap_or(before.cpu_shares),
        cpu_quota: flags.parse("cpu-quota", limits::parse_cpu_quota)?.or(before.cpu_quota),
        cpu_period: flags.parse("cpu-period", limits::parse_cpu_period)?.unwrap_or(before.cpu_period),
        cpuset_cpus: flags.parse("cpuset-cpus", limits::parse_set)?.unwrap_or(before.cpuset_cpus),
        cpuset_mems: flags.parse("cpuset-mems", limits::parse_set)?.unwrap_or(before.cpuset_mems),
        pids: flags.parse("pids-limit", limits::parse_pids)?.or(before.pids),
        io_weight: flags.parse("blkio-weight", limits::parse_io_weight)?.unwrap_or(before.io_weight),
        io_rates: before.io_rates,
    })
}

/// Processors are given in one of two ways, and the later wish counts.
fn without_the_other_way(flags: &Flags, before: &Limits) -> Limits {
    let (by_number, by_quota) = (flags.text("cpus").is_some(), flags.text("cpu-quota").or(flags.text("cpu-period")).is_some());
    let mut before = before.clone();
    if by_number {
        (before.cpu_quota, before.cpu_period) = (None, None);
    }
    if by_quota {
        before.nano_cpus = None;
    }
    before
}
