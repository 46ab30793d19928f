//! `pause` and `resume`: no process of the container is given a processor, or all are again.

use crate::error::{Error, Result};
use crate::oci::{Context, id, id_argument};
use crate::runtime::strict::shelf::Status;
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(id_argument())
}

pub fn pause(context: &Context, matches: &ArgMatches) -> Result<i32> {
    freeze(context, id(matches), Status::Running, true)
}

pub fn resume(context: &Context, matches: &ArgMatches) -> Result<i32> {
    freeze(context, id(matches), Status::Paused, false)
}

fn freeze(context: &Context, id: &str, expected: Status, frozen: bool) -> Result<i32> {
    let kept = context.shelf.find(id)?;
    let status = kept.status(&context.shelf);
    if status != expected && status != Status::Created {
        return Err(Error::conflict(format!("container {id} is not {}", expected.word())).because(format!("it is {}", status.word())));
    }
    kept.set_frozen(frozen)?;
    Ok(0)
}
