//! That a container shall stay down, whatever its policy says: a word in its run directory, which its monitor reads at every end and
//! before every further start.
//!
//! The word comes before the deed. A monitor that reads it begins nothing more; one that has just begun a run without it is found
//! running by whoever said it, and that run is ended too (`stop.rs`, `remove.rs`). While a monitor waits to begin again nothing but
//! a client at its socket wakes it: so whoever has said the word knocks, and a knock that comes between its look and its sleep
//! waits at the socket. The word is never taken back as long as this monitor lives; who starts the container gets another one.

use crate::paths::ContainerPaths;
use crate::store::{self, Durable};
use crate::sys::socket;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Down {
    /// Until somebody starts it.
    ByHand,
    /// Until the machine is up again.
    WithTheMachine,
}

/// One that has ended meanwhile has no run directory, and is down.
pub fn say(files: &ContainerPaths, down: Down) {
    if down == Down::ByHand || said(files).is_none() {
        let _ = store::write_json(&files.down(), &down, Durable::No);
    }
    drop(socket::connect(&files.attach_socket()));
}

/// A word that cannot be read was said all the same.
pub fn said(files: &ContainerPaths) -> Option<Down> {
    store::read_json(&files.down()).unwrap_or(Some(Down::ByHand))
}
