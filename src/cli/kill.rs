//! `tare kill`: a signal for the container's command.

use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{find, kill};
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
    let number = signal::number(typed).filter(|number| *number > 0);
    let number = number.ok_or_else(|| Error::usage(format!("unknown signal {typed:?}")).hint("use a name like TERM, or a number"))?;
    each(names(matches), |name| {
        kill::kill(&context.paths, &find::container(&context.paths, name)?, number, Asker::Kill)?;
        println!("{name}");
        Ok(())
    })
}
