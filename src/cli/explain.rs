//! `tare explain …`: what a command would do, how a start went, or what a word means.

pub mod run;
mod start;

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    let words = Arg::new("words").value_name("WORD").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
    command
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("For programs"))
        .arg(Arg::new("what").value_name("WHAT").required(true).help("run: what it would do with these words"))
        .arg(words)
        .after_help("Example: tare explain run -m 64m alpine sh")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let what = matches.get_one::<String>("what").map_or("", String::as_str);
    let words: Vec<String> = matches.get_many("words").into_iter().flatten().cloned().collect();
    match what {
        "run" => run::run(context, &words, matches.get_flag("json")),
        "start" => start::run(context, &words),
        _ => Err(Error::usage(format!("there is nothing to explain about {what}"))),
    }
}
