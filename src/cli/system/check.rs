//! `tare system check`: look for what crashes left behind, and put it right.

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help("Example: tare system check")
}

pub fn run(_context: &Context, _matches: &ArgMatches) -> Result<i32> {
    Err(Error::failed("not built yet"))
}
