//! `tare update`: limits and restart policy of containers that are there already.

use crate::cli::run_flags::limits::{self, CHANGEABLE};
use crate::cli::run_flags::line::Line;
use crate::cli::run_flags::words::{Flag, Flags, value};
use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::repair;
use crate::engine::update::{self, Change};
use crate::error::{Error, Result};
use crate::options::restart;
use clap::ArgMatches;

const RESTART: Flag =
    value("restart", None, "POLICY", "Whether it is started again when it ends: no, on-failure[:N], always, unless-stopped");

fn flags() -> Vec<Flag> {
    let of_run = limits::FLAGS.iter().filter(|flag| CHANGEABLE.contains(&flag.name));
    of_run.chain([&RESTART]).copied().collect()
}

pub fn define(command: clap::Command) -> clap::Command {
    command.args_override_self(true).args(flags().iter().map(Flag::arg)).arg(one_or_more("CONTAINER")).after_help(
        "All that is asked for is done, or nothing. 0 takes a limit back.\n\n\
         Examples:\n  tare update -m 256m web\n  tare update --restart unless-stopped web db",
    )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let all = flags();
    let flags = Flags(Line::of(&all, matches));
    if flags.0.values.is_empty() {
        return Err(
            Error::usage("there is nothing to update").hint("say what: tare update -m 256m CONTAINER; tare update --help lists all")
        );
    }
    // Wrong words fail once, and not for each container.
    limits::change(&flags, &Default::default())?;
    let change = Change { limits: &|before| limits::change(&flags, before), restart: flags.parse("restart", restart::parse)? };
    repair::sweep(&context.paths);
    each(names(matches), |name| {
        update::update(&context.paths, name, &change)?;
        say_line!("{name}");
        Ok(())
    })
}
