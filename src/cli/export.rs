//! `tare export`: write a container's files as an archive.

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help("Example: tare export -o web.tar web")
}

pub fn run(_context: &Context, _matches: &ArgMatches) -> Result<i32> {
    Err(Error::failed("not built yet"))
}
