//! `wait`: until a container has ended, and with which code.

use crate::engine::find;
use crate::error::{Error, Result};
use crate::monitor;
use crate::paths::{ContainerPaths, Paths};
use crate::record::Seen;
use crate::store;
use crate::sys::{process, socket};
use std::time::{Duration, Instant};

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
    let since = Instant::now();
    while store::is_held(&files.alive())? {
        if since.elapsed() > Duration::from_secs(30) {
            return Err(Error::failed("the container's monitor does not come to an end").hint("look at it with ps, and kill it"));
        }
        process::sleep(Duration::from_micros(500));
    }
    Ok(())
}
