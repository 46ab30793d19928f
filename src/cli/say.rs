//! What a command says: the one place that writes to our standard output, so that a reader who leaves early is met everywhere
//! in the same way.
//!
//! Rust ignores SIGPIPE and its own `println!` panics where nobody reads. But a command must not die of its reader either:
//! `tare rm a b c | head -1` removes all three. So the work goes on in silence, and the exit code tells it at the end.

use crate::error::{Error, Result};
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::Mutex;

/// As a shell reports a program that died of SIGPIPE, which is what others do before `| head`.
pub const NOBODY_READS: i32 = 141;

/// Why nothing more is written; the first reason counts.
static STOPPED: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// Writes text to standard output, at once and whole. Some of it was written by somebody else (labels, commands, the history of
/// an image), and a terminal obeys what it is shown: a person sees what else would have been obeyed. A program gets every byte.
pub fn say(text: &str) {
    match std::io::stdout().is_terminal() {
        true => say_bytes(shown(text).as_bytes()),
        false => say_bytes(text.as_bytes()),
    };
}

/// Control characters (also the second set, which begins at U+0080) in the form of JSON, so that JSON means the same as before.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            _ if letter.is_control() => shown.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => shown.push(letter),
        }
    }
    shown
}

/// False: nobody hears it any more, and the work is not worth going on with if it was only to be heard.
pub fn say_bytes(bytes: &[u8]) -> bool {
    let Ok(mut stopped) = STOPPED.lock() else { return false };
    if stopped.is_none() {
        let mut out = std::io::stdout().lock();
        *stopped = out.write_all(bytes).and_then(|()| out.flush()).err();
    }
    stopped.is_none()
}

/// Whether what was said was heard, so that going on makes sense for whoever only talks.
pub fn is_heard() -> bool {
    STOPPED.lock().is_ok_and(|stopped| stopped.is_none())
}

/// Standard output for archives.
pub struct Output;

impl Output {
    /// In large pieces.
    pub fn new() -> std::io::BufWriter<Output> {
        std::io::BufWriter::with_capacity(256 << 10, Output)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if say_bytes(bytes) {
            return Ok(bytes.len());
        }
        let number = STOPPED.lock().ok().and_then(|stopped| stopped.as_ref().and_then(std::io::Error::raw_os_error));
        Err(number.map_or_else(|| ErrorKind::BrokenPipe.into(), std::io::Error::from_raw_os_error))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// To standard error, where nobody can be told of a failure; false if there is one.
pub fn say_aside(bytes: &[u8]) -> bool {
    std::io::stderr().lock().write_all(bytes).is_ok()
}

/// The exit code of a command that ended with `code`, if everything it said was heard. A full disk is an error.
pub fn heard(code: i32) -> Result<i32> {
    match STOPPED.lock().ok().and_then(|mut stopped| stopped.take()) {
        None => Ok(code),
        Some(error) if error.kind() == ErrorKind::BrokenPipe => Ok(if code == 0 { NOBODY_READS } else { code }),
        Some(error) => Err(Error::failed("cannot write to standard output").because(error)),
    }
}

/// One line, formatted like `println!`.
macro_rules! say_line {
    ($($words:tt)*) => { $crate::cli::say::say(&(format!($($words)*) + "\n")) };
}
pub(crate) use say_line;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out_and_json_stays_json() {
        assert_eq!(shown("a\u{1b}[31m\tb\nä"), "a\\u001b[31m\tb\nä");
        let label = "\u{9b}31m\u{7f}";
        let json = shown(&serde_json::to_string(label).unwrap());
        assert!(json.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), label);
    }
}
