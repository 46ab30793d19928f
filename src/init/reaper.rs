//! Pid 1 of a container: a program of its own, small enough to read in one sitting and to live in two pages of memory.
//!
//! It forwards every signal to the command, reaps whatever dies, tells the monitor how the command ended, and goes.
//! It is not the tare binary, because whoever may ptrace pid 1 can reach `/proc/1/exe` (CVE-2019-5736): here that is a
//! sealed copy in memory. No standard library: the kernel starts it with a stack and nothing else.
//!
//! Called as `tare-init PID` with the command running already as child PID, all signals blocked, and descriptor 3 the pipe
//! to the monitor.

#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

const STATUS_PIPE: usize = 3;
const SIGCHLD: isize = 17;
const WNOHANG: usize = 1;
const PR_SET_NAME: usize = 15;

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
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

/// `stack` is what the kernel leaves: argc, then the arguments, then 0.
unsafe extern "C" fn main(stack: *const usize) -> ! {
    // SAFETY: argv[1] is there by contract with runtime/child.rs; a missing one is a null pointer, read as pid 0.
    let command = unsafe { decimal(*stack.add(2) as *const u8) };
    call(number::PRCTL, PR_SET_NAME, c"tare-init".as_ptr() as usize, 0, 0);
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
    loop {
        call(number::EXIT_GROUP, code as usize, 0, 0, 0);
    }
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
    loop {
        call(number::EXIT_GROUP, 255, 0, 0, 0);
    }
}
