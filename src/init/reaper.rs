//! The little program inside a container: pid 1, and the last step before the user's command.
//!
//! As `tare-init PID` it is pid 1: it forwards every signal to the command, reaps whatever dies, tells the monitor how the
//! command ended, and goes. The command runs already as child PID, all signals are blocked, and descriptor 3 is the pipe to
//! the monitor.
//!
//! As `tare-exec SOCKET ATTRIBUTE LABEL COUNT PATH… ARGUMENT…` it executes the first of COUNT paths that can be executed. SOCKET is the
//! number of the descriptor on which a failure is told (`runtime/handshake.rs`). Where ATTRIBUTE is not empty, it is a file below the
//! descriptor behind that one, a procfs, and LABEL is written to it: a security module takes it for the very next execve.
//!
//! It is not the tare binary, because `/proc/self/exe` and `/proc/1/exe` are within the container's reach: an image whose
//! command is a link to them, or a script that begins with `#!/proc/self/exe`, would get hold of the host's program
//! (CVE-2019-5736). Here they lead to a sealed copy in memory. No standard library: the kernel starts it with a stack and
//! nothing else.

#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

const STATUS_PIPE: usize = 3;
const ENOENT: isize = -2;
const EACCES: isize = -13;
const ENOTDIR: isize = -20;
/// `Step::Execute`, the last one, and the one before.
const STEP_EXECUTE: u8 = 34;
const STEP_CHANGE_IDENTITY: u8 = 31;
const SIGCHLD: isize = 17;
const WNOHANG: usize = 1;
const PR_SET_NAME: usize = 15;
const PR_SET_CHILD_SUBREAPER: usize = 36;

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const OPENAT: usize = 257;
    pub const EXECVE: usize = 59;
    pub const FCNTL: usize = 72;
    pub const WAIT4: usize = 61;
    pub const KILL: usize = 62;
    pub const RT_SIGTIMEDWAIT: usize = 128;
    pub const PRCTL: usize = 157;
    pub const EXIT_GROUP: usize = 231;
}
#[cfg(target_arch = "aarch64")]
mod number {
    pub const WRITE: usize = 64;
    pub const CLOSE: usize = 57;
    pub const OPENAT: usize = 56;
    pub const EXECVE: usize = 221;
    pub const FCNTL: usize = 25;
    pub const WAIT4: usize = 260;
    pub const KILL: usize = 129;
    pub const RT_SIGTIMEDWAIT: usize = 137;
    pub const PRCTL: usize = 167;
    pub const EXIT_GROUP: usize = 94;
}

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "mov rdi, rsp", "and rsp, -16", "call {main}", main = sym main);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x0, sp", "bl {main}", main = sym main);

/// `stack` is what the kernel leaves: argc, then the arguments, then 0, then the environment.
unsafe extern "C" fn main(stack: *const usize) -> ! {
    // SAFETY: the kernel has put argc arguments and the closing zero there.
    unsafe {
        let arguments = stack.add(1);
        match (*stack, is(*arguments, b"tare-init\0"), is(*arguments, b"tare-exec\0")) {
            (2, true, _) => be_reaper(decimal(*arguments.add(1) as *const u8)),
            (7.., _, true) => execute(arguments.add(1), arguments.add(*stack + 1)),
            // Somebody in the container found us: there is nothing to be had.
            _ => exit(126),
        }
    }
}

fn be_reaper(command: isize) -> ! {
    call(number::PRCTL, PR_SET_NAME, c"tare-init".as_ptr() as usize, 0, 0);
    // In a pid namespace that is not its own it is not pid 1, and orphans would become somebody else's.
    call(number::PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0, 0);
    // The container's streams belong to the command: held here they would never reach their end.
    for fd in 0..3 {
        call(number::CLOSE, fd, 0, 0, 0);
    }
    let every_signal: u64 = !0;
    loop {
        reap(command);
        let signal = call(number::RT_SIGTIMEDWAIT, &every_signal as *const u64 as usize, 0, 0, 8);
        if signal > 0 && signal != SIGCHLD {
            call(number::KILL, command as usize, signal as usize, 0, 0);
        }
    }
}

/// Tries the paths in order. One that may not be executed is remembered, because something better may follow.
unsafe fn execute(words: *const usize, environment: *const usize) -> ! {
    const FD_CLOEXEC: usize = 1;
    const F_SETFD: usize = 2;
    let mut answer = ENOENT;
    // SAFETY: by contract with runtime/identity.rs these words, COUNT paths and at least one argument follow.
    unsafe {
        let socket = decimal(*words as *const u8) as usize;
        call(number::FCNTL, socket, F_SETFD, FD_CLOEXEC, 0);
        let label = *words.add(2) as *const u8;
        let labelled = take_label(socket + 1, *words.add(1) as *const u8, label);
        if labelled < 0 {
            tell(socket, STEP_CHANGE_IDENTITY, labelled, label);
            exit(125);
        }
        let words = words.add(3);
        let count = decimal(*words as *const u8) as usize;
        let arguments = words.add(1 + count);
        for index in 0..count {
            match call(number::EXECVE, *words.add(1 + index), arguments as usize, environment as usize, 0) {
                ENOENT | ENOTDIR => {}
                EACCES => answer = EACCES,
                other => {
                    answer = other;
                    break;
                }
            }
        }
        tell(socket, STEP_EXECUTE, answer, *arguments as *const u8);
    }
    exit(if answer == ENOENT { 127 } else { 126 })
}

/// Negative: the kernel's answer to what went wrong.
unsafe fn take_label(proc: usize, attribute: *const u8, label: *const u8) -> isize {
    const O_WRONLY: usize = 1;
    // SAFETY: both are C strings.
    unsafe {
        if *attribute == 0 {
            return 0;
        }
        let file = call(number::OPENAT, proc, attribute as usize, O_WRONLY, 0);
        call(number::CLOSE, proc, 0, 0, 0);
        if file < 0 {
            return file;
        }
        let mut length = 0;
        // The compiler would take it for strlen(3), which is not there.
        while label.add(length).read_volatile() != 0 {
            length += 1;
        }
        let written = call(number::WRITE, file as usize, label as usize, length, 0);
        call(number::CLOSE, file as usize, 0, 0, 0);
        written
    }
}

/// `F`, the step, the error number, the command or the label: the word that `runtime/handshake.rs` knows.
///
/// Written byte by byte into memory that nobody cleared: clearing it would call a C library that is not there.
unsafe fn tell(socket: usize, step: u8, answer: isize, what: *const u8) {
    const LONGEST: usize = 512;
    let mut memory = core::mem::MaybeUninit::<[u8; LONGEST]>::uninit();
    let word = memory.as_mut_ptr().cast::<u8>();
    let mut length = 0;
    let mut push = |byte: u8| {
        // SAFETY: whoever calls stays below LONGEST.
        unsafe { word.add(length).write_volatile(byte) };
        length += 1;
        length < LONGEST
    };
    push(b'F');
    push(step);
    for byte in (-answer as i32).to_le_bytes() {
        push(byte);
    }
    let mut letter = what;
    // SAFETY: the kernel ends every argument with a zero byte.
    unsafe {
        while *letter != 0 && push(*letter) {
            letter = letter.add(1);
        }
    }
    call(number::WRITE, socket, word as usize, length, 0);
}

/// Whether the C string at `text` is `wanted`, closing zero included.
unsafe fn is(text: usize, wanted: &[u8]) -> bool {
    let text = text as *const u8;
    if text.is_null() {
        return false;
    }
    for (index, byte) in wanted.iter().enumerate() {
        // SAFETY: reading stops at the first difference, and so not behind the zero.
        if unsafe { *text.add(index) } != *byte {
            return false;
        }
    }
    true
}

fn exit(code: usize) -> ! {
    loop {
        call(number::EXIT_GROUP, code, 0, 0, 0);
    }
}

/// Collects every child that has ended: ours, and the orphans that the kernel gave us.
fn reap(command: isize) {
    loop {
        let mut status: u32 = 0;
        let pid = call(number::WAIT4, -1isize as usize, &mut status as *mut u32 as usize, WNOHANG, 0);
        if pid <= 0 {
            return;
        }
        if pid == command {
            finish(status);
        }
    }
}

/// The monitor hears of it before the kernel takes the container apart, which takes longer than the command may have run.
fn finish(status: u32) -> ! {
    call(number::WRITE, STATUS_PIPE, &status as *const u32 as usize, 4, 0);
    let signal = status & 0x7f;
    let code = if signal == 0 { (status >> 8) & 0xff } else { 128 + signal };
    exit(code as usize)
}

unsafe fn decimal(mut text: *const u8) -> isize {
    let mut value = 0;
    if text.is_null() {
        return value;
    }
    // SAFETY: the kernel ends every argument with a zero byte.
    unsafe {
        while (*text).is_ascii_digit() {
            value = value * 10 + (*text - b'0') as isize;
            text = text.add(1);
        }
    }
    value
}

#[cfg(target_arch = "x86_64")]
fn call(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let result;
    // SAFETY: the callers pass pointers to their own live variables.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}
#[cfg(target_arch = "aarch64")]
fn call(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let result;
    // SAFETY: the callers pass pointers to their own live variables.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a as isize => result, in("x1") b, in("x2") c, in("x3") d, options(nostack));
    }
    result
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(255)
}
