//! How much of the machine it gets.

use super::words::{Flag, Flags, value};
use crate::error::Result;
use crate::options::{Limits, Wishes, limits};

pub const FLAGS: &[Flag] = &[
    value("memory", Some('m'), "BYTES", "Memory limit, for example 512m"),
    value("memory-swap", None, "BYTES", "Memory and swap together; -1: unlimited"),
    value("cpus", None, "NUMBER", "Processors, for example 1.5"),
    value("cpu-shares", Some('c'), "NUMBER", "Weight among containers (1024 is everybody's)"),
    value("pids-limit", None, "NUMBER", "Processes at most; -1: unlimited"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.limits = Limits {
        memory: flags.parse("memory", limits::parse_memory)?.flatten(),
        memory_swap: flags.parse("memory-swap", limits::parse_memory_swap)?.flatten(),
        nano_cpus: flags.parse("cpus", limits::parse_cpus)?,
        cpu_shares: flags.parse("cpu-shares", limits::parse_cpu_shares)?.flatten(),
        pids: flags.parse("pids-limit", limits::parse_pids)?,
        ..Limits::default()
    };
    limits::check(&wishes.limits)
}
