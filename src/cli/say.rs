//! What a command says: the one place that writes to our standard output, so that a reader who leaves early is met everywhere
//! in the same way.
//!
//! Rust ignores SIGPIPE and its own `println!` panics where nobody reads. But a command must not die of its reader either:
//! `tare rm a b c | head -1` removes all three. So the work goes on in silence, and the exit code tells it at the end.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Write};
use std::sync::Mutex;

/// As a shell reports a program that died of SIGPIPE, which is what others do before `| head`.
pub const NOBODY_READS: i32 = 141;

/// Why nothing more is written; the first reason counts.
static STOPPED: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// Writes text to standard output, at once and whole.
pub fn say(text: &str) {
    say_bytes(text.as_bytes());
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
