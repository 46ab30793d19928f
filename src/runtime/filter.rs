//! The system call filter that a specification describes, in the kernel's instructions.

use crate::error::{Error, Result};
use crate::spec::seccomp;
use crate::sys::identity::FilterInstruction;
use oci_spec::runtime::LinuxSeccomp;

pub fn of_specification(wish: &LinuxSeccomp) -> Result<Vec<FilterInstruction>> {
    if seccomp::wants_listener(wish) {
        return Err(Error::cannot_keep("cannot leave system calls to another process (SCMP_ACT_NOTIFY)").because("not built yet"));
    }
    Ok(seccomp::compile(wish)?
        .iter()
        .map(|i| FilterInstruction { code: i.code, jump_true: i.jt, jump_false: i.jf, constant: i.k })
        .collect())
}
