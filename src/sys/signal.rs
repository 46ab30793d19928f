//! Signals: waiting for them as for any descriptor, sending them to a process that cannot be mistaken for
//! another (pidfd), and how a child ended.

use super::process::WaitStatus;
pub use super::signal_names::{name, number, parse};
use nix::errno::Errno;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

pub const KILL: i32 = libc::SIGKILL;
/// The terminal has another size.
pub const WINDOW_CHANGED: i32 = libc::SIGWINCH;
/// As by ctrl-c.
pub const INTERRUPT: i32 = libc::SIGINT;
/// As by ctrl-\\.
pub const QUIT: i32 = libc::SIGQUIT;
/// By which people and machines ask a program to end.
pub const ENDING: &[i32] = &[libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
/// What a person or a service manager sends to end or to wake a program.
pub const PASSED_ON: &[i32] = &[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM];

/// The signals that a process (strictly: this thread) does not take now, to be put back later.
#[derive(Clone, Copy)]
pub struct Mask(libc::sigset_t);

/// From now on signals wait. The kernel's own judgements (SIGKILL, a fault in our code) come through all the same.
pub fn block_all() -> Result<Mask, Errno> {
    change_mask(libc::SIG_SETMASK, &full())
}

pub fn unblock_all() -> Result<Mask, Errno> {
    change_mask(libc::SIG_SETMASK, &empty())
}

pub fn restore(mask: &Mask) -> Result<(), Errno> {
    change_mask(libc::SIG_SETMASK, &mask.0).map(drop)
}

#[allow(unsafe_code)]
fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> Result<Mask, Errno> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are ours; the call fills the second when it succeeds. It returns the error, not errno.
    match unsafe { libc::pthread_sigmask(how, set, before.as_mut_ptr()) } {
        0 => Ok(Mask(unsafe { before.assume_init() })),
        error => Err(Errno::from_raw(error)),
    }
}

#[allow(unsafe_code)]
fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset fills the whole set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

#[allow(unsafe_code)]
fn full() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset fills the whole set.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

#[allow(unsafe_code)]
fn set_of(numbers: &[i32]) -> libc::sigset_t {
    let mut set = empty();
    for number in numbers {
        // SAFETY: the set is ours; a number out of range is refused and changes nothing.
        unsafe { libc::sigaddset(&mut set, *number) };
    }
    set
}

#[allow(unsafe_code)]
fn is_ignored(number: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks; zeroes are a valid sigaction.
    unsafe { libc::sigaction(number, std::ptr::null(), action.as_mut_ptr()) == 0 && action.assume_init().sa_sigaction == libc::SIG_IGN }
}

/// Some signals as a descriptor: each that arrives can be read once. Until dropped they do nothing else.
pub struct Signals {
    fd: OwnedFd,
    before: Mask,
}

impl Signals {
    /// Those that our caller made us ignore (nohup; a shell's background job and ctrl-c) are left out: the kernel drops an
    /// ignored signal only as long as it is not blocked, so here they would come back to life.
    #[allow(unsafe_code)]
    pub fn new(numbers: &[i32]) -> Result<Self, Errno> {
        let wanted: Vec<i32> = numbers.iter().copied().filter(|number| !is_ignored(*number)).collect();
        let set = set_of(&wanted);
        let before = change_mask(libc::SIG_BLOCK, &set)?;
        // SAFETY: the set is ours; the descriptor that is returned is new.
        let made = unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        match Errno::result(made) {
            // SAFETY: just made, nobody else has it.
            Ok(raw) => Ok(Signals { fd: unsafe { OwnedFd::from_raw_fd(raw) }, before }),
            Err(e) => {
                let _ = restore(&before);
                Err(e)
            }
        }
    }

    /// The next signal that has arrived, if any.
    pub fn next(&self) -> Option<i32> {
        // signalfd_siginfo begins with the number, and is 128 bytes long: signalfd(2).
        let mut record = [0u8; 128];
        match nix::unistd::read(&self.fd, &mut record) {
            Ok(128) => Some(i32::from_ne_bytes([record[0], record[1], record[2], record[3]])),
            _ => None,
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = restore(&self.before);
    }
}

/// To the one process that this pidfd was made for, never to a later one with the same number. ESRCH: it has ended.
#[allow(unsafe_code)]
pub fn send(pidfd: BorrowedFd, number: i32) -> Result<(), Errno> {
    // SAFETY: no pointer but a null one, which the call allows.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), number, std::ptr::null::<libc::siginfo_t>(), 0u32) };
    Errno::result(sent).map(drop)
}

#[allow(unsafe_code)]
pub fn kill(pid: i32, number: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::kill(pid, number) }).map(drop)
}

/// To this thread itself.
#[allow(unsafe_code)]
pub fn raise(number: i32) {
    // SAFETY: a number only.
    unsafe { libc::raise(number) };
}

/// Ends this process by this signal, as if nobody had caught it, so that a shell sees the true reason.
#[allow(unsafe_code)]
pub fn die_of(number: i32) {
    // SAFETY: the default action is put back for this one signal, then it is raised in this thread.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        let _ = change_mask(libc::SIG_UNBLOCK, &set_of(&[number]));
    }
    raise(number);
}

/// Waits for the end of a child, and takes it out of the process table. Raw, because nix knows no real-time signals.
#[allow(unsafe_code)]
pub fn wait(child: BorrowedFd) -> Result<WaitStatus, Errno> {
    loop {
        let mut answer = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the answer is ours; zeroes are a valid siginfo_t, and its si_status is valid after WEXITED.
        let (done, answer) = unsafe {
            let done = libc::waitid(libc::P_PIDFD, child.as_raw_fd() as libc::id_t, answer.as_mut_ptr(), libc::WEXITED);
            (done, answer.assume_init())
        };
        match Errno::result(done) {
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
            Ok(_) => {
                // SAFETY: see above.
                let status = unsafe { answer.si_status() };
                return Ok(if answer.si_code == libc::CLD_EXITED { WaitStatus::exited(status) } else { WaitStatus::killed(status) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_waits_and_is_read_once() {
        let signals = Signals::new(&[libc::SIGUSR2]).unwrap();
        raise(libc::SIGUSR2);
        assert_eq!(signals.next(), Some(libc::SIGUSR2));
        assert_eq!(signals.next(), None);
    }
}
