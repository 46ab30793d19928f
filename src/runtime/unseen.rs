//! A process of ours that is among the container's hides: nobody there may read it through /proc, or trace it.

use crate::sys::{Errno, process, user_namespace};
use crate::trace;

/// Whoever hides belongs to the machine's root. So an ordinary user could not look on any more, who has asked for just that
/// (`--explain`): then it stays visible, to the container as well, until it has become the user's program.
pub fn hide_from_tracers() -> Result<(), Errno> {
    match trace::is_looked_at() && !user_namespace::is_machine_s_root() {
        true => Ok(()),
        false => process::hide_from_tracers(),
    }
}
