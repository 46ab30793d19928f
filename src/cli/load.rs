//! `tare load`: images from an archive, or from an OCI layout on disk.

use crate::cli::progress::Show;
use crate::cli::say::say_line;
use crate::cli::{Context, progress};
use crate::engine::images;
use crate::error::{Error, Kind, Result};
use crate::image::Limits;
use crate::options::sizes;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::IsTerminal;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("input").short('i').long("input").value_name("FILE").help("Archive or OCI layout directory (default: standard input)"),
        )
        .arg(Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Print no progress"))
        .args(limits())
        .after_help("Examples:\n  tare load -i alpine.tar\n  docker save alpine | tare load")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let input = matches.get_one::<String>("input").map(String::as_str);
    // A person who types just this would wait for ever.
    if input.is_none() && std::io::stdin().is_terminal() {
        return Err(Error::usage("there is no archive to load").hint("name one with -i, or pipe one in"));
    }
    // An archive may name an image twice, once in each of its two descriptions.
    let mut told = Vec::new();
    let limits = limits_of(matches)?;
    let loaded = progress::shown_until_interrupted(Show::moving(!matches.get_flag("quiet")), "nothing of it was kept", |progress| {
        images::load(&context.paths, input, &limits, progress)
    })?;
    for loaded in loaded {
        let mut lines: Vec<String> = loaded.names.iter().map(|name| format!("Loaded image: {name}")).collect();
        if lines.is_empty() {
            lines.push(format!("Loaded image ID: {}", loaded.id));
        }
        for line in lines {
            if !told.contains(&line) {
                say_line!("{line}");
                told.push(line);
            }
        }
    }
    Ok(0)
}

/// How much a layer may hold; `import` takes the same.
pub fn limits() -> [Arg; 2] {
    let limit = |name: &'static str, value: &'static str, help: &'static str| Arg::new(name).long(name).value_name(value).help(help);
    [
        limit("max-layer-size", "SIZE", "Refuse a layer that unpacks to more (default: all may take three quarters of the free room)"),
        limit("max-layer-entries", "NUMBER", "Refuse a layer with more files (default: 2000000)"),
    ]
}

pub fn limits_of(matches: &ArgMatches) -> Result<Limits> {
    let mut limits = Limits::default();
    if let Some(size) = matches.get_one::<String>("max-layer-size") {
        let bytes = sizes::parse_bytes(size).map_err(|e| e.context("invalid value for --max-layer-size").of_kind(Kind::Usage))?;
        limits.layer_bytes = Some(bytes);
    }
    if let Some(number) = matches.get_one::<String>("max-layer-entries") {
        let wrong = || Error::usage(format!("invalid value {number:?} for --max-layer-entries")).because("it is no number");
        limits.layer_entries = Some(number.parse().map_err(|_| wrong())?);
    }
    Ok(limits)
}
