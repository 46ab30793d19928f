//! What a container of a step writes is told, until nothing of it is left.

use crate::error::{Context, Error, Result};
use crate::monitor::protocol::{Stream, ToClient, decode};
use crate::sys::{Errno, socket};
use std::os::fd::{AsFd, OwnedFd};

const PIECE: usize = 64 << 10;

/// Its exit code. Returns when all of its processes and mounts are gone: then what it wrote is nobody's but ours.
pub fn follow(monitor: &OwnedFd, tell: &mut dyn FnMut(bool, &[u8])) -> Result<i32> {
    let (mut inbox, mut code) = (Vec::new(), None);
    loop {
        let begun = inbox.len();
        inbox.resize(begun + PIECE, 0);
        let count = match socket::receive(monitor.as_fd(), &mut inbox[begun..]) {
            Err(Errno::ECONNRESET) => 0,
            other => other.context("cannot hear of the container")?,
        };
        inbox.truncate(begun + count);
        if count == 0 {
            return code.ok_or_else(|| Error::failed("the container's monitor was killed"));
        }
        let mut done = 0;
        while let Ok(Some((word, length))) = decode::<ToClient>(&inbox[done..]) {
            match word {
                ToClient::Output { stream, bytes } => tell(stream == Stream::Stderr, bytes),
                ToClient::Exited(exit_code) => code = Some(exit_code),
                _ => {}
            }
            done += length;
        }
        inbox.drain(..done);
    }
}
