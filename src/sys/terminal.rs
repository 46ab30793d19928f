//! Terminals: the user's, which is switched to raw mode and always back, and a container's, which is a pair (pty(7)) of
//! a master that we hold and a peer that the container sees.

use nix::errno::Errno;
use nix::fcntl::{self, OFlag};
use nix::sys::stat::Mode;
use nix::sys::termios::{self, SetArg, Termios};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, Once};

/// In characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
}

pub fn is_terminal(fd: BorrowedFd) -> bool {
    nix::unistd::isatty(fd).unwrap_or(false)
}

#[allow(unsafe_code)]
pub fn size(fd: BorrowedFd) -> Result<Size, Errno> {
    let mut answer = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel fills a winsize of ours.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCGWINSZ, &mut answer) })?;
    Ok(Size { rows: answer.ws_row, columns: answer.ws_col })
}

/// On a master: the kernel tells the foreground processes on the other side by SIGWINCH.
#[allow(unsafe_code)]
pub fn set_size(fd: BorrowedFd, size: Size) -> Result<(), Errno> {
    let wish = libc::winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel reads a winsize of ours.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCSWINSZ, &wish) }).map(drop)
}

/// What is to be put back, and where. Static, because a panic ends the program without dropping anything.
static CHANGED: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);
static AT_PANIC: Once = Once::new();

/// The user's terminal hands every key on as it is typed, until this is dropped. A process has one terminal, so there is
/// one of these at a time.
pub struct RawMode(());

impl RawMode {
    pub fn enter(fd: BorrowedFd) -> Result<RawMode, Errno> {
        let before = termios::tcgetattr(fd)?;
        let own = super::file::duplicate(fd)?;
        AT_PANIC.call_once(|| {
            let otherwise = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                put_back();
                otherwise(panic);
            }));
        });
        apply(own.as_fd(), &before)?;
        if let Ok(mut changed) = CHANGED.lock() {
            *changed = Some((own, before));
        }
        Ok(RawMode(()))
    }

    /// After the process was stopped and continued: a shell has put its own mode in place meanwhile.
    pub fn again(&self) {
        if let Ok(changed) = CHANGED.lock()
            && let Some((fd, before)) = changed.as_ref()
        {
            let _ = apply(fd.as_fd(), before);
        }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        put_back();
    }
}

fn apply(fd: BorrowedFd, before: &Termios) -> Result<(), Errno> {
    let mut raw = before.clone();
    termios::cfmakeraw(&mut raw);
    termios::tcsetattr(fd, SetArg::TCSANOW, &raw)
}

/// Keys typed ahead stay for the shell; what is still to be shown is shown first.
fn put_back() {
    // Not `lock`: the panic may have happened while it was held.
    if let Ok(mut changed) = CHANGED.try_lock()
        && let Some((fd, before)) = changed.take()
    {
        let _ = termios::tcsetattr(&fd, SetArg::TCSADRAIN, &before);
    }
}

/// Makes a new terminal in a devpts file system, given its root (`/dev/pts` of the container) as an open directory.
pub fn open_master(devpts: BorrowedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let master = fcntl::openat(devpts, "ptmx", flags, Mode::empty())?;
    unlock(master.as_fd())?;
    Ok(master)
}

#[allow(unsafe_code)]
fn unlock(master: BorrowedFd) -> Result<(), Errno> {
    let locked: libc::c_int = 0;
    // SAFETY: the kernel reads one int of ours.
    Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &locked) }).map(drop)
}

/// The container's side. Asked of the master itself and never opened by its path `/dev/pts/N`, which somebody inside
/// could have replaced meanwhile (CVE-2025-52565).
#[allow(unsafe_code)]
pub fn open_peer(master: BorrowedFd) -> Result<OwnedFd, Errno> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: a number in, a new descriptor out.
    let raw = Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// N of `/dev/pts/N`.
#[allow(unsafe_code)]
pub fn number(master: BorrowedFd) -> Result<u32, Errno> {
    let mut number: libc::c_uint = 0;
    // SAFETY: the kernel fills one int of ours.
    Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTN, &mut number) })?;
    Ok(number)
}

/// Makes this process the leader of a new session whose terminal is `peer`. ctrl-c then reaches what runs in it.
#[allow(unsafe_code)]
pub fn take_as_controlling(peer: BorrowedFd) -> Result<(), Errno> {
    nix::unistd::setsid()?;
    // SAFETY: numbers only; 0: never steal it from another session.
    Errno::result(unsafe { libc::ioctl(peer.as_raw_fd(), libc::TIOCSCTTY, 0) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn pty() -> (OwnedFd, OwnedFd) {
        let devpts = super::super::file::open_dir(Path::new("/dev/pts")).unwrap();
        let master = open_master(devpts.as_fd()).unwrap();
        let peer = open_peer(master.as_fd()).unwrap();
        (master, peer)
    }

    #[test]
    fn the_two_sides_of_a_terminal_share_their_size() {
        let (master, peer) = pty();
        assert!(is_terminal(peer.as_fd()));
        set_size(master.as_fd(), Size { rows: 33, columns: 77 }).unwrap();
        assert_eq!(size(peer.as_fd()).unwrap(), Size { rows: 33, columns: 77 });
    }

    #[test]
    fn raw_mode_is_left_as_it_was_found() {
        let (_master, peer) = pty();
        let echoes = || termios::tcgetattr(&peer).unwrap().local_flags.contains(termios::LocalFlags::ECHO);
        assert!(echoes());
        let raw = RawMode::enter(peer.as_fd()).unwrap();
        assert!(!echoes());
        drop(raw);
        assert!(echoes());
    }

    #[test]
    fn a_file_is_no_terminal() {
        let null = super::super::file::open_dev_null().unwrap();
        assert!(!is_terminal(null.as_fd()));
        assert!(RawMode::enter(null.as_fd()).is_err());
    }
}
