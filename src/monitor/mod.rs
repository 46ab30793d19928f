//! The watcher: the small process that is a container's parent, and the other end of its streams in `run` and `attach`.
//!
//! A monitor has two duties: it keeps the container's streams (log file, attached clients, terminal) and its exit status.
//! It outlives the command that started it, sleeps when nothing happens, and then holds next to no memory.
//!
//! * `watch` is the monitor's loop, `clients` those who are attached to it, `log` the files it writes and how `logs` reads them.
//! * `attend` is the loop on the user's side, `near` the user's own streams, `detach_keys` the way out of it; `relay` is the
//!   same for a process of `exec`, which has no monitor.
//! * `companion` is a process that a monitor has beside it: for a health check, for ports and names.
//! * `protocol` is what the two say to each other.

pub mod attend;
pub mod clients;
pub mod companion;
pub mod detach_keys;
pub mod log;
pub mod near;
pub mod pipes;
pub mod protocol;
pub mod relay;
pub mod watch;

use crate::error::{Error, Result};
use crate::sys::socket;
use protocol::{HEADER, ToClient, decode, encode};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Says one word to the client that started this container, waiting for room. For what is said before the watch begins:
/// Started or Failed. A client that is gone hears nothing, and that hurts nobody.
pub fn tell(client: BorrowedFd, word: &ToClient) {
    let mut frame = Vec::new();
    encode(word, &mut frame);
    let _ = socket::send_all(client, &frame);
}

/// Tells the client that the container could not be started, and why.
pub fn tell_failure(client: BorrowedFd, error: &Error) {
    let text = error.to_string();
    tell(client, &ToClient::Failed { kind: error.kind(), text: &text, hint: error.hint_text() });
}

/// Asks the monitor behind this socket how the start went. `None`: it ended without a word.
pub fn timeline(monitor: BorrowedFd) -> Option<Vec<u64>> {
    let mut question = Vec::new();
    protocol::encode(&protocol::ToMonitor::Timeline, &mut question);
    socket::send_all(monitor, &question).ok()?;
    match decode::<ToClient>(&frame(monitor)?) {
        Ok(Some((ToClient::Timeline(marks), _))) => Some(marks.as_chunks::<8>().0.iter().map(|mark| u64::from_le_bytes(*mark)).collect()),
        _ => None,
    }
}

/// Exactly one, so that the socket can be attended afterwards.
fn frame(monitor: BorrowedFd) -> Option<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    fill(monitor, &mut frame)?;
    let length = u32::from_le_bytes([frame[1], frame[2], frame[3], frame[4]]) as usize;
    if length > protocol::LONGEST {
        return None;
    }
    frame.resize(HEADER + length, 0);
    fill(monitor, &mut frame[HEADER..])?;
    Some(frame)
}

/// Waits for the monitor's first word, for a client that wants no more than that (`run -d`, `start`): the container's
/// pid, or why it could not start.
pub fn hear_started(monitor: BorrowedFd) -> Result<i32> {
    let lost = || Error::failed("the container's monitor ended before the container had started");
    match decode::<ToClient>(&frame(monitor).ok_or_else(lost)?) {
        Ok(Some((ToClient::Started { pid }, _))) => Ok(pid),
        Ok(Some((word, _))) => Err(word.to_error().unwrap_or_else(lost)),
        _ => Err(lost()),
    }
}

/// Waits for the end of the container behind a monitor's attach socket. `None`: the monitor ended without a word.
pub fn wait_for_exit(monitor: OwnedFd) -> Option<i32> {
    let mut frame = [0; HEADER + 4];
    // A client that wants no output hears nothing but the end.
    fill(monitor.as_fd(), &mut frame)?;
    match decode::<ToClient>(&frame) {
        Ok(Some((ToClient::Exited(code), _))) => Some(code),
        _ => None,
    }
}

fn fill(fd: BorrowedFd, mut buffer: &mut [u8]) -> Option<()> {
    while !buffer.is_empty() {
        match socket::receive(fd, buffer) {
            Ok(n) if n > 0 => buffer = &mut buffer[n..],
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn the_first_word_is_heard_and_no_more_is_taken() {
        let (monitor, client) = socket::pair().unwrap();
        tell(monitor.as_fd(), &ToClient::Started { pid: 42 });
        tell(monitor.as_fd(), &ToClient::Exited(3));
        assert_eq!(hear_started(client.as_fd()).unwrap(), 42);
        let mut rest = [0; 64];
        assert_eq!(socket::receive(client.as_fd(), &mut rest).unwrap(), HEADER + 4);
    }

    #[test]
    fn a_failed_start_is_the_client_s_error_and_a_dead_monitor_too() {
        let (monitor, client) = socket::pair().unwrap();
        tell_failure(monitor.as_fd(), &Error::new(Kind::CommandNotFound, "command x").because("not found").hint("look"));
        let error = hear_started(client.as_fd()).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str(), error.hint_text()),
            (Kind::CommandNotFound, "command x: not found", Some("look"))
        );
        drop(monitor);
        assert!(hear_started(client.as_fd()).is_err());
    }
}
