//! Which system call filter a container gets.

use crate::error::Result;
use crate::options::{Seccomp, Wishes};
use crate::spec::seccomp;
use crate::sys::identity::FilterInstruction;

/// Empty: none. `capabilities` is what the process may ever have: the default table opens with them.
pub fn choose(wishes: &Wishes, capabilities: u64) -> Result<Vec<FilterInstruction>> {
    let convert = |filter: &[seccomp::SockFilter]| {
        let instruction = |i: &seccomp::SockFilter| FilterInstruction { code: i.code, jump_true: i.jt, jump_false: i.jf, constant: i.k };
        filter.iter().map(instruction).collect()
    };
    Ok(match &wishes.seccomp {
        _ if wishes.privileged => Vec::new(),
        Seccomp::Unconfined => Vec::new(),
        Seccomp::Default => convert(&seccomp::default_filter(capabilities)),
        Seccomp::Profile(text) => {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            convert(&seccomp::compile(&seccomp::from_docker_json(text, capabilities, &release)?)?)
        }
    })
}
