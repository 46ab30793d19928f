//! The clocks that a container may have of its own (time_namespaces(7)).

use nix::time::{ClockId, clock_gettime};

/// Seconds of a clock, by the name that /proc/PID/timens_offsets has for it. `None`: no such clock.
pub fn now(name: &str) -> Option<i64> {
    let clock = match name {
        "monotonic" => ClockId::CLOCK_MONOTONIC,
        "boottime" => ClockId::CLOCK_BOOTTIME,
        _ => return None,
    };
    clock_gettime(clock).ok().map(|time| time.tv_sec())
}
