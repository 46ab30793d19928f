//! The clocks that a container may have of its own (time_namespaces(7)).

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds on the clock that never jumps. No call: the kernel shows its clock in our memory (vdso(7)).
pub fn since_boot() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// Seconds of a clock, by the name that /proc/PID/timens_offsets has for it. `None`: no such clock.
pub fn now(name: &str) -> Option<i64> {
    let clock = match name {
        "monotonic" => ClockId::CLOCK_MONOTONIC,
        "boottime" => ClockId::CLOCK_BOOTTIME,
        _ => return None,
    };
    clock_gettime(clock).ok().map(|time| time.tv_sec())
}
