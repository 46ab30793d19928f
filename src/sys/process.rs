//! Making processes, waiting for them, and becoming another program.

#![allow(unsafe_code)]

use nix::errno::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What a new process does not share with its parent, in the kernel's bits.
pub mod namespace {
    pub const MOUNT: u64 = libc::CLONE_NEWNS as u64;
    pub const PID: u64 = libc::CLONE_NEWPID as u64;
    pub const IPC: u64 = libc::CLONE_NEWIPC as u64;
    pub const UTS: u64 = libc::CLONE_NEWUTS as u64;
    pub const NET: u64 = libc::CLONE_NEWNET as u64;
    pub const USER: u64 = libc::CLONE_NEWUSER as u64;
    pub const CGROUP: u64 = libc::CLONE_NEWCGROUP as u64;
    pub const TIME: u64 = 0x80;
}

const CLONE_PIDFD: u64 = 0x1000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

pub enum Forked {
    Parent { pid: i32, pidfd: OwnedFd },
    Child,
}

/// One clone3: new namespaces, straight into its cgroup, with a pidfd.
///
/// Into the cgroup, because moving a process there afterwards (`cgroup.procs`) waits 11 ms for a grace period.
/// The caller must have no other thread, not even one that is about to be gone: the child goes on in the same program, and a lock that
/// another thread held would stay locked in it for ever (`threads.rs`).
pub fn clone3(namespaces: u64, cgroup: Option<BorrowedFd>) -> Result<Forked, Errno> {
    clone_with(namespaces, libc::SIGCHLD, cgroup)
}

/// The same, but the new process is a child of our parent, not of us. The signal at its end is the one that ours would send, and
/// must not be named (clone(2)).
pub fn clone3_for_parent(namespaces: u64, cgroup: Option<BorrowedFd>) -> Result<Forked, Errno> {
    clone_with(namespaces | libc::CLONE_PARENT as u64, 0, cgroup)
}

fn clone_with(flags: u64, exit_signal: i32, cgroup: Option<BorrowedFd>) -> Result<Forked, Errno> {
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all fields of clone_args are plain numbers, and zero means "not used".
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = &raw mut pidfd as u64;
    arguments.exit_signal = exit_signal as u64;
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM the child has a copy of everything; the arguments live until the call returns.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) };
    match Errno::result(pid)? {
        0 => Ok(Forked::Child),
        // SAFETY: the kernel has just made this descriptor for us.
        pid => Ok(Forked::Parent { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }),
    }
}

/// Leaves at once: no destructors, no buffered output of the parent's written twice.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

pub fn own_pid() -> i32 {
    std::process::id() as i32
}

pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// A pidfd of a process that is not our child.
pub fn pidfd_of(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: the kernel has just made this descriptor for us.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// A duplicate of what another process has open under this number: pidfd_getfd(2).
pub fn descriptor_of(pidfd: BorrowedFd, number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) };
    // SAFETY: the kernel has just made this descriptor for us.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// How a process ended, as the kernel's wait status tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitStatus(pub i32);

impl WaitStatus {
    pub fn exited(code: i32) -> Self {
        WaitStatus((code & 0xff) << 8)
    }
    pub fn killed(signal: i32) -> Self {
        WaitStatus(signal & 0x7f)
    }
    pub fn signal(self) -> Option<i32> {
        (self.0 & 0x7f != 0).then_some(self.0 & 0x7f)
    }
    /// As a shell tells it: 128+n for signal n.
    pub fn code(self) -> i32 {
        self.signal().map_or((self.0 >> 8) & 0xff, |signal| 128 + signal)
    }
}

/// Waits for one child.
pub fn wait(pid: i32) -> Result<WaitStatus, Errno> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is ours.
        match Errno::result(unsafe { libc::waitpid(pid, &mut status, 0) }) {
            Ok(_) => return Ok(WaitStatus(status)),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
}

/// A new session, without a controlling terminal.
pub fn new_session() -> Result<(), Errno> {
    nix::unistd::setsid().map(drop)
}

/// Whether it was asked for.
pub fn dies_with_parent() -> bool {
    nix::sys::prctl::get_pdeathsig().is_ok_and(|signal| signal.is_some())
}

/// The kernel kills this process when its parent ends; to be asked again after every change of identity.
pub fn die_with_parent() -> Result<(), Errno> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)
}

/// The same by a signal that it can take.
pub fn ask_to_end_with_parent() -> Result<(), Errno> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)
}

/// Nobody in the container may read this process through /proc, or trace it (unless it holds CAP_SYS_PTRACE).
pub fn hide_from_tracers() -> Result<(), Errno> {
    nix::sys::prctl::set_dumpable(false)
}

/// What `ps` and the likes call it from here on.
pub fn name(name: &str) {
    let _ = CString::new(name).map(|name| nix::sys::prctl::set_name(&name));
}

pub fn unshare(namespaces: u64) -> Result<(), Errno> {
    // SAFETY: the call takes a number.
    Errno::result(unsafe { libc::unshare(namespaces as i32) }).map(drop)
}

/// The kind of an open namespace, as one of the bits above; an error where the file is none.
pub fn kind_of_namespace(fd: BorrowedFd) -> Result<u64, Errno> {
    const NS_GET_NSTYPE: u32 = 0xb703;
    // SAFETY: this request takes no argument.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE as _) }).map(|kind| kind as u32 as u64)
}

/// Joins one open namespace, or several of one process (a pidfd) at once.
pub fn join(fd: BorrowedFd, namespaces: u64) -> Result<(), Errno> {
    // SAFETY: the call takes numbers.
    Errno::result(unsafe { libc::setns(fd.as_raw_fd(), namespaces as i32) }).map(drop)
}

/// Marks every descriptor from `first` on to be closed by exec.
pub fn close_on_exec_from(first: i32) -> Result<(), Errno> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: the call takes numbers; nothing is closed before exec.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) }).map(drop)
}

/// The same undone for some; whoever calls is about to become another program.
pub fn keep_on_exec(numbers: std::ops::Range<i32>) -> Result<(), Errno> {
    // SAFETY: a flag of a descriptor.
    numbers.into_iter().try_for_each(|fd| Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }).map(drop))
}

/// `fd` becomes descriptor `number`, open across exec.
pub fn place(fd: BorrowedFd, number: i32) -> Result<(), Errno> {
    // SAFETY: dup2 onto a standard stream of this process, which is about to become another program.
    if fd.as_raw_fd() == number {
        return crate::sys::file::keep_on_exec(fd);
    }
    Errno::result(unsafe { libc::dup2(fd.as_raw_fd(), number) }).map(drop)
}

/// Returns only to say why not.
pub fn exec(path: &CStr, arguments: &[CString], environment: &[CString]) -> Errno {
    match nix::unistd::execve(path, arguments, environment) {
        Err(errno) => errno,
        Ok(never) => match never {},
    }
}

/// Executes an open file. Returns only to say why not.
pub fn exec_fd(file: BorrowedFd, arguments: &[CString], environment: &[CString]) -> Errno {
    match nix::unistd::execveat(file, c"", arguments, environment, nix::fcntl::AtFlags::AT_EMPTY_PATH) {
        Err(errno) => errno,
        Ok(never) => match never {},
    }
}

/// An empty file that lies nowhere, is closed by exec, and can be executed.
pub fn memory_file(name: &CStr) -> Result<OwnedFd, Errno> {
    const MFD_EXEC: libc::c_uint = 0x10;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a C string; the result is a descriptor or an error.
    let make = |flags| Errno::result(unsafe { libc::memfd_create(name.as_ptr(), flags) });
    let fd = match make(flags | MFD_EXEC) {
        // Kernels before 6.3 do not know MFD_EXEC, and make every memory file executable.
        Err(Errno::EINVAL) => make(flags)?,
        other => other?,
    };
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A file in memory that nobody can change any more: a program is executed from it, and whoever reaches it through
/// `/proc/PID/exe` can do no harm (CVE-2019-5736).
pub fn sealed_program(name: &CStr, bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let fd = memory_file(name)?;
    crate::sys::file::write_all(std::os::fd::AsFd::as_fd(&fd), bytes)?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: fcntl with numbers.
    Errno::result(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    Ok(fd)
}

/// All signals wait, or none does. A process that execs hands its mask on.
pub fn block_every_signal(block: bool) -> Result<(), Errno> {
    use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
    let set = if block { SigSet::all() } else { SigSet::empty() };
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&set), None)
}

/// Ignored signals stay ignored across exec: Rust ignores SIGPIPE, and a caller may have ignored others.
pub fn default_every_signal() {
    /// The kernel's sigaction: handler, flags, restorer and mask, all zero. Zero is SIG_DFL.
    const DEFAULT: [u64; 4] = [0; 4];
    for signal in 1..=64 {
        // SAFETY: installs no handler; the kernel refuses KILL and STOP. Not through libc, which keeps some numbers for itself.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, DEFAULT.as_ptr(), std::ptr::null::<u64>(), 8) };
    }
}

/// Closes every descriptor above the standard streams, but these: what the caller had open is not ours to hold.
pub fn close_all_above_2_but(keep: &[i32]) -> Result<(), Errno> {
    let mut keep: Vec<i32> = keep.iter().copied().filter(|fd| *fd > 2).collect();
    keep.sort_unstable();
    let mut first = 3;
    for fd in keep.into_iter().chain([i32::MAX]) {
        if first < fd {
            // SAFETY: the numbers between ours belong to nobody in this process, which has just been forked for a new life.
            Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first as libc::c_uint, (fd - 1) as libc::c_uint, 0) })?;
        }
        first = fd.saturating_add(1);
    }
    Ok(())
}

/// A new life after a fork: a session of its own, `nothing` instead of the caller's streams, no directory that cannot be unmounted,
/// and of the descriptors only these.
pub fn leave_caller(nothing: OwnedFd, keep: &[i32]) -> Result<(), Errno> {
    new_session()?;
    nix::unistd::chdir("/")?;
    for number in 0..3 {
        place(std::os::fd::AsFd::as_fd(&nothing), number)?;
    }
    drop(nothing);
    close_all_above_2_but(keep)
}

pub fn is_open(fd: i32) -> bool {
    // SAFETY: only asks.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

/// By one system call and no other.
pub fn close(fd: i32) {
    // SAFETY: whoever calls says that nobody in this process uses it any more.
    unsafe { libc::close(fd) };
}

/// Closes every descriptor from `first` on; nothing of ours is open yet.
pub fn close_from(first: i32) {
    // SAFETY: whoever calls has just begun, and owns no descriptor.
    unsafe { libc::syscall(libc::SYS_close_range, first as libc::c_uint, libc::c_uint::MAX, 0) };
}

/// Clock ticks since boot at which a process started: with its pid, its identity for as long as the machine is up.
pub fn start_time(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, even parentheses and blanks.
    text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether a process is there that started at that tick, and has not ended: a zombie only waits to be counted.
pub fn is_alive(pid: i32, started: u64) -> bool {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let Some((_, fields)) = text.rsplit_once(')') else { return false };
    let mut fields = fields.split_whitespace();
    let state = fields.next();
    !matches!(state, Some("Z" | "X" | "x") | None) && fields.nth(18).and_then(|ticks| ticks.parse().ok()) == Some(started)
}

/// Whether this number is a thread of that process, and no process of its own.
pub fn is_thread_of(number: i32, pid: i32) -> bool {
    std::fs::exists(format!("/proc/{pid}/task/{number}")).unwrap_or(false)
}

/// A process as a list of processes shows it.
pub struct Look {
    pub pid: i32,
    pub parent: i32,
    pub uid: u32,
    pub command: String,
    /// In hundredths of a second, whatever the kernel counts with: since boot, and on a processor.
    pub started: u64,
    pub busy: u64,
    /// Its number below /dev/pts.
    pub terminal: Option<u64>,
    /// It has ended, and its parent has not asked how.
    pub is_zombie: bool,
}

pub fn look(pid: i32) -> Option<Look> {
    use std::os::unix::fs::MetadataExt;
    let dir = format!("/proc/{pid}");
    let stat = std::fs::read_to_string(format!("{dir}/stat")).ok()?;
    let (before, behind) = stat.rsplit_once(')')?;
    let words = std::fs::read(format!("{dir}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ");
    // A kernel thread and a zombie have no words.
    let command = if line.is_empty() { format!("[{}]", before.split_once('(')?.1) } else { line };
    // proc_pid_stat(5), the fields from the third on.
    let fields: Vec<u64> = behind.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect();
    let field = |number: usize| fields.get(number - 4).copied();
    let (major, minor) = super::mount::device_numbers(field(7)?);
    Some(Look {
        pid,
        parent: i32::try_from(field(4)?).ok()?,
        uid: std::fs::metadata(dir).ok()?.uid(),
        command,
        started: field(22)?,
        busy: field(14)? + field(15)?,
        terminal: (136..=143).contains(&major).then(|| (major - 136) << 8 | minor),
        is_zombie: behind.trim_start().starts_with('Z'),
    })
}

/// In hundredths of a second, as processes tell it.
pub fn time_since_boot() -> u64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .map_or(0, |time| time.tv_sec() as u64 * 100 + time.tv_nsec() as u64 / 10_000_000)
}

/// The oldest child of a process.
pub fn first_child(pid: i32) -> Option<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

pub fn sleep(time: std::time::Duration) {
    std::thread::sleep(time);
}
