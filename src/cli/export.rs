//! `tare export`: write a container's files as an archive.

use crate::cli::Context;
use crate::cli::say::Output;
use crate::engine::export;
use crate::error::{Error, Result};
use crate::sys::Errno;
use clap::{Arg, ArgMatches};
use std::io::IsTerminal;
use std::path::Path;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("output").short('o').long("output").value_name("FILE").help("Write to this file (default: standard output)"))
        .after_help(
            "Volumes, and whatever else is mounted in the container, are not in it.\n\nExample: tare export web | tare import - web:copy",
        )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("container").map_or("", String::as_str);
    if let Some(path) = matches.get_one::<String>("output") {
        return export::export_to_file(&context.paths, name, Path::new(path)).map(|()| 0);
    }
    if std::io::stdout().is_terminal() {
        return Err(Error::usage("an archive is nothing for a terminal").hint("name a file with -o, or send the output to one"));
    }
    match export::export(&context.paths, name, Output::new()) {
        // What is said of it, and with which code, is the same for all that we say.
        Err(error) if error.errno() == Some(Errno::EPIPE) => Ok(0),
        other => other.map(|()| 0),
    }
}
