//! Which system call filter a container gets.

use crate::error::Result;
use crate::options::{Seccomp, Wishes};
use crate::runtime::filter::{Filter, refuse_agent};
use crate::spec::seccomp;

/// `capabilities` is what the process may ever have: the default table opens with them.
pub fn choose(wishes: &Wishes, capabilities: u64) -> Result<Filter> {
    Ok(match &wishes.seccomp {
        _ if wishes.privileged => Filter::default(),
        Seccomp::Unconfined => Filter::default(),
        Seccomp::Default => Filter::of_table(&seccomp::default_filter(capabilities)),
        Seccomp::Profile(text) => {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            let filter = Filter::of_specification(&seccomp::from_docker_json(text, capabilities, &release)?, false)?;
            refuse_agent(&filter)?;
            filter
        }
    })
}
