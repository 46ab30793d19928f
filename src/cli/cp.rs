//! `tare cp`: copy files into and out of containers.

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help("Example: tare cp web:/etc/hosts .")
}

pub fn run(_context: &Context, _matches: &ArgMatches) -> Result<i32> {
    Err(Error::failed("not built yet"))
}
