//! `tare commit`: make an image from what a container has changed.

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help("Example: tare commit web mine:1")
}

pub fn run(_context: &Context, _matches: &ArgMatches) -> Result<i32> {
    Err(Error::failed("not built yet"))
}
