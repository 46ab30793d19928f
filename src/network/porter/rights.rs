//! The porter gives up what it does not need, before it hears the first stranger.

use crate::sys::identity::{self, Capabilities};
use crate::sys::{Errno, process};

const NOBODY: u32 = 65534;
/// Enough for thousands of connections, which have two each. More would let strangers take the kernel's memory.
const MOST_DESCRIPTORS: u64 = 16 << 10;

/// How many descriptors we may have from here on.
///
/// An error: something could not be given up, and then nobody may be served.
pub fn give_up() -> Result<usize, Errno> {
    // One that was taken on for a container that runs already is the child of a command that ends any moment: not with that one.
    let (is_bound, monitor) = (process::dies_with_parent(), process::parent_pid());
    let descriptors = raise_descriptors();
    identity::limit_bounding_set(0)?;
    identity::become_user(NOBODY, NOBODY, &[])?;
    identity::set_capabilities(&Capabilities::default())?;
    identity::no_new_privileges()?;
    process::hide_from_tracers()?;
    // Forgotten with the change of the user; and a monitor that ended before is nobody's parent any more.
    if is_bound {
        process::die_with_parent()?;
        if process::parent_pid() != monitor {
            return Err(Errno::ESRCH);
        }
    }
    Ok(descriptors)
}

fn raise_descriptors() -> usize {
    let Some(number) = identity::rlimit_number("nofile") else { return 0 };
    let _ = identity::set_limit(number, MOST_DESCRIPTORS, MOST_DESCRIPTORS);
    identity::limit(number).map_or(0, |(soft, _)| soft as usize)
}
