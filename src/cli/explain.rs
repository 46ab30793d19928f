//! `tare explain …`: what a command would do, how a start went, or what a word means.

mod start;

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    let words = Arg::new("words").value_name("WORD").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
    command
        .arg(Arg::new("what").value_name("WHAT").required(true))
        .arg(words)
        .after_help("Example: tare explain start --format svg web > web.svg")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let what = matches.get_one::<String>("what").map_or("", String::as_str);
    let words: Vec<String> = matches.get_many::<String>("words").unwrap_or_default().cloned().collect();
    if what == "start" {
        return start::run(context, &words);
    }
    Err(Error::usage(format!("there is nothing to explain about {what}")))
}
