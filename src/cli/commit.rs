//! `tare commit`: make an image from what a container has changed.

use crate::cli::load::{limits, limits_of};
use crate::cli::say::say_line;
use crate::cli::{Context, complain};
use crate::engine::commit::{self, Pause, Request};

use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    let text = |name: &'static str, short: char, value: &'static str, help: &'static str| {
        Arg::new(name).short(short).long(name).value_name(value).help(help)
    };
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("name").value_name("REPOSITORY[:TAG]").help("What the image is called"))
        .arg(text("author", 'a', "AUTHOR", "Who made it: Hannah <hannah@example.com>"))
        .arg(text("change", 'c', "INSTRUCTION", "Apply a Dockerfile instruction: CMD, ENV …").action(ArgAction::Append))
        .arg(text("message", 'm', "TEXT", "A word for the image's history"))
        .arg(
            text("pause", 'p', "BOOL", "Let the container stand still meanwhile (default: true)")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(|word: &str| crate::options::mounts::parse_bool(word).map_err(|error| error.to_string())),
        )
        .arg(Arg::new("no-pause").long("no-pause").action(ArgAction::SetTrue).conflicts_with("pause").help("Read it while it goes on"))
        .args(limits())
        .after_help("Examples:\n  tare commit web mine:1\n  tare commit -m 'with my settings' -c 'CMD [\"serve\"]' web mine:2")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let request = Request {
        container: text("container").unwrap_or_default(),
        name: text("name"),
        author: text("author").unwrap_or_default(),
        message: text("message").unwrap_or_default(),
        changes: matches.get_many::<String>("change").into_iter().flatten().map(String::as_str).collect(),
        pause: match matches.get_one::<bool>("pause") {
            Some(true) => Pause::Must,
            None if !matches.get_flag("no-pause") => Pause::IfPossible,
            _ => Pause::No,
        },
    };
    let (made, note) = commit::commit(&context.paths, &request, &limits_of(matches)?)?;
    say_line!("{}", made.id);
    note.map_or(Ok(()), |note| complain(&note))?;
    Ok(0)
}
