//! Looking at the system calls of our own children, one by one: ptrace(2).
//!
//! A process that is followed stands still before and after each call, until it is let go on. What it forks is followed, too.

#![allow(unsafe_code)]

use nix::errno::Errno;
use std::os::fd::RawFd;

/// Why a process stands still, or does no longer.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is about to make a call.
    Entry {
        number: u64,
        arguments: [u64; 6],
    },
    /// The kernel has answered; an error number is negative.
    Exit {
        answer: i64,
    },
    /// It has made another process or thread, which is followed from its first instruction on.
    Born {
        child: i32,
    },
    /// It has become another program.
    Executed,
    /// This signal is about to reach it.
    Signal(i32),
    /// It was stopped, as by ctrl-z.
    Suspended,
    /// It was just taken hold of, or goes on after a stop.
    Held,
    Ended {
        code: i32,
    },
}

const SEIZE: libc::c_long = 0x4206;
const INTERRUPT: libc::c_long = 0x4207;
const LISTEN: libc::c_long = 0x4208;
const GET_EVENT_MESSAGE: libc::c_long = 0x4201;
const GET_SYSCALL_INFO: libc::c_long = 0x420e;
const GO_ON_TO_CALL: libc::c_long = 24;
const DETACH: libc::c_long = 17;

/// Of `PTRACE_O_…`: calls are told from signals, and children, threads and new programs are told of.
const OPTIONS: libc::c_long = 0x1 | 0x2 | 0x4 | 0x8 | 0x10;
const EVENT_FORK: i32 = 1;
const EVENT_VFORK: i32 = 2;
const EVENT_CLONE: i32 = 3;
const EVENT_EXEC: i32 = 4;
const EVENT_STOP: i32 = 128;

/// From now on `next` tells of it. It stands still as soon as it can.
pub fn follow(pid: i32) -> Result<(), Errno> {
    request(SEIZE, pid, 0, OPTIONS)?;
    request(INTERRUPT, pid, 0, 0)
}

/// Lets it run up to the next call; `signal`: one that it shall get, 0 for none.
pub fn go_on(pid: i32, signal: i32) -> Result<(), Errno> {
    request(GO_ON_TO_CALL, pid, 0, libc::c_long::from(signal))
}

/// It stays stopped, and the next thing that wakes it is told.
pub fn stay_suspended(pid: i32) -> Result<(), Errno> {
    request(LISTEN, pid, 0, 0)
}

/// It runs on, and nobody looks any more. It must stand still.
pub fn let_go(pid: i32, signal: i32) -> Result<(), Errno> {
    request(DETACH, pid, 0, libc::c_long::from(signal))
}

/// Waits until one of those that are followed stands still. `ECHILD`: there is none left.
pub fn next() -> Result<(i32, Stop), Errno> {
    let mut status = 0;
    loop {
        // SAFETY: the status is written before the call returns.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
        match Errno::result(pid) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(pid) => return Ok((pid, stop(pid, status))),
        }
    }
}

fn stop(pid: i32, status: i32) -> Stop {
    if libc::WIFEXITED(status) {
        return Stop::Ended { code: libc::WEXITSTATUS(status) };
    }
    if libc::WIFSIGNALED(status) {
        return Stop::Ended { code: 128 + libc::WTERMSIG(status) };
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        EVENT_FORK | EVENT_VFORK | EVENT_CLONE => Stop::Born { child: event_message(pid) as i32 },
        EVENT_EXEC => Stop::Executed,
        EVENT_STOP if signal == libc::SIGTRAP => Stop::Held,
        EVENT_STOP => Stop::Suspended,
        _ if signal == libc::SIGTRAP | 0x80 => call(pid).unwrap_or(Stop::Held),
        _ => Stop::Signal(signal),
    }
}

fn event_message(pid: i32) -> u64 {
    let mut message: u64 = 0;
    let _ = request(GET_EVENT_MESSAGE, pid, 0, &raw mut message as libc::c_long);
    message
}

/// The same on every kind of machine (Linux 5.3): `struct ptrace_syscall_info`, of which an entry and an exit are read.
#[repr(C)]
#[derive(Default)]
struct CallInformation {
    kind: u8,
    _reserved: [u8; 3],
    _architecture: u32,
    _instruction_pointer: u64,
    _stack_pointer: u64,
    /// Entry: number and arguments; exit: the answer, and whether it is an error.
    words: [u64; 7],
}

fn call(pid: i32) -> Option<Stop> {
    const ENTRY: u8 = 1;
    const EXIT: u8 = 2;
    let mut information = CallInformation::default();
    let size = size_of::<CallInformation>() as libc::c_long;
    request(GET_SYSCALL_INFO, pid, size, &raw mut information as libc::c_long).ok()?;
    let [first, arguments @ ..] = information.words;
    match information.kind {
        ENTRY => Some(Stop::Entry { number: first, arguments }),
        EXIT => Some(Stop::Exit { answer: first as i64 }),
        _ => None,
    }
}

/// The raw call: the C library's changes what it is asked for some requests. Those that are made here answer 0, or so many bytes.
fn request(request: libc::c_long, pid: i32, address: libc::c_long, data: libc::c_long) -> Result<(), Errno> {
    // SAFETY: what `data` points to, where it does, is as large as the request or `address` says, and lives until the call returns.
    let answer = unsafe { libc::syscall(libc::SYS_ptrace, request, libc::c_long::from(pid), address, data) };
    Errno::result(answer).map(drop)
}

/// What lies in its memory; so much of it as there is.
pub fn read(pid: i32, address: u64, into: &mut [u8]) -> usize {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: into.len() };
    // SAFETY: the kernel writes at most the length of our own buffer; the other address is the other process's.
    let length = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(length).unwrap_or(0)
}

/// Where one of its descriptors leads, as /proc tells.
pub fn descriptor_leads_to(pid: i32, number: RawFd) -> Option<String> {
    std::fs::read_link(format!("/proc/{pid}/fd/{number}")).ok().map(|path| path.to_string_lossy().into_owned())
}
