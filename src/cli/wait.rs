//! `tare wait`: until containers have ended, or are in another state; prints their exit codes.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::wait::{self, Condition};
use crate::error::{Error, Result};
use crate::names;
use clap::{Arg, ArgMatches};

/// Docker's words, and podman's.
const CONDITIONS: [(&str, Condition); 11] = [
    ("not-running", Condition::NotRunning),
    ("next-exit", Condition::NextExit),
    ("removed", Condition::Removed),
    ("created", Condition::Created),
    ("running", Condition::Running),
    ("paused", Condition::Paused),
    ("healthy", Condition::Healthy),
    ("unhealthy", Condition::Unhealthy),
    ("exited", Condition::NotRunning),
    ("stopped", Condition::NotRunning),
    ("removing", Condition::Removed),
];

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(one_or_more("CONTAINER"))
        .arg(
            Arg::new("condition")
                .long("condition")
                .value_name("STATE")
                .default_value("not-running")
                .help("Wait for this: not-running, next-exit, removed, created, running, paused, healthy or unhealthy"),
        )
        .after_help("Examples:\n  tare wait job\n  tare wait --condition removed job")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let word = matches.get_one::<String>("condition").map_or("", String::as_str);
    let condition = CONDITIONS.iter().find(|(known, _)| *known == word).map(|(_, condition)| *condition).ok_or_else(|| {
        let known: Vec<&str> = CONDITIONS.iter().map(|(known, _)| *known).collect();
        Error::usage(format!("unknown state {word:?} for --condition")).hint(names::one_of(word, &known))
    })?;
    each(names(matches), |name| {
        say_line!("{}", wait::until(&context.paths, name, condition)?);
        Ok(())
    })
}
