//! Programs that the kernel asks before a process of a cgroup opens or makes a device (eBPF, BPF_PROG_TYPE_CGROUP_DEVICE).

#![allow(unsafe_code)]

use nix::errno::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// One eBPF instruction, in the kernel's shape: registers share a byte, destination low.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u8,
    pub registers: u8,
    pub offset: i16,
    pub constant: i32,
}

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_ATTACH: libc::c_int = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;

/// The start of the kernel's `union bpf_attr`; what follows is zero.
#[repr(C, align(8))]
struct Attributes([u64; 18]);

fn bpf(command: libc::c_int, attributes: &mut Attributes) -> Result<i32, Errno> {
    // SAFETY: the kernel reads as many bytes as we say; pointers in them live until the call returns.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.0.as_mut_ptr(), size_of::<Attributes>()) };
    Errno::result(result).map(|fd| fd as i32)
}

/// Hands the program to the kernel, which checks it; it goes with its descriptor.
pub fn load(program: &[Instruction]) -> Result<OwnedFd, Errno> {
    let mut load = Attributes([0; 18]);
    load.0[0] = u64::from(BPF_PROG_TYPE_CGROUP_DEVICE) | (program.len() as u64) << 32;
    load.0[1] = program.as_ptr() as u64;
    load.0[2] = c"GPL".as_ptr() as u64;
    let fd = bpf(BPF_PROG_LOAD, &mut load)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Loads the program and hangs it on the group; it stays there until the group is removed.
pub fn attach(cgroup: BorrowedFd, program: &[Instruction]) -> Result<(), Errno> {
    let fd = load(program)?;
    let mut hang = Attributes([0; 18]);
    hang.0[0] = cgroup.as_raw_fd() as u64 | (fd.as_raw_fd() as u64) << 32;
    hang.0[1] = u64::from(BPF_CGROUP_DEVICE) | u64::from(BPF_F_ALLOW_MULTI) << 32;
    bpf(BPF_PROG_ATTACH, &mut hang).map(drop)
}
