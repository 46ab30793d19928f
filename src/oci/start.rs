//! `start`: the program of a created container runs.

use crate::error::{Context as _, Result};
use crate::oci::{Context, id, id_argument};
use crate::runtime::strict::lifecycle;
use crate::runtime::strict::notify::{self, Notices};
use crate::runtime::strict::shelf::Kept;
use crate::sys::process;
use clap::ArgMatches;
use std::os::fd::AsFd;

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(id_argument())
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let kept = context.shelf.find(id(matches))?;
    let notices = start(context, &kept)?;
    wait_until_ready(notices.as_ref(), &kept)?;
    Ok(0)
}

/// Whoever shall be told of the container's readiness is there before its program is.
pub fn start(context: &Context, kept: &Kept) -> Result<Option<Notices>> {
    let place = context.shelf.place(&kept.id);
    let notices = notify::manager().map(|manager| Notices::listen(&place, &manager)).transpose()?.flatten();
    lifecycle::start(&context.shelf, kept)?;
    Ok(notices)
}

pub fn wait_until_ready(notices: Option<&Notices>, kept: &Kept) -> Result<()> {
    let Some(notices) = notices else { return Ok(()) };
    // Where it has ended already, nobody will say anything any more.
    let Ok(pidfd) = process::pidfd_of(kept.pid) else { return Ok(()) };
    notices.wait(kept.pid, pidfd.as_fd()).with_context(|| format!("container {} runs", kept.id))
}
