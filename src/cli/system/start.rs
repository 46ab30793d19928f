//! `tare system start`: start the containers that should be running after a start of the machine.

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help("Example: tare system start")
}

pub fn run(_context: &Context, _matches: &ArgMatches) -> Result<i32> {
    Err(Error::failed("not built yet"))
}
