//! Kinds of machines: one kernel runs programs of several, each with its own numbering of system calls.
//!
//! A filter that forgot the 32-bit numbering would be no filter: a 64-bit program can use it too (`int 0x80` on x86).

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    X86_64,
    /// 64-bit registers with 32-bit pointers. Reports itself as x86_64 with bit 30 set in the call's number.
    X32,
    X86,
    Aarch64,
    Arm,
}

use Architecture::{Aarch64, Arm, X32, X86, X86_64};

/// What is set in the number of every x32 call (`__X32_SYSCALL_BIT`).
pub const X32_BIT: u32 = 0x4000_0000;

impl Architecture {
    pub const ALL: [Architecture; 5] = [X86_64, X32, X86, Aarch64, Arm];

    /// The machine that this program was compiled for.
    #[cfg(target_arch = "x86_64")]
    pub const NATIVE: Architecture = X86_64;
    #[cfg(target_arch = "x86")]
    pub const NATIVE: Architecture = X86;
    #[cfg(target_arch = "aarch64")]
    pub const NATIVE: Architecture = Aarch64;
    #[cfg(target_arch = "arm")]
    pub const NATIVE: Architecture = Arm;

    /// By the compiler's name for it (`CARGO_CFG_TARGET_ARCH`).
    pub fn from_target(name: &str) -> Option<Architecture> {
        match name {
            "x86_64" => Some(X86_64),
            "x86" => Some(X86),
            "aarch64" => Some(Aarch64),
            "arm" => Some(Arm),
            _ => None,
        }
    }

    /// By the name in an OCI specification.
    pub fn from_scmp(name: &str) -> Option<Architecture> {
        Architecture::ALL.into_iter().find(|architecture| architecture.scmp() == name)
    }

    pub fn scmp(self) -> &'static str {
        match self {
            X86_64 => "SCMP_ARCH_X86_64",
            X32 => "SCMP_ARCH_X32",
            X86 => "SCMP_ARCH_X86",
            Aarch64 => "SCMP_ARCH_AARCH64",
            Arm => "SCMP_ARCH_ARM",
        }
    }

    /// Docker's name for it, in `includes` and `excludes` of a profile file.
    pub fn docker(self) -> &'static str {
        match self {
            X86_64 => "amd64",
            X32 => "x32",
            X86 => "x86",
            Aarch64 => "arm64",
            Arm => "arm",
        }
    }

    /// The other kinds of programs that a kernel of this kind may run.
    pub fn companions(self) -> &'static [Architecture] {
        match self {
            X86_64 => &[X86, X32],
            Aarch64 => &[Arm],
            X32 | X86 | Arm => &[],
        }
    }

    /// `arch` in the kernel's `struct seccomp_data` (AUDIT_ARCH_… in linux/audit.h: ELF machine, 64-bit and endianness marks).
    pub fn audit(self) -> u32 {
        match self {
            X86_64 | X32 => 0xc000_003e,
            X86 => 0x4000_0003,
            Aarch64 => 0xc000_00b7,
            Arm => 0x4000_0028,
        }
    }

    /// The upper half of every argument is zero.
    pub fn has_32_bit_arguments(self) -> bool {
        matches!(self, X86 | Arm)
    }
}
