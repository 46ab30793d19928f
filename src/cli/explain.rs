//! `tare explain …`: what a command would do, how a start went, or what a word means.

pub mod run;
mod start;
mod topic;

use crate::cli::Context;
use crate::error::{Error, Result};
use clap::{Arg, ArgAction, ArgMatches};

/// What stands behind `explain` beside topics, and what it does.
const OTHERS: &[(&str, &str)] = &[
    ("run", "what a run would do, step by step, without doing it: tare explain run IMAGE"),
    ("start", "how a container's start went, with the time that each step took: tare explain start NAME"),
];

pub fn define(command: clap::Command) -> clap::Command {
    let words = Arg::new("words").value_name("WORD").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
    command
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("For programs: a run"))
        .arg(Arg::new("what").value_name("WHAT").help("A topic, run, or start; without a word, the list of them"))
        .arg(words.help("Of a run: its words; of a topic: a container, to be the example"))
        .after_help(
            "Examples:\n  tare explain\n  tare explain run -m 64m alpine sh\n  tare explain namespaces\n  tare explain overlay web\n  tare explain start --format svg web > web.svg",
        )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let words: Vec<String> = matches.get_many::<String>("words").into_iter().flatten().cloned().collect();
    let what = matches.get_one::<String>("what").map(String::as_str);
    if matches.get_flag("json") && what != Some("run") {
        return Err(Error::usage("--json is for tare explain run").hint("of a start: tare explain start --format chrome NAME"));
    }
    match what {
        None => topic::list(),
        Some("run") => run::run(context, &words, matches.get_flag("json")),
        Some("start") => start::run(context, &words),
        Some(what) => topic::run(context, what, &words),
    }
}

/// What may follow, for the shell that completes it.
pub fn words() -> impl Iterator<Item = (&'static str, &'static str)> {
    topic::all().chain(OTHERS.iter().copied())
}
