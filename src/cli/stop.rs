//! `tare stop`: asks a container to end, and ends it if it does not.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{find, stop};
use crate::error::Result;
use crate::record::{Asker, Seen};
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

/// As the flags say.
pub struct How {
    patience: Option<i64>,
    signal: Option<i32>,
}

impl How {
    pub fn parse(matches: &ArgMatches) -> Result<How> {
        let signal = matches.get_one::<String>("signal").map(|typed| signal::parse(typed)).transpose()?;
        Ok(How { patience: matches.get_one("timeout").copied(), signal })
    }
    pub fn stop(&self, context: &Context, seen: &Seen) -> Result<()> {
        stop::stop(&context.paths, seen, stop::How { seconds: self.patience, signal: self.signal, by: Asker::Stop })
    }
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let how = How::parse(matches)?;
    each(names(matches), |name| {
        how.stop(context, &find::container(&context.paths, name)?)?;
        say_line!("{name}");
        Ok(())
    })
}
