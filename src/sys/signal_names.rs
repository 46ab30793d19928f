//! Signals as people write them: `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`.

use crate::error::{Error, Result};

/// The kernel's first and last real-time signal. Not libc's SIGRTMIN(): glibc and musl each hide some of the first ones
/// for themselves, and a container's signals must not depend on the library that we were built with.
const FIRST_REAL_TIME: i32 = 34;
const LAST: i32 = 64;

const NAMES: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("IOT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("POLL", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

/// `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`, `RTMAX-1`.
pub fn number(text: &str) -> Option<i32> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|number| (1..=LAST).contains(number));
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let distance = |text: &str, sign: char| match text {
        "" => Some(0),
        text => text
            .strip_prefix(sign)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse::<i32>().ok()),
    };
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        FIRST_REAL_TIME.checked_add(distance(rest, '+')?)?
    } else {
        LAST.checked_sub(distance(name.strip_prefix("RTMAX")?, '-')?)?
    };
    (FIRST_REAL_TIME..=LAST).contains(&number).then_some(number)
}

/// The same for a word that a person typed.
pub fn parse(text: &str) -> Result<i32> {
    number(text).ok_or_else(|| Error::usage(format!("unknown signal {text:?}")).hint("use a name like TERM, or a number from 1 to 64"))
}

/// `SIGTERM`; `SIGRTMIN+3`; a number that has no name stays a number.
pub fn name(number: i32) -> String {
    match NAMES.iter().find(|(_, known)| *known == number) {
        Some((name, _)) => format!("SIG{name}"),
        None if number == FIRST_REAL_TIME => "SIGRTMIN".to_owned(),
        None if (FIRST_REAL_TIME..=LAST).contains(&number) => format!("SIGRTMIN+{}", number - FIRST_REAL_TIME),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_by_name_and_number() {
        for text in ["TERM", "SIGTERM", "sigterm", "15"] {
            assert_eq!(number(text), Some(15), "{text}");
        }
        assert_eq!(number("RTMIN+3"), Some(37));
        assert_eq!(number("SIGRTMAX-1"), Some(63));
        assert_eq!(number("rtmin"), Some(34));
        for wrong in [
            "",
            "0",
            "65",
            "SIG",
            "TERMS",
            "RTMIN-1",
            "RTMIN+31",
            "RTMAX+1",
            "RTMAX-31",
            "-9",
            "RTMIN+-1",
            "RTMIN+",
            "RTMIN+99999999999",
            "+9",
        ] {
            assert!(number(wrong).is_none() && parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_signal_has_a_name_that_leads_back() {
        for signal in (1..=31).chain(34..=64) {
            assert_eq!(number(&name(signal)), Some(signal));
        }
    }
}
