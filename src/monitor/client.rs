//! Those who only want to know how a container ends.

use crate::monitor::protocol::{ToClient, ToMonitor, Wants, decode, encode};
use crate::sys::{Errno, socket};
use std::os::fd::{AsFd, OwnedFd};

/// Waits for the monitor's word; `None`: it ended without one.
pub fn wait_for_exit(monitor: OwnedFd) -> Result<Option<i32>, Errno> {
    let mut frame = Vec::new();
    encode(&ToMonitor::Attach(Wants::default()), &mut frame);
    let _ = socket::send_all(monitor.as_fd(), &frame);
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match decode::<ToClient>(&heard) {
            Ok(Some((ToClient::Exited(code), _))) => return Ok(Some(code)),
            Ok(Some((_, length))) => drop(heard.drain(..length)),
            Ok(None) => match socket::receive(monitor.as_fd(), &mut buffer)? {
                0 => return Ok(None),
                length => heard.extend_from_slice(&buffer[..length]),
            },
            Err(_) => return Ok(None),
        }
    }
}
