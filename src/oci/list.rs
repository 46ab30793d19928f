//! `list`: every container below `--root`.

use crate::error::Result;
use crate::oci::{Context, print_json, state};
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command.args([
        Arg::new("format")
            .short('f')
            .long("format")
            .value_name("table|json")
            .value_parser(["table", "json"])
            .default_value("table")
            .help("How they are shown"),
        Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Ids only"),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let all = context.shelf.all();
    if matches.get_flag("quiet") {
        for kept in &all {
            println!("{}", kept.id);
        }
        return Ok(0);
    }
    if matches.get_one::<String>("format").is_some_and(|format| format == "json") {
        let values: Vec<_> = all.iter().map(|kept| state::value(kept, kept.status(&context.shelf))).collect();
        print_json(&values)?;
        return Ok(0);
    }
    let id_width = all.iter().map(|kept| kept.id.chars().count()).max().unwrap_or(0).max(2);
    println!("{:id_width$}  {:>7}  {:8}  {:20}  BUNDLE", "ID", "PID", "STATUS", "CREATED");
    for kept in &all {
        let status = kept.status(&context.shelf);
        let pid = if status.has_process() { kept.pid } else { 0 };
        let created = time::rfc3339(kept.created / 1_000_000_000 * 1_000_000_000);
        println!("{:id_width$}  {pid:>7}  {:8}  {created:20}  {}", kept.id, status.word(), kept.bundle.display());
    }
    Ok(0)
}
