//! A person is asked at the terminal.

use crate::cli::say::say_aside;
use crate::error::{Context, Error, Result};
use crate::sys::terminal::{RawMode, is_terminal};
use crate::sys::{file, signal};
use std::os::fd::BorrowedFd;

const INTERRUPT: u8 = 3;
const END: u8 = 4;
const DELETE: u8 = 127;
const BACKSPACE: u8 = 8;
const CLEAR: u8 = 21;
const LONGEST: usize = 64 << 10;

fn keyboard() -> BorrowedFd<'static> {
    let [input, ..] = file::standard_streams();
    input
}

pub fn can_be_asked() -> bool {
    is_terminal(keyboard())
}

/// A line, as the terminal lets it be edited.
pub fn line(question: &str) -> Result<String> {
    say_aside(question.as_bytes());
    let mut typed = Vec::new();
    let mut block = [0; 1024];
    while !typed.ends_with(b"\n") && typed.len() < LONGEST {
        match file::read(keyboard(), &mut block).context("cannot read from the terminal")? {
            0 => break,
            count => typed.extend(&block[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&typed).trim().to_owned())
}

/// A line that nobody sees.
pub fn secret(question: &str) -> Result<String> {
    // First: who reads the question may already be typing.
    let raw = RawMode::enter(keyboard()).context("cannot hide what is typed")?;
    say_aside(question.as_bytes());
    let typed = hidden_line();
    drop(raw);
    say_aside(b"\n");
    match typed? {
        Some(typed) => String::from_utf8(typed).map_err(|_| Error::usage("what was typed is no text")),
        None => {
            // As if the terminal had done it, which it did not because its mode was ours.
            signal::die_of(signal::INTERRUPT);
            Err(Error::failed("interrupted"))
        }
    }
}

/// `None`: ctrl-c. A terminal without echo edits no line either, so that is done here.
fn hidden_line() -> Result<Option<Vec<u8>>> {
    let mut typed: Vec<u8> = Vec::new();
    let mut key = [0];
    while file::read(keyboard(), &mut key).context("cannot read from the terminal")? == 1 {
        match key[0] {
            b'\r' | b'\n' => break,
            END if typed.is_empty() => break,
            INTERRUPT => return Ok(None),
            CLEAR => typed.clear(),
            // A letter may be several bytes.
            DELETE | BACKSPACE => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            byte if typed.len() < LONGEST => typed.push(byte),
            _ => {}
        }
    }
    Ok(Some(typed))
}
