//! `tare stop`: asks a container to end, and ends it if it does not.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{find, stop};
use crate::error::Result;
use crate::sys::signal;
use clap::{Arg, ArgMatches, value_parser};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(one_or_more("CONTAINER"))
        .arg(
            Arg::new("timeout")
                .short('t')
                .long("timeout")
                .visible_alias("time")
                .value_name("SECONDS")
                .value_parser(value_parser!(i64))
                .allow_negative_numbers(true)
                .help("How long to wait before it is killed (default 10; -1: for ever)"),
        )
        .arg(Arg::new("signal").short('s').long("signal").value_name("SIGNAL").help("The signal to ask with"))
        .after_help("Example: tare stop -t 2 web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let with = matches.get_one::<String>("signal").map(|typed| signal::parse(typed)).transpose()?;
    each(names(matches), |name| {
        let seen = find::container(&context.paths, name)?;
        stop::stop(&context.paths, &seen, matches.get_one("timeout").copied(), with)?;
        say_line!("{name}");
        Ok(())
    })
}
