//! Values of the flags that limit memory, processors and processes, and what they must keep to together.

use super::{Limits, sizes};
use crate::error::{Error, Result};
use crate::spec::number_list::NumberList;

/// Below this a container cannot even start its first process dependably; Docker draws the line at the same place.
pub const LEAST_MEMORY: u64 = 6 << 20;

pub fn parse_memory(text: &str) -> Result<Option<u64>> {
    let bytes = sizes::parse_bytes(text)?;
    match bytes {
        0 => Ok(None),
        _ if bytes < LEAST_MEMORY => Err(Error::usage("less than 6m is too little for any container")),
        _ => Ok(Some(bytes)),
    }
}

pub fn parse_memory_swap(text: &str) -> Result<Option<i64>> {
    if text == "-1" {
        return Ok(Some(-1));
    }
    let bytes = sizes::parse_bytes(text)?;
    // Never lossy: parse_bytes stays below i64::MAX.
    Ok((bytes != 0).then_some(bytes as i64))
}

/// Billionths of a processor.
pub fn parse_cpus(text: &str) -> Result<u64> {
    let not_a_number = || Error::usage(format!("{text:?} is not a number of processors")).hint("write a decimal number, for example 1.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(not_a_number());
    }
    if fraction.len() > 9 {
        return Err(Error::usage("more than nine digits behind the point"));
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| not_a_number())? };
    let fraction: u64 = format!("{fraction:0<9}").parse().map_err(|_| not_a_number())?;
    let nanos = whole.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(fraction)).filter(|nanos| *nanos <= i64::MAX as u64);
    match nanos {
        // The kernel takes no quota below 1 ms, and the period is 100 ms (cpu.max).
        Some(nanos) if nanos < 10_000_000 => Err(Error::usage("less than 0.01 processors cannot be shared out")),
        Some(nanos) => Ok(nanos),
        None => Err(not_a_number()),
    }
}

pub fn parse_cpu_shares(text: &str) -> Result<Option<u64>> {
    match text.parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(shares @ 2..=262_144) => Ok(Some(shares)),
        _ => Err(Error::usage(format!("{text:?} is not a number from 2 to 262144"))),
    }
}

/// 0 means unlimited too, as in Docker.
pub fn parse_pids(text: &str) -> Result<i64> {
    match text.parse::<i64>() {
        Ok(-1 | 0) => Ok(-1),
        // The kernel's own bound on pids.max (PID_MAX_LIMIT).
        Ok(pids @ 1..=4_194_304) => Ok(pids),
        _ => Err(Error::usage(format!("{text:?} is not a number from 1 to 4194304, or -1 for unlimited"))),
    }
}

/// Microseconds in every period; -1 and 0: unlimited.
pub fn parse_cpu_quota(text: &str) -> Result<i64> {
    match text.parse::<i64>() {
        Ok(-1 | 0) => Ok(-1),
        // The kernel takes no quota below 1 ms (min_cfs_quota_period), and Docker none above its own bound.
        Ok(quota @ 1000..=1_000_000_000) => Ok(quota),
        _ => Err(Error::usage(format!("{text:?} is not a number of microseconds from 1000 to 1000000000")).hint("-1 means unlimited")),
    }
}

/// Microseconds; 0 is the usual 100000.
pub fn parse_cpu_period(text: &str) -> Result<Option<u64>> {
    match text.parse::<u64>() {
        Ok(0) => Ok(None),
        // The kernel's bounds (max_cfs_quota_period is one second).
        Ok(period @ 1000..=1_000_000) => Ok(Some(period)),
        _ => Err(Error::usage(format!("{text:?} is not a number of microseconds from 1000 to 1000000"))),
    }
}

/// Processors or nodes of memory, in the one way in which the kernel writes them.
pub fn parse_set(text: &str) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let list = NumberList::parse(text).ok_or_else(|| Error::usage("not a list of numbers").hint("write it like 0-2,4"))?;
    Ok(Some(list.to_string()))
}

/// 0: as everybody's.
pub fn parse_io_weight(text: &str) -> Result<Option<u16>> {
    match text.parse::<u16>() {
        Ok(0) => Ok(None),
        Ok(weight @ 10..=1000) => Ok(Some(weight)),
        _ => Err(Error::usage(format!("{text:?} is not a number from 10 to 1000"))),
    }
}

/// Nothing that could be kept: cgroup v1's `memory.swappiness` has no successor. -1 is Docker's word for "not set".
pub fn refuse_swappiness(text: &str) -> Result<()> {
    match text.parse::<i8>() {
        Ok(-1) => Ok(()),
        Ok(0..=100) => Err(Error::cannot_keep("cgroup v2 has no swappiness of a group")
            .hint("leave it out; --memory-swap limits how much is swapped, and the same number as --memory means nothing is")),
        _ => Err(Error::usage(format!("{text:?} is not a number from 0 to 100"))),
    }
}

/// Limits that contradict each other.
pub fn check(limits: &Limits) -> Result<()> {
    if limits.nano_cpus.is_some() && (limits.cpu_quota.is_some() || limits.cpu_period.is_some()) {
        return Err(
            Error::usage("--cpus contradicts --cpu-quota and --cpu-period").hint("--cpus 1.5 is --cpu-quota 150000 --cpu-period 100000")
        );
    }
    if let (Some(memory), Some(reserved)) = (limits.memory, limits.memory_reservation)
        && reserved > memory
    {
        return Err(Error::usage("--memory-reservation is larger than --memory").hint("what it may not have cannot be kept for it"));
    }
    match (limits.memory, limits.memory_swap) {
        (None, Some(_)) => Err(Error::usage("--memory-swap without --memory has nothing to add swap to")
            .hint("give --memory as well: --memory-swap is memory and swap together")),
        (Some(memory), Some(both)) if both >= 0 && (both as u64) < memory => Err(Error::usage("--memory-swap is smaller than --memory")
            .hint("--memory-swap is memory and swap together: the same number as --memory means no swap")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_in_billionths() {
        assert_eq!(parse_cpus("1.5").unwrap(), 1_500_000_000);
        assert_eq!(parse_cpus(".5").unwrap(), 500_000_000);
        assert_eq!(parse_cpus("0.01").unwrap(), 10_000_000);
        for bad in ["", "0", "0.001", "-1", "one", "1.0000000001", "1/2", "99999999999999999999", "+1", "."] {
            assert!(parse_cpus(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn memory_below_six_mebibytes_is_refused() {
        assert!(parse_memory("5m").is_err());
        assert_eq!(parse_memory("6m").unwrap(), Some(LEAST_MEMORY));
        assert_eq!(parse_memory("0").unwrap(), None);
    }

    #[test]
    fn swap_counts_memory_in() {
        let limits = |memory, memory_swap| Limits { memory, memory_swap, ..Limits::default() };
        assert!(check(&limits(Some(100), Some(99))).is_err());
        assert!(check(&limits(None, Some(99))).is_err());
        assert!(check(&limits(Some(100), Some(100))).is_ok());
        assert!(check(&limits(Some(100), Some(-1))).is_ok());
        assert!(parse_memory_swap("-2").is_err());
    }

    #[test]
    fn a_reservation_is_no_more_than_the_limit() {
        let limits = |memory, memory_reservation| Limits { memory, memory_reservation, ..Limits::default() };
        assert!(check(&limits(Some(100), Some(101))).is_err());
        assert!(check(&limits(Some(100), Some(100))).is_ok() && check(&limits(None, Some(100))).is_ok());
    }

    #[test]
    fn processors_are_given_in_one_way_or_the_other() {
        let limits = |nano_cpus, cpu_quota, cpu_period| Limits { nano_cpus, cpu_quota, cpu_period, ..Limits::default() };
        assert!(check(&limits(Some(1), Some(1000), None)).is_err() && check(&limits(Some(1), None, Some(1000))).is_err());
        assert!(check(&limits(None, Some(1000), Some(1000))).is_ok() && check(&limits(Some(1), None, None)).is_ok());
        assert_eq!((parse_cpu_quota("-1").unwrap(), parse_cpu_quota("50000").unwrap()), (-1, 50_000));
        assert!(parse_cpu_quota("999").is_err() && parse_cpu_quota("-2").is_err() && parse_cpu_quota("1e5").is_err());
        assert_eq!((parse_cpu_period("0").unwrap(), parse_cpu_period("50000").unwrap()), (None, Some(50_000)));
        assert!(parse_cpu_period("999").is_err() && parse_cpu_period("1000001").is_err() && parse_cpu_period("-1").is_err());
    }

    #[test]
    fn sets_are_written_as_the_kernel_writes_them() {
        assert_eq!(parse_set("3,0-1").unwrap().as_deref(), Some("0-1,3"));
        assert_eq!(parse_set("").unwrap(), None);
        assert!(parse_set("0-").is_err() && parse_set("a").is_err() && parse_set("0, 1").is_err());
    }

    #[test]
    fn weights_have_bounds_and_swappiness_has_no_file() {
        assert_eq!((parse_io_weight("0").unwrap(), parse_io_weight("10").unwrap()), (None, Some(10)));
        assert!(parse_io_weight("9").is_err() && parse_io_weight("1001").is_err());
        assert!(refuse_swappiness("-1").is_ok());
        assert_eq!(refuse_swappiness("60").unwrap_err().kind(), crate::error::Kind::CannotKeep);
        assert_eq!(refuse_swappiness("101").unwrap_err().kind(), crate::error::Kind::Usage);
    }

    #[test]
    fn shares_and_processes_have_bounds() {
        assert!(parse_cpu_shares("1").is_err() && parse_cpu_shares("262145").is_err() && parse_cpu_shares("-5").is_err());
        assert_eq!(parse_cpu_shares("512").unwrap(), Some(512));
        assert_eq!(parse_pids("0").unwrap(), -1);
        assert!(parse_pids("-2").is_err() && parse_pids("many").is_err() && parse_pids("4194305").is_err());
    }
}
