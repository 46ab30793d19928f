//! `tare system stop`: stop all containers, because the machine goes down.

use crate::cli::say::say_line;
use crate::cli::{Context, each};
use crate::engine::machine_start;
use crate::error::Result;
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    command.after_help(
        "All are asked at once, and each is killed if it does not end in the time it has. What a restart policy keeps up comes back \
         with tare system start, as if nobody had stopped it.\n\nExample: tare system stop",
    )
}

pub fn run(context: &Context, _matches: &ArgMatches) -> Result<i32> {
    let mut ends = Vec::new();
    machine_start::stop_all(&context.paths, &mut |seen, ended| {
        if ended.is_ok() {
            say_line!("{}", seen.record.name);
        } else {
            ends.push((seen.record.name.clone(), ended));
        }
    })?;
    let names: Vec<String> = ends.iter().map(|(name, _)| name.clone()).collect();
    let mut ends = ends.into_iter();
    each(names.iter(), |_| ends.next().map_or(Ok(()), |(_, ended)| ended))
}
