//! `tare load`: images from an archive, or from an OCI layout on disk.

use crate::cli::Context;
use crate::engine::images;
use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("input").short('i').long("input").value_name("FILE").help("Archive or OCI layout directory (default: standard input)"),
        )
        .arg(Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Print no progress"))
        .after_help("Examples:\n  tare load -i alpine.tar\n  docker save alpine | tare load")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let input = matches.get_one::<String>("input").map(String::as_str);
    for loaded in images::load(&context.paths, input)? {
        if loaded.names.is_empty() {
            println!("Loaded image ID: {}", loaded.id);
        }
        for name in &loaded.names {
            println!("Loaded image: {name}");
        }
    }
    Ok(0)
}
