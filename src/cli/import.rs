//! `tare import`: an image from a tar of a root file system.

use crate::cli::Context;
use crate::engine::images;
use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("file").value_name("FILE").required(true).help("The tar, plain or packed; - for standard input"))
        .arg(Arg::new("name").value_name("NAME[:TAG]").help("What the image is called"))
        .arg(
            Arg::new("change")
                .short('c')
                .long("change")
                .value_name("INSTRUCTION")
                .action(ArgAction::Append)
                .help("Apply a Dockerfile instruction: CMD, ENV …"),
        )
        .arg(Arg::new("message").short('m').long("message").value_name("TEXT").help("A word for the image's history"))
        .after_help("Example: tare import -c 'CMD [\"sh\"]' alpine-minirootfs.tar.gz alpine:3.20")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let changes = matches.get_many::<String>("change").into_iter().flatten().map(String::as_str).collect();
    let loaded = images::import(&context.paths, text("file").unwrap_or("-"), text("name"), changes, text("message"))?;
    println!("{}", loaded.id);
    Ok(0)
}
