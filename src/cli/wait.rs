//! `tare wait`: until containers have ended; prints their exit codes.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{find, wait};
use crate::error::Result;
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(one_or_more("CONTAINER")).after_help("Example: tare wait job")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    each(names(matches), |name| {
        let seen = find::container(&context.paths, name)?;
        say_line!("{}", wait::ended(&context.paths, &seen)?);
        Ok(())
    })
}
