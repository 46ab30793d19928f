//! The last stretch before exec: streams, limits, and then somebody.

use super::failing::{At, Result};
use super::streams::place_streams;
use super::{Inherited, Never};
use crate::runtime::identity;
use crate::runtime::plan::Person;
use crate::sys::{Errno, identity as kernel_identity, mount, process, pty};
use crate::trace::{self, Step};

/// The last stretch: from here on it is the user's process. `enter.rs` comes this way too.
pub fn become_command(person: &Person, inherited: &Inherited) -> Result<Never> {
    trace::begin(Step::OpenTerminal);
    process::new_session().or_else(|errno| if errno == Errno::EPERM { Ok(()) } else { Err(errno) }).at(Step::OpenTerminal, "setsid")?;
    place_streams(&inherited.streams).at(Step::OpenTerminal, "place the streams")?;
    if person.terminal {
        pty::control_session().at(Step::OpenTerminal, "take the terminal")?;
    }
    process::default_every_signal();
    process::block_every_signal(false).at(Step::Execute, "unblock signals")?;
    if !inherited.of_another_user_namespace {
        person.placement.take()?;
    }
    for (resource, soft, hard) in &person.limits {
        set_limit(*resource, *soft, *hard)?;
    }
    if let Some(umask) = person.umask {
        mount::set_umask(umask);
    }
    identity::become_somebody(person, inherited)
}

/// By the cloner, for a child that will be in another user namespace and inherits it: limits are only raised, so that they do not
/// hinder what is still to be done.
pub fn take_what_only_the_host_gives(person: &Person) -> Result<()> {
    for (resource, _, hard) in &person.limits {
        let (soft, now) = kernel_identity::limit(*resource).at(Step::SetProcessLimits, "read the limits")?;
        if *hard > now {
            set_limit(*resource, soft, *hard)?;
        }
    }
    person.placement.take()
}

fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    trace::begin(Step::SetProcessLimits);
    kernel_identity::set_limit(resource, soft, hard)
        .at(Step::SetProcessLimits, || format!("set --ulimit {}={soft}:{hard}", kernel_identity::rlimit_name(resource)))
}
