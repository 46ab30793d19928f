//! `tare restart`: stop, and start again.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, stop};
use crate::engine::{events, find, launch, repair, start};
use crate::error::Result;
use crate::monitor::protocol::Wants;
use clap::ArgMatches;

pub fn define(command: clap::Command) -> clap::Command {
    stop::define(command).after_help("Example: tare restart -t 2 web")
}

/// One that does not run is started.
pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    repair::sweep(&context.paths);
    let how = stop::How::parse(matches)?;
    each(names(matches), |name| {
        let seen = find::container(&context.paths, name)?;
        how.stop(context, &seen)?;
        if let Some(made) = start::take_up(&context.paths, &seen.record.id)? {
            launch::launch(&context.paths, made, Wants::default())?;
        }
        events::of_container(&context.paths, &seen.record, "restart", &[]);
        say_line!("{name}");
        Ok(())
    })
}
