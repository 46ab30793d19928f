//! Terminals: their size, and the user's, which is switched to raw mode and always back. (`pty` makes a container's.)

use nix::errno::Errno;
use nix::sys::termios::{self, SetArg, Termios};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
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

/// Duplicates of the three streams that this process was started with.
pub fn standard_streams() -> Result<[OwnedFd; 3], Errno> {
    let [input, output, error] = super::file::standard_streams().map(super::file::duplicate);
    Ok([input?, output?, error?])
}

/// Whether keys are handed on as they are typed, without echo.
pub fn is_raw(fd: BorrowedFd) -> bool {
    use termios::LocalFlags;
    termios::tcgetattr(fd).is_ok_and(|mode| !mode.local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG))
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
static CHANGED: Mutex<Vec<(OwnedFd, Termios)>> = Mutex::new(Vec::new());
static AT_PANIC: Once = Once::new();

/// The user's terminal hands every key on as it is typed, until this is dropped.
pub struct RawMode {
    /// The number of our own descriptor of it, in `CHANGED`.
    key: RawFd,
}

impl RawMode {
    pub fn enter(fd: BorrowedFd) -> Result<RawMode, Errno> {
        let before = termios::tcgetattr(fd)?;
        let own = super::file::duplicate(fd)?;
        let key = own.as_raw_fd();
        AT_PANIC.call_once(|| {
            let otherwise = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                put_back(|_| true);
                otherwise(panic);
            }));
        });
        apply(fd, &before)?;
        if let Ok(mut changed) = CHANGED.lock() {
            changed.push((own, before));
        }
        Ok(RawMode { key })
    }

    /// After the process was stopped and continued: a shell has put its own mode in place meanwhile.
    pub fn again(&self) {
        if let Ok(changed) = CHANGED.lock() {
            for (fd, before) in changed.iter().filter(|(fd, _)| fd.as_raw_fd() == self.key) {
                let _ = apply(fd.as_fd(), before);
            }
        }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        put_back(|fd| fd.as_raw_fd() == self.key);
    }
}

fn apply(fd: BorrowedFd, before: &Termios) -> Result<(), Errno> {
    let mut raw = before.clone();
    termios::cfmakeraw(&mut raw);
    termios::tcsetattr(fd, SetArg::TCSANOW, &raw)
}

/// Keys typed ahead stay for the shell. Immediately, not when all output is shown: a terminal that was stopped would keep us.
fn put_back(which: impl Fn(&OwnedFd) -> bool) {
    let Ok(mut changed) = CHANGED.lock() else { return };
    changed.retain(|(fd, before)| {
        let is_meant = which(fd);
        if is_meant {
            let _ = termios::tcsetattr(fd, SetArg::TCSANOW, before);
        }
        !is_meant
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn pty() -> (OwnedFd, OwnedFd) {
        super::super::pty::open(Path::new("/dev/pts/ptmx")).unwrap()
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
        assert!(!is_raw(peer.as_fd()));
        let raw = RawMode::enter(peer.as_fd()).unwrap();
        assert!(is_raw(peer.as_fd()));
        drop(raw);
        assert!(!is_raw(peer.as_fd()));
    }

    #[test]
    fn a_file_is_no_terminal() {
        let null = super::super::file::open_dev_null().unwrap();
        assert!(!is_terminal(null.as_fd()));
        assert!(RawMode::enter(null.as_fd()).is_err());
    }
}
