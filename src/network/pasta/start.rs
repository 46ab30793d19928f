//! pasta is started, and heard: that it is ready, or why it is not.

use super::{Outlet, program, words};
use crate::error::{Context, Error, Result};
use crate::sys::process::{self, Forked};
use crate::sys::{file, poll, signal};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

const WHAT: &str = "cannot start pasta, the container's way out";
/// It has nothing to wait for.
const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_WORDS: usize = 4096;

/// A child of ours in the host's network, with its other end in `namespace`; it ends with us. Returns when its interface is there and
/// its ports are open.
pub fn start(outlet: &Outlet, namespace: BorrowedFd) -> Result<OwnedFd> {
    let program = CString::new(program()?.as_os_str().as_bytes()).map_err(|error| Error::failed(WHAT).because(error))?;
    let arguments: Vec<CString> = words(outlet).into_iter().filter_map(|word| CString::new(word).ok()).collect();
    let (ready, its_ready) = file::pipe().context(WHAT)?;
    let (said, its_said) = file::pipe().context(WHAT)?;
    let parent = process::own_pid();
    match process::clone3(0, None).context(WHAT)? {
        Forked::Child => {
            // First of all: from here on it cannot outlive us. One whose parent ended before has none any more.
            let is_bound = process::die_with_parent().is_ok() && process::parent_pid() == parent;
            let streams = [(namespace, 0), (its_ready.as_fd(), 1), (its_said.as_fd(), 2)];
            let is_placed = || streams.into_iter().all(|(fd, number)| process::place(fd, number).is_ok());
            if is_bound && is_placed() && process::close_all_above_2_but(&[]).is_ok() && signal::unblock_all().is_ok() {
                // Its first versions do not begin where SIGPIPE is ignored, as it is in ours.
                process::default_every_signal();
                process::exec(&program, &arguments, &[]);
            }
            process::exit_now(1)
        }
        Forked::Parent { pidfd, .. } => {
            drop((its_ready, its_said));
            match hear(ready.as_fd()) {
                true => Ok(pidfd),
                false => {
                    let _ = signal::send(pidfd.as_fd(), signal::KILL);
                    let _ = signal::wait(pidfd.as_fd());
                    Err(failure(&read_all(said.as_fd())))
                }
            }
        }
    }
}

/// Whether it says that it is ready, before it ends or the time is over.
fn hear(ready: BorrowedFd) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match poll::poll(&mut [poll::Watched::new(ready, true, false)], Some(1000)) {
            Ok(true) => return file::read(ready, &mut [0; 32]).is_ok_and(|count| count > 0),
            Ok(false) => {}
            Err(_) => return false,
        }
    }
    false
}

/// It has ended, so all that it has said is there.
fn read_all(said: BorrowedFd) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 512]);
    while all.len() < LONGEST_WORDS {
        match file::read(said, &mut piece) {
            Ok(count) if count > 0 => all.extend_from_slice(&piece[..count]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Its last line says why; those before it are of what it can do without.
fn failure(said: &str) -> Error {
    let error = Error::failed(WHAT);
    match said.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.contains("syslog")) {
        Some(line) => error.because(line),
        None => error.because("it ended without a word"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_it_ended_is_its_last_word() {
        let said = "Failed to send 44 bytes to syslog\nFailed to open() /dev/net/tun: No such device\n\n";
        assert!(failure(said).to_string().ends_with("No such device"), "{}", failure(said));
        assert!(failure("").to_string().ends_with("without a word"));
    }
}
