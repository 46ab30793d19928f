//! Values of `--memory`, `--memory-swap`, `--cpus`, `--cpu-shares` and `--pids-limit`, and what they must keep to together.

use super::{Limits, sizes};
use crate::error::{Error, Result};

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

/// Limits that contradict each other.
pub fn check(limits: &Limits) -> Result<()> {
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
    fn shares_and_processes_have_bounds() {
        assert!(parse_cpu_shares("1").is_err() && parse_cpu_shares("262145").is_err() && parse_cpu_shares("-5").is_err());
        assert_eq!(parse_cpu_shares("512").unwrap(), Some(512));
        assert_eq!(parse_pids("0").unwrap(), -1);
        assert!(parse_pids("-2").is_err() && parse_pids("many").is_err() && parse_pids("4194305").is_err());
    }
}
