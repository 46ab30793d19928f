//! `--time-offset`: clocks of its own for a container. `monotonic=1h,boottime=-5s`: the name of a clock, and how far it stands
//! before or behind the host's.
//!
//! An offset is a duration as elsewhere (`90s`, `1h30m`, `1.5s`, `300ms`) or a bare number of seconds, with `-` before it to go
//! back. The wall clock is not among them: the kernel has only one (time_namespaces(7)).

use super::ClockOffsets;
use crate::error::{Error, Result};
use crate::time;

pub fn parse(text: &str) -> Result<ClockOffsets> {
    let (mut monotonic, mut boottime) = (None, None);
    for part in text.split(',') {
        let (clock, offset) = part.split_once('=').ok_or_else(|| not_an_offset(part))?;
        let place = match clock {
            "monotonic" => &mut monotonic,
            "boottime" => &mut boottime,
            "realtime" => return Err(Error::cannot_keep("the wall clock is the whole machine's").hint("set monotonic or boottime")),
            _ => return Err(Error::usage(format!("there is no clock {clock:?}")).hint("the clocks are monotonic and boottime")),
        };
        if place.replace(nanoseconds(offset)?).is_some() {
            return Err(Error::usage(format!("the clock {clock} is set twice")));
        }
    }
    Ok(ClockOffsets { monotonic: monotonic.unwrap_or(0), boottime: boottime.unwrap_or(0) })
}

fn nanoseconds(text: &str) -> Result<i64> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_number = size.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && size.bytes().any(|byte| byte.is_ascii_digit());
    let duration = if is_number { time::parse_duration(&format!("{size}s")) } else { time::parse_duration(size) };
    let size = duration.ok().and_then(|nanos| i64::try_from(nanos).ok()).ok_or_else(|| not_an_offset(text))?;
    Ok(sign * size)
}

fn not_an_offset(text: &str) -> Error {
    Error::usage(format!("{text:?} is not an offset")).hint("write for example monotonic=1h30m,boottime=-5s")
}

/// As the kernel takes it: whole seconds, rounded down, and what is above them.
pub fn seconds_and_rest(nanoseconds: i64) -> (i64, u32) {
    (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn clocks_are_set_before_and_behind() {
        for (text, monotonic, boottime) in [
            ("monotonic=1h,boottime=-5s", 3600 * SECOND, -5 * SECOND),
            ("boottime=7", 0, 7 * SECOND),
            ("boottime=-1.5", 0, -3 * SECOND / 2),
            ("monotonic=+1m30s", 90 * SECOND, 0),
            ("monotonic=300ms,boottime=0", SECOND * 3 / 10, 0),
        ] {
            assert_eq!(parse(text).unwrap(), ClockOffsets { monotonic, boottime }, "{text}");
        }
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in [
            "",
            "1h",
            "monotonic",
            "monotonic=",
            "monotonic=-",
            "monotonic=--1",
            "monotonic=.",
            "monotonic=1x",
            "monotonic=1,",
            "boottime=1,boottime=2",
            "realtime=1",
            "wall=1",
            "monotonic=99999999999999999999",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_kernel_counts_up_from_a_whole_second() {
        assert_eq!(seconds_and_rest(-3 * SECOND / 2), (-2, 500_000_000));
        assert_eq!(seconds_and_rest(SECOND + 1), (1, 1));
    }
}
