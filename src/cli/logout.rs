//! `tare logout`: what `login` has written down goes.

use crate::cli::Context;
use crate::cli::say::{say_aside, say_line};
use crate::engine::login;
use crate::error::Result;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("registry").value_name("REGISTRY").default_value("").hide_default_value(true).help("Its host; without it Docker Hub"))
        .after_help("Example: tare logout registry.example.com")
}

pub fn run(_: &Context, matches: &ArgMatches) -> Result<i32> {
    let registry = login::registry(matches.get_one::<String>("registry").map_or("", String::as_str))?;
    let gone = login::logout(&registry)?;
    match gone.was_there {
        true => say_line!("Removing login credentials for {}", registry.name),
        false => say_line!("Not logged in to {}", registry.name),
    }
    if let Some(file) = gone.elsewhere {
        say_aside(format!("note: {} still has a login there, from podman\n", file.display()).as_bytes());
    }
    Ok(0)
}
