//! `tare save`: write images into an archive.

use crate::cli::Context;
use crate::cli::say::Output;
use crate::engine::images;
use crate::error::{Error, Result};
use crate::image::save::Format;
use crate::sys::Errno;
use clap::{Arg, ArgMatches};
use std::io::IsTerminal;

const FORMATS: [(&str, Format); 4] =
    [("docker-archive", Format::Docker), ("docker", Format::Docker), ("oci-archive", Format::Oci), ("oci", Format::Oci)];

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("images").value_name("IMAGE").num_args(1..).required(true).help("Name or id; a name without a tag means all its tags"),
        )
        .arg(Arg::new("output").short('o').long("output").value_name("FILE").help("Write to this file (default: standard output)"))
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .default_value("docker-archive")
                .hide_default_value(true)
                .help("docker-archive (the default), which every engine loads, or oci-archive, a plain OCI layout"),
        )
        .after_help("Examples:\n  tare save -o images.tar alpine busybox:1.36\n  tare save alpine | docker load")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let wanted: Vec<&str> = matches.get_many::<String>("images").into_iter().flatten().map(String::as_str).collect();
    let typed = matches.get_one::<String>("format").map_or("", String::as_str);
    let format = FORMATS.iter().find(|(name, _)| *name == typed).map(|(_, format)| *format);
    let format =
        format.ok_or_else(|| Error::usage(format!("invalid value {typed:?} for --format")).hint("docker-archive or oci-archive"))?;
    match matches.get_one::<String>("output").filter(|path| *path != "-") {
        Some(path) => images::save_to_file(&context.paths, &wanted, format, path)?,
        None if std::io::stdout().is_terminal() => {
            return Err(Error::usage("an archive is nothing for a terminal").hint("name a file with -o, or redirect standard output"));
        }
        None => match images::save(&context.paths, &wanted, format, Output::new()) {
            // What is said of it, and with which code, is the same for all that we say.
            Err(error) if error.errno() == Some(Errno::EPIPE) => {}
            other => other?,
        },
    }
    Ok(0)
}
