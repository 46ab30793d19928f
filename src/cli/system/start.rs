//! `tare system start`: start the containers that should be running after a start of the machine.

use crate::cli::say::say_line;
use crate::cli::{Context, each};
use crate::engine::machine_start;
use crate::error::Result;
use crate::runtime::own_program;
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help(
        "Those with --restart always, those with unless-stopped that nobody has stopped, and those with on-failure that ran or had \
         failed. Their names are printed.\n\nExample: tare system start",
    )
}

pub fn run(context: &Context, _matches: &ArgMatches) -> Result<i32> {
    let back = machine_start::who_comes_back(&context.paths)?;
    if machine_start::joins_others(&back) {
        own_program::be_read_only()?;
    }
    let names: Vec<String> = back.iter().map(|record| record.name.clone()).collect();
    let mut back = back.iter();
    each(names.iter(), |name| {
        let Some(record) = back.next() else { return Ok(()) };
        if machine_start::bring_back(&context.paths, record).map_err(|error| error.context(format!("cannot start container {name}")))? {
            say_line!("{name}");
        }
        Ok(())
    })
}
