//! `ps`: the processes of a container, in the caller's numbers.

use crate::error::{Error, Result};
use crate::oci::{Context, id, id_argument, print_json};
use crate::sys::process;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command.args([
        id_argument(),
        Arg::new("format")
            .short('f')
            .long("format")
            .value_name("table|json")
            .value_parser(["table", "json"])
            .default_value("table")
            .help("How they are shown"),
        Arg::new("options").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true).hide(true),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    if let Some(option) = matches.get_one::<String>("options") {
        return Err(Error::cannot_keep(option).because("ps(1) is not called here, its options mean nothing"));
    }
    let kept = context.shelf.find(id(matches))?;
    let pids = kept.processes(&context.shelf);
    if matches.get_one::<String>("format").is_some_and(|format| format == "json") {
        print_json(&pids)?;
        return Ok(0);
    }
    println!("{:>7}  {:>7}  {:>7}  COMMAND", "UID", "PID", "PPID");
    for look in pids.iter().filter_map(|pid| process::look(*pid)) {
        println!("{:>7}  {:>7}  {:>7}  {}", look.uid, look.pid, look.parent, look.command);
    }
    Ok(0)
}
