//! `tare tag`: a further name for an image.

use crate::cli::Context;
use crate::engine::images;
use crate::error::Result;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("image").value_name("IMAGE").required(true).help("Name or id"))
        .arg(Arg::new("new").value_name("NEW").required(true).help("The name it gets"))
        .after_help("Example: tare tag busybox localhost/mine:1")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    images::tag(&context.paths, text("image"), text("new")).map(|()| 0)
}
