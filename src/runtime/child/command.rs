//! The last stretch before exec: streams, limits, and then somebody.

use super::failing::{At, Result};
use super::streams::place_streams;
use super::{Inherited, Never};
use crate::runtime::identity;
use crate::runtime::plan::Person;
use crate::sys::{Errno, file, identity as kernel_identity, mount, process, pty};
use crate::trace::{self, Step};
use std::os::fd::AsFd;

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
        set_oom_score_adj(person)?;
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
    set_oom_score_adj(person)?;
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

/// Through a procfs of our own: what the image, or a process of the container, put over /proc could lead the write elsewhere
/// (CVE-2019-16884, CVE-2025-52881).
fn set_oom_score_adj(person: &Person) -> Result<()> {
    let Some(score) = person.oom_score_adj else { return Ok(()) };
    trace::begin(Step::SetProcessLimits);
    let file = format!("{}/oom_score_adj", process::own_pid());
    let set = mount::private_proc().and_then(|proc| file::write_kernel_file_beneath(proc.as_fd(), &file, &score.to_string()));
    set.at(Step::SetProcessLimits, || format!("set --oom-score-adj to {score}"))
}
