//! A process beside the monitor that serves the same container: the nurse of one that has a health check, the porter of one that has
//! published ports or neighbours.

use crate::sys::signal;
use std::os::fd::{AsFd, OwnedFd};

/// A child of ours that serves the container as long as it runs. One that is killed gets a successor.
pub struct Companion {
    pub pidfd: OwnedFd,
    pub successor: Box<dyn FnMut() -> Option<OwnedFd> + Send>,
}

impl Companion {
    /// It has ended, though the container has not.
    pub fn replace(mut self) -> Option<Companion> {
        let _ = signal::wait(self.pidfd.as_fd());
        self.pidfd = (self.successor)()?;
        Some(self)
    }
    pub fn dismiss(self) {
        let _ = signal::send(self.pidfd.as_fd(), signal::KILL);
        let _ = signal::wait(self.pidfd.as_fd());
    }
}
