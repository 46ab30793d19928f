//! Signals as people type them: `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`.

use crate::error::{Error, Result};

/// signal(7); the numbers of x86 and ARM.
const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The first real-time signal that a C library leaves to programs, and the last there is.
const RTMIN: i32 = 34;
const RTMAX: i32 = 64;

pub fn parse(text: &str) -> Result<i32> {
    let unknown = || Error::usage(format!("{text:?} is no signal")).hint("give a name like TERM or a number from 1 to 64");
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=RTMAX).contains(&number) { Ok(number) } else { Err(unknown()) };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*number);
    }
    real_time(name).ok_or_else(unknown)
}

fn real_time(name: &str) -> Option<i32> {
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        RTMIN + offset(rest, '+')?
    } else {
        RTMAX - offset(name.strip_prefix("RTMAX")?, '-')?
    };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
}

fn offset(text: &str, sign: char) -> Option<i32> {
    if text.is_empty() { Some(0) } else { text.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from) }
}

/// `SIGTERM` for 15; real-time signals by distance from the first.
pub fn name(number: i32) -> String {
    match NAMES.iter().find(|(_, known)| *known == number) {
        Some((name, _)) => format!("SIG{name}"),
        None if number == RTMIN => "SIGRTMIN".to_owned(),
        None if (RTMIN..=RTMAX).contains(&number) => format!("SIGRTMIN+{}", number - RTMIN),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_mean_the_same() {
        for text in ["15", "TERM", "SIGTERM", "sigterm", "Term"] {
            assert_eq!(parse(text).unwrap(), 15, "{text}");
        }
        assert_eq!(parse("RTMIN+3").unwrap(), 37);
        assert_eq!(parse("SIGRTMAX-1").unwrap(), 63);
        assert_eq!(name(9), "SIGKILL");
        assert_eq!(parse(&name(37)).unwrap(), 37);
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for text in ["", "0", "65", "-9", "SIG", "NOPE", "RTMIN+31", "RTMAX-31", "RTMIN-1", "TERM "] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
