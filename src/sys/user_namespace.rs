//! A user namespace that nobody lives in: only its maps are wanted, for a mount whose files have other owners on disk.

use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::sys::process::{self, Forked, namespace};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Ranges as (first id inside, first id outside, how many), user_namespaces(7).
pub fn with_maps(uids: &[(u32, u32, u32)], gids: &[(u32, u32, u32)]) -> Result<OwnedFd, Errno> {
    let (gate, keeper) = file::pipe()?;
    match process::clone3(namespace::USER, None)? {
        Forked::Child => {
            drop(keeper);
            // Until the maps are written and somebody holds the namespace, which ends with its last process else.
            let _ = file::read(gate.as_fd(), &mut [0]);
            process::exit_now(0)
        }
        Forked::Parent { pid, .. } => {
            drop(gate);
            let of_child = |name: &str| format!("/proc/{pid}/{name}");
            let write = |name: &str, map: &[(u32, u32, u32)]| {
                let lines: String = map.iter().map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect();
                file::write_kernel_file(Path::new(&of_child(name)), &lines)
            };
            let made = write("uid_map", uids).and_then(|()| write("gid_map", gids));
            let opened = made.and_then(|()| file::open(Path::new(&of_child("ns/user")), OFlag::O_RDONLY));
            drop(keeper);
            process::wait(pid)?;
            opened
        }
    }
}
