//! `tare diff`: show what a container has changed in its files.

use crate::cli::Context;
use crate::cli::say::say_line;
use crate::engine::diff::{self, Kind};
use crate::error::Result;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .after_help("A line begins with A: added, C: changed, D: deleted.\n\nExample: tare diff web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("container").map_or("", String::as_str);
    for change in diff::diff(&context.paths, name)? {
        let kind = match change.kind {
            Kind::Added => 'A',
            Kind::Changed => 'C',
            Kind::Deleted => 'D',
        };
        say_line!("{kind} {}", one_line(&String::from_utf8_lossy(&change.path)));
    }
    Ok(0)
}

/// A name may hold a line break; a line of ours is one change.
fn one_line(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() }).collect()
}
