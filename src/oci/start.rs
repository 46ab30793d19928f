//! `start`: the program of a created container runs.

use crate::error::Result;
use crate::oci::{Context, id, id_argument};
use crate::runtime::lifecycle;
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(id_argument())
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    lifecycle::start(&context.shelf, &context.shelf.find(id(matches))?)?;
    Ok(0)
}
