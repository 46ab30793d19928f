//! `tare kill`: a signal for the container's command.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{find, kill, wait};
use crate::error::{Error, Result};
use crate::record::Asker;
use crate::sys::signal;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(one_or_more("CONTAINER"))
        .arg(Arg::new("signal").short('s').long("signal").value_name("SIGNAL").default_value("KILL").help("Name or number of the signal"))
        .after_help("Example: tare kill -s HUP web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let typed: &String = matches.get_one("signal").ok_or_else(|| Error::usage("no signal"))?;
    let number = signal::parse(typed)?;
    each(names(matches), |name| {
        let seen = find::container(&context.paths, name)?;
        kill::kill(&context.paths, &seen, number, Asker::Kill)?;
        if number == kill::KILL {
            // Nothing survives it, so whoever sent it may go on as if all were over: `tare kill web && tare rm web`.
            wait::settled(&seen.files(&context.paths))?;
        }
        say_line!("{name}");
        Ok(())
    })
}
