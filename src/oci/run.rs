//! `run`: create and start in one, and then wait, unless the caller wants to be left alone.

use crate::error::{Context as _, Result};
use crate::oci::{Context, create, id_argument, start, stay};
use crate::runtime::strict::delete;
use crate::sys::process;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(id_argument()).args(create::arguments()).args([
        Arg::new("detach").short('d').long("detach").action(ArgAction::SetTrue).help("Do not wait"),
        Arg::new("keep").long("keep").action(ArgAction::SetTrue).help("Do not delete it when it has ended"),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let detach = matches.get_flag("detach");
    let made = create::create(context, matches, !detach)?;
    let started = start::start(context, &made.kept);
    if let (Ok(notices), true) = (&started, detach) {
        return start::wait_until_ready(notices.as_ref(), &made.kept).map(|()| 0);
    }
    let ended = started.and_then(|notices| {
        let pidfd = process::pidfd_of(made.kept.pid).context("cannot watch the container")?;
        stay::until_end(made.kept.pid, &pidfd, made.terminal, notices.as_ref())
    });
    if ended.is_err() || !matches.get_flag("keep") {
        let force = ended.is_err();
        match delete::delete(&context.shelf, &made.kept, force) {
            Ok(failed) => failed.iter().for_each(|error| context.log.warning(&error.to_string())),
            Err(error) => context.log.warning(&error.to_string()),
        }
    }
    ended
}
