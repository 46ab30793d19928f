//! The maps of a user namespace: written for a process that is in a new one, read for oneself, or kept where nobody lives.

use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::sys::process::{self, Forked, namespace};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// First id inside, first id outside, how many: user_namespaces(7).
pub type Range = (u32, u32, u32);

/// Each in one write, as the kernel wants it: all of it is taken, or nothing.
pub fn write_maps(pid: i32, uids: &[Range], gids: &[Range]) -> Result<(), Errno> {
    let write = |name: &str, map: &[Range]| {
        let lines: String = map.iter().map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect();
        file::write_kernel_file(Path::new(&format!("/proc/{pid}/{name}")), &lines)
    };
    write("uid_map", uids).and_then(|()| write("gid_map", gids))
}

/// Those of users and groups that the calling process lives under.
pub fn own_maps() -> Result<(Vec<Range>, Vec<Range>), Errno> {
    let read = |path: &str| {
        let text = file::read_bounded(Path::new(path), 1 << 16)?;
        let line = |line: &str| {
            let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
            Some((numbers.next()??, numbers.next()??, numbers.next()??))
        };
        String::from_utf8_lossy(&text).lines().map(|text| line(text).ok_or(Errno::EINVAL)).collect::<Result<Vec<Range>, Errno>>()
    };
    Ok((read("/proc/self/uid_map")?, read("/proc/self/gid_map")?))
}

/// A user namespace that nobody lives in: only its maps are wanted, for a mount whose files have other owners on disk.
pub fn with_maps(uids: &[Range], gids: &[Range]) -> Result<OwnedFd, Errno> {
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
            let made = write_maps(pid, uids, gids);
            let opened = made.and_then(|()| file::open(Path::new(&format!("/proc/{pid}/ns/user")), OFlag::O_RDONLY));
            drop(keeper);
            process::wait(pid)?;
            opened
        }
    }
}
