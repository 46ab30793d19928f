//! `wait`: until a container has ended, and with which code.

use crate::engine::{find, hold};
use crate::error::{Error, Result};
use crate::monitor;
use crate::paths::{ContainerPaths, Paths};
use crate::record::Seen;
use crate::store;
use crate::sys::socket;

/// The monitor tells everybody who asks. One that is gone has left a record.
pub fn ended(paths: &Paths, seen: &Seen) -> Result<i32> {
    let socket = seen.is_running().then(|| socket::connect(&seen.files(paths).attach_socket()).ok()).flatten();
    if let Some(code) = socket.and_then(monitor::wait_for_exit) {
        return Ok(code);
    }
    let seen = find::by_id(paths, &seen.record.id)?.ok_or_else(|| Error::no_such(format!("container {} is gone", seen.record.name)))?;
    Ok(seen.record.ended.map_or(0, |ended| ended.exit_code))
}

/// Until the monitor has let go: from then on the container can be started again or removed.
pub fn settled(files: &ContainerPaths) -> Result<()> {
    let mut patience = hold::Patience::begin();
    while store::is_held(&files.alive())? {
        patience.wait()?;
    }
    Ok(())
}
