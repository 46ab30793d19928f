//! `tare rename`: a container gets another name, whether it runs or not.

use crate::cli::Context;
use crate::engine::amend;
use crate::error::Result;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("name").value_name("NEW_NAME").required(true).help("Nobody else may have it"))
        .after_help("Example: tare rename web web-old")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    amend::rename(&context.paths, text("container"), text("name")).map(|()| 0)
}
