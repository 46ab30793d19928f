//! `tare why`: why a container died, could not be started, or is not well.

use crate::cli::{Context, shape};
use crate::error::Result;
use crate::explain::why;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("container")
                .value_name("CONTAINER")
                .required(true)
                .help("Name, id, or the beginning of an id; also one that has ended"),
        )
        .args(shape::flags())
        .after_help("Examples:\n  tare why web\n  tare why --format '{{range .Findings}}{{.Rule}} {{end}}' web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("container").map_or("", String::as_str);
    let answer = why::ask(&context.paths, name)?;
    shape::show(matches, || why::value(&answer), || why::text(&answer))?;
    Ok(0)
}
