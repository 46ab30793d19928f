//! `tare ps`: the containers there are.

pub mod filters;
mod ports;
pub mod rows;

use crate::cli::Context;
use crate::cli::say::say;
use crate::cli::template;
use crate::engine::{list, ports as published, repair, size};
use crate::error::{Error, Result};
use clap::{Arg, ArgAction, ArgMatches};
use filters::Filters;
use rows::View;
use std::collections::HashMap;

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .arg(switch("all", "Also those that do not run").short('a'))
        .arg(switch("quiet", "Only ids").short('q'))
        .arg(switch("latest", "Only the newest, whether it runs or not").short('l'))
        .arg(switch("no-trunc", "Cut nothing short"))
        .arg(switch("size", "Also what each takes on the disk: of its own, and with its image").short('s'))
        .arg(
            Arg::new("last")
                .short('n')
                .long("last")
                .value_name("NUMBER")
                .allow_hyphen_values(true)
                .help("Only the newest so many, whether they run or not"),
        )
        .arg(
            Arg::new("filter")
                .short('f')
                .long("filter")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("Only those that fit: status=exited, name=web, label=KEY …"),
        )
        .arg(template::flag_of_table())
        .after_help("Examples:\n  tare ps -a --filter status=exited\n  tare ps --format '{{.Names}}: {{.Status}}'")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let words = matches.get_many::<String>("filter").into_iter().flatten();
    repair::sweep(&context.paths);
    let format = matches.get_one::<String>("format").cloned().unwrap_or_default();
    let asks_for_size = matches.get_flag("size") || format.contains(".Size");
    let mut view = View {
        all: matches.get_flag("all"),
        quiet: matches.get_flag("quiet"),
        whole: matches.get_flag("no-trunc"),
        last: if matches.get_flag("latest") {
            Some(1)
        } else {
            matches.get_one::<String>("last").map(|text| last(text)).transpose()?.flatten()
        },
        filters: Filters::parse(words.map(String::as_str))?,
        format,
        now: crate::engine::now(),
        sizes: None,
        ports: HashMap::new(),
    };
    let containers = if view.shows_those_at_rest() { list::containers(&context.paths)? } else { list::running(&context.paths)? };
    view.sizes = asks_for_size.then(|| size::of_all(&context.paths, &containers));
    view.ports = published::of_all(&context.paths, &containers);
    say(&rows::text(&containers, &view)?);
    // We are about to end: giving thousands of small pieces back one by one would take longer than showing them.
    std::mem::forget(containers);
    Ok(0)
}

/// -1 is Docker's word for all.
fn last(text: &str) -> Result<Option<usize>> {
    match text.parse::<i64>() {
        Ok(-1 | 0) => Ok(None),
        Ok(number @ 1..) => Ok(Some(number as usize)),
        _ => Err(Error::usage(format!("invalid value {text:?} for --last: not a number of containers"))),
    }
}
