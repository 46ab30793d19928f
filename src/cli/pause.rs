//! `tare pause` and `tare unpause`: every process of a container stands still, and goes on.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{events, find, pause};
use crate::error::Result;
use clap::ArgMatches;

pub fn define_pause(command: clap::Command) -> clap::Command {
    command.arg(one_or_more("CONTAINER")).after_help("Example: tare pause web")
}

pub fn define_unpause(command: clap::Command) -> clap::Command {
    command.arg(one_or_more("CONTAINER")).after_help("Example: tare unpause web")
}

pub fn pause(context: &Context, matches: &ArgMatches) -> Result<i32> {
    each(names(matches), |name| {
        let seen = find::container(&context.paths, name)?;
        pause::pause(&seen)?;
        events::of_container(&context.paths, &seen.record, "pause", &[]);
        say_line!("{name}");
        Ok(())
    })
}

pub fn unpause(context: &Context, matches: &ArgMatches) -> Result<i32> {
    each(names(matches), |name| {
        let seen = find::container(&context.paths, name)?;
        pause::unpause(&seen)?;
        events::of_container(&context.paths, &seen.record, "unpause", &[]);
        say_line!("{name}");
        Ok(())
    })
}
