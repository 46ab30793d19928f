//! Telling a service manager that the container is ready (sd_notify(3)).
//!
//! ```text
//!   program (container) ── /run/notify/notify.sock ──► `start` or `run` (host) ── $NOTIFY_SOCKET ──► manager
//! ```
//!
//! The container never gets the manager's own socket: through it, it could name any process of the host as the service's first,
//! or hand descriptors over. It has one of ours, and of what it says there only READY goes on, with the pid as the host sees it.
//! Nobody of ours is there after `start`, so `start` waits until the container is ready or has ended, as it does in runc and crun.

use crate::error::{Context, Error, Result};
use crate::paths::ShelfPlace;
use crate::sys::poll::{Watched, poll};
use crate::sys::{datagram, socket};
use oci_spec::runtime::{Mount, Spec};
use serde_json::json;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// In the container, as in runc's.
const DIRECTORY: &str = "/run/notify";
const NAME: &str = "notify.sock";

/// What the container's process finds in its environment.
pub fn variable() -> String {
    format!("NOTIFY_SOCKET={DIRECTORY}/{NAME}")
}

/// The directory in which the socket will be, as a mount of the container.
pub fn add_mount(spec: &mut Spec, place: &ShelfPlace) -> Result<()> {
    let options = ["bind", "nosuid", "noexec", "nodev"];
    let source = std::path::absolute(place.notices()).map_err(|e| Error::failed("cannot find our own directory").because(e))?;
    let mount = json!({ "destination": DIRECTORY, "type": "bind", "source": source, "options": options });
    let mount: Mount = serde_json::from_value(mount).map_err(|e| Error::failed("cannot describe a mount").because(e))?;
    spec.mounts_mut().get_or_insert_default().push(mount);
    Ok(())
}

/// The container's socket, and where what is said there goes.
pub struct Notices {
    socket: OwnedFd,
    manager: String,
}

impl Notices {
    /// `None`: the container was made for nobody who wants to know.
    pub fn listen(place: &ShelfPlace, manager: &str) -> Result<Option<Notices>> {
        if !place.notices().is_dir() {
            return Ok(None);
        }
        let socket = datagram::bind(&place.notices().join(NAME)).context("cannot make the container's socket for notices")?;
        Ok(Some(Notices { socket, manager: manager.to_owned() }))
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Until the container is ready, or its first process has ended.
    pub fn wait(&self, pid: i32, pidfd: BorrowedFd) -> Result<()> {
        loop {
            let mut watched = [Watched::new(self.descriptor(), true, false), Watched::new(pidfd, true, false)];
            poll(&mut watched, None).context("cannot wait until the container is ready")?;
            if (watched[0].is_ready() && self.pass_on(pid)?) || watched[1].is_ready() {
                return Ok(());
            }
        }
    }

    /// One message of the container's. `true`: it is ready, and the manager knows.
    pub fn pass_on(&self, pid: i32) -> Result<bool> {
        let mut buffer = [0; 4096];
        let length = socket::receive_now(self.descriptor(), &mut buffer).unwrap_or(0);
        if !buffer[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
            return Ok(false);
        }
        // In one message, so that the manager knows the process before it counts as ready.
        datagram::send_to(&self.manager, format!("MAINPID={pid}\nREADY=1").as_bytes())
            .with_context(|| format!("cannot tell {} that the container is ready", self.manager))?;
        Ok(true)
    }
}

/// Who wants to know, in our own environment.
pub fn manager() -> Option<String> {
    std::env::var("NOTIFY_SOCKET").ok().filter(|name| name.starts_with('@') || Path::new(name).is_absolute())
}
