//! The instructions of a classic BPF program, as far as a filter of system calls needs them.
//!
//! Only loads, `and`, comparisons with constants and returns: the kernel can then find out by itself that a call is
//! always allowed, and never runs the filter for it again (`seccomp_is_const_allow` in kernel/seccomp.c, Linux 5.11).

/// `struct sock_filter` of linux/filter.h: `jt` and `jf` are how many instructions to skip when true, when false.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockFilter {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// The longest program that the kernel takes (BPF_MAXINSNS).
pub const LONGEST: usize = 4096;

/// The accumulator becomes the 32-bit word of `struct seccomp_data` at k.
pub const LOAD: u16 = 0x20;
/// The accumulator keeps the bits of k.
pub const AND: u16 = 0x54;
/// Skips k instructions: the only jump that reaches further than 255.
pub const JUMP: u16 = 0x05;
pub const IF_EQUAL: u16 = 0x15;
pub const IF_AT_LEAST: u16 = 0x35;
pub const IF_ANY_BIT: u16 = 0x45;
pub const RETURN: u16 = 0x06;

// Where things lie in `struct seccomp_data`.
pub const CALL_NUMBER: u32 = 0;
pub const CALL_ARCHITECTURE: u32 = 4;

/// The lower half of an argument; the upper half lies four bytes further (all our machines are little-endian).
pub fn argument(index: u8) -> u32 {
    16 + 8 * u32::from(index)
}
