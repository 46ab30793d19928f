//! `kill`: a signal for the container's first process, or for all there are.

use crate::error::Result;
use crate::oci::{Context, id, id_argument};
use crate::sys::signal;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command.args([
        id_argument(),
        Arg::new("signal").value_name("SIGNAL").default_value("TERM").help("Name or number"),
        Arg::new("all").short('a').long("all").action(ArgAction::SetTrue).help("To every process in the container"),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let typed = matches.get_one::<String>("signal").map_or("TERM", String::as_str);
    let number = signal::parse(typed)?;
    let kept = context.shelf.find(id(matches))?;
    if matches.get_flag("all") {
        kept.kill_all(number)?
    } else {
        kept.kill(number)?
    }
    Ok(0)
}
