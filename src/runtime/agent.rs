//! A seccomp agent: a process of the host that answers system calls for the container's (SCMP_ACT_NOTIFY, seccomp_unotify(2)).
//!
//! ```text
//!   whoever starts                                     the process
//!        │ ◄──── Filter(number), a pipe's end ────────────│
//!        │                                                │ loads the filter, and so gets the descriptor of that number
//!        │ ◄──── the pipe is closed ──────────────────────│ close(2) is the one call that no agent may have
//!        │ fetches the descriptor (pidfd_getfd(2))        │
//!        │ ──► the agent: who it is, and the descriptor   │ waits; every call of its is the agent's affair already
//!        │ ──── Go on ──────────────────────────────────► │
//! ```

use crate::error::{Context, Error, Result};
use crate::spec::seccomp;
use crate::sys::{Errno, process, socket};
use oci_spec::runtime::LinuxSeccomp;
use serde_json::{Value, json};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct Agent {
    /// Where it listens.
    path: PathBuf,
    /// For its own use.
    metadata: Option<String>,
}

/// Which process of which container it will answer.
pub struct Client<'a> {
    pub pid: i32,
    pub pidfd: BorrowedFd<'a>,
    pub oci_version: &'a str,
    /// The container's state, as JSON.
    pub state: &'a str,
}

impl Agent {
    /// `None`: no call is left to anybody.
    pub fn of_specification(wish: &LinuxSeccomp) -> Result<Option<Agent>> {
        let path = wish.listener_path().clone().filter(|path| path.as_os_str() != "");
        let metadata = wish.listener_metadata().clone().filter(|metadata| !metadata.is_empty());
        if path.is_none() && metadata.is_some() {
            return Err(Error::damaged("linux.seccomp.listenerMetadata is given, and no listenerPath"));
        }
        if !seccomp::wants_listener(wish) {
            return Ok(None);
        }
        if seccomp::leaves_to_listener(wish, "close") {
            return Err(Error::cannot_keep("SCMP_ACT_NOTIFY for close").because("a process needs it to say that its filter is there"));
        }
        match path {
            Some(path) => Ok(Some(Agent { path, metadata })),
            None => Err(Error::damaged("linux.seccomp has SCMP_ACT_NOTIFY, and no listenerPath")),
        }
    }

    /// Hands the filter's descriptor over, which is number `number` in the process. It is not there if the filter was not loaded:
    /// the process tells that itself.
    pub fn serve(&self, client: &Client, number: i32) -> Result<()> {
        let what = || format!("cannot hand the seccomp filter to the agent at {}", self.path.display());
        let listener = match process::descriptor_of(client.pidfd, number) {
            Err(Errno::EBADF | Errno::ESRCH) => return Ok(()),
            other => other.with_context(what)?,
        };
        let state: Value = serde_json::from_str(client.state).unwrap_or_default();
        let mut about = json!({ "ociVersion": client.oci_version, "fds": ["seccompFd"], "pid": client.pid, "state": state });
        if let Some(metadata) = &self.metadata {
            about["metadata"] = metadata.as_str().into();
        }
        let agent = socket::connect(&self.path).with_context(what)?;
        socket::send_with(agent.as_fd(), about.to_string().as_bytes(), &[listener.as_fd()]).with_context(what)
    }
}
