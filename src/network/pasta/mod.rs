//! The way out for containers of an ordinary user, and the way in to their published ports: pasta (<https://passt.top>), a program of
//! others that speaks for a container with sockets of the user's own.
//!
//! ```text
//!   the container ── out0 ──► pasta ── sockets on the host's network ──► everywhere
//!   somebody ──► 0.0.0.0:8080 on the host ── pasta ──► out0, the sender's address on it ──► the container's port 80
//! ```
//!
//! * Every container that has a way out gets a pasta of its own, because a published port then leads to it without a second hand that
//!   would hide the sender's address, and because it ends with its container, with all that it holds.
//! * The container sees the addresses that its network has for it. `out0` has none: pasta plays the gateway of the network behind it,
//!   and what the host has for addresses and routes is not copied, so nothing in the container changes with them.
//! * It is handed the network namespace as a descriptor, not as a path: it gives up its rights before it would open that, and then may
//!   look at no process of ours.
//! * What the gateway's address leads to is nothing. It could be the host's loopback, and then every service that the host hides there
//!   would be open to containers.

mod start;
mod words;

pub use start::start;
pub use words::interface_with_v6;
use words::words;

use crate::error::{Error, Result};
use crate::record::network::Published;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// What the container calls it.
pub const INTERFACE: &str = "out0";
/// The longest that pasta can read and write in one piece: there is no wire that would be too narrow.
pub const MTU: u32 = 65520;
/// Milliseconds until TCP sends once more what nobody has confirmed. The first versions of pasta drop what does not fit into a socket at
/// once, and then nothing goes on until it is sent again; the kernel's 200 make that three times slower. Not below 40, so long may who
/// is asked keep back an answer (TCP_DELACK_MIN).
pub const SHORTEST_WAIT: u32 = 40;

const PROGRAM: &str = "pasta";
const TUN: &str = "/dev/net/tun";

/// What one pasta does. An address and a gateway of each kind, where the container has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlet {
    pub v4: Option<(Ipv4Addr, Ipv4Addr)>,
    pub v6: Option<(Ipv6Addr, Ipv6Addr)>,
    pub ports: Vec<Published>,
    /// An interface of the host with IPv6 (`interface_with_v6`); `None`: it speaks IPv4 alone.
    pub like: Option<String>,
}

impl Outlet {
    pub fn gateways(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.map(|(_, gateway)| IpAddr::from(gateway));
        v4.into_iter().chain(self.v6.map(|(_, gateway)| gateway.into()))
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/usr/local/bin", "/bin"];
    let directories = path.split(':').filter(|directory| directory.starts_with('/')).chain(usual);
    directories.map(|directory| Path::new(directory).join(PROGRAM)).find(|file| file.is_file())
}

/// Where it is, if all is there that it needs. Asked before anything of a container is made.
pub fn program() -> Result<PathBuf> {
    const WHAT: &str = "an ordinary user's container has no way out";
    let otherwise = "or run with --network none or host, or in a network of containers only: tare network create --internal NAME";
    let program = find().ok_or_else(|| {
        let missing = Error::cannot_keep(WHAT).because("pasta is not installed");
        missing.hint(format!("sudo apt install passt (the same name everywhere), {otherwise}"))
    })?;
    match std::fs::File::options().read(true).write(true).open(TUN) {
        Ok(_) => Ok(program),
        Err(error) => {
            use std::io::ErrorKind::PermissionDenied;
            let help = if error.kind() == PermissionDenied { "sudo chmod 666 /dev/net/tun" } else { "sudo modprobe tun" };
            let because = Error::failed(format!("cannot open {TUN}")).because(error);
            Err(Error::cannot_keep(WHAT).because(because).hint(format!("{help}, {otherwise}")))
        }
    }
}
