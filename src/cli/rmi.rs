//! `tare rmi`: images go, and what no other image needs of them.

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::images;
use crate::error::Result;
use crate::image::catalog::Removed;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(one_or_more("IMAGE"))
        .arg(Arg::new("force").short('f').long("force").action(ArgAction::SetTrue).help("Remove it under all its names"))
        .arg(
            Arg::new("no-prune")
                .long("no-prune")
                .action(ArgAction::SetTrue)
                .hide(true)
                .help("For Docker's sake: images have no parents here"),
        )
        .after_help("Example: tare rmi alpine:3.20")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    each(names(matches), |name| {
        for removed in images::remove(&context.paths, name, matches.get_flag("force"))? {
            match removed {
                Removed::Untagged(name) => say_line!("Untagged: {name}"),
                Removed::Deleted(id) => say_line!("Deleted: {id}"),
            }
        }
        Ok(())
    })
}
