//! The porter gives up what it does not need, before it hears the first stranger.

use crate::sys::identity::{self, Capabilities};
use crate::sys::{Errno, process, user_namespace};

const NOBODY: u32 = 65534;
/// Beside those of the doors: enough for thousands of connections, which have two each. More would let strangers take the kernel's
/// memory.
const MOST_DESCRIPTORS: u64 = 16 << 10;

/// How many descriptors we may have from here on, beside so many that we have already.
///
/// An error: something could not be given up, and then nobody may be served.
pub fn give_up(own: usize) -> Result<usize, Errno> {
    // One that was taken on for a container that runs already is the child of a command that ends any moment: not with that one.
    let (is_bound, monitor) = (process::dies_with_parent(), process::parent_pid());
    let descriptors = raise_descriptors(own as u64);
    identity::limit_bounding_set(0)?;
    // Where only one user exists (an ordinary user without ranges of ids) there is no nobody to become.
    if user_namespace::is_initial() || user_namespace::outside(NOBODY).is_some() {
        identity::become_user(NOBODY, NOBODY, &[])?;
    }
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

fn raise_descriptors(own: u64) -> usize {
    let _ = identity::set_limit(nofile(), MOST_DESCRIPTORS + own, MOST_DESCRIPTORS + own);
    identity::limit(nofile()).map_or(0, |(soft, _)| soft.saturating_sub(own) as usize)
}

/// A higher limit of descriptors, until it is dropped: what is open then stays open. Whoever is born later shall not have another
/// limit than those before.
pub struct Room {
    before: Option<(u64, u64)>,
}

impl Room {
    pub fn for_descriptors(needed: usize) -> Room {
        /// What a process of ours has open beside them.
        const OTHERS: u64 = 256;
        let needed = needed as u64 + OTHERS;
        let before = identity::limit(nofile()).ok().filter(|(soft, _)| *soft < needed);
        if let Some((_, hard)) = before {
            let _ = identity::set_limit(nofile(), needed, hard.max(needed));
        }
        Room { before }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.before {
            let _ = identity::set_limit(nofile(), soft, hard);
        }
    }
}

fn nofile() -> u32 {
    identity::rlimit_number("nofile").unwrap_or_default()
}
