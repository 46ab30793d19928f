//! `tare container prune` and `tare image prune`: what nobody uses goes, after a question.

pub mod builder;
pub mod filters;

use crate::cli::Context;
use crate::cli::human;
use crate::cli::say::{say, say_line};
use crate::engine::{prune, repair};
use crate::error::Result;
use crate::image::catalog::Removed;
use clap::{Arg, ArgAction, ArgMatches};
use filters::Filters;
use std::io::BufRead;

/// What every `prune` but that of volumes takes.
pub fn common(command: clap::Command, usage: &'static str) -> clap::Command {
    let filter = Arg::new("filter").long("filter").value_name("KEY=VALUE").action(ArgAction::Append);
    command
        .override_usage(format!("{usage} [OPTIONS]"))
        .arg(Arg::new("force").short('f').long("force").action(ArgAction::SetTrue).help("Do not ask"))
        .arg(filter.help("until=24h (or a moment), label=KEY[=VALUE] or label!=KEY[=VALUE]"))
}

pub fn define_containers(command: clap::Command) -> clap::Command {
    common(command, "tare container prune").after_help("Example: tare container prune --filter until=24h")
}

pub fn define_images(command: clap::Command) -> clap::Command {
    common(command, "tare image prune")
        .arg(Arg::new("all").short('a').long("all").action(ArgAction::SetTrue).help("Also those with a name that no container uses"))
        .after_help("Example: tare image prune -a --filter label!=keep")
}

pub fn containers(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches)?;
    if !matches.get_flag("force") && !agreed("WARNING! This will remove all containers that do not run.") {
        return Ok(0);
    }
    repair::sweep(&context.paths);
    let gone = prune::containers(&context.paths, |seen| filters.fit_container(seen))?;
    tell_gone("Deleted Containers", gone.iter().map(|(id, _)| id.clone()));
    tell_room(gone.iter().map(|(_, size)| size).sum());
    Ok(0)
}

pub fn images(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches)?;
    let all = matches.get_flag("all");
    let which = if all { "all images that no container uses" } else { "all images without a name that no container uses" };
    if !matches.get_flag("force") && !agreed(&format!("WARNING! This will remove {which}.")) {
        return Ok(0);
    }
    repair::sweep(&context.paths);
    let (gone, room) = prune::images(&context.paths, all, |image| filters.fit_image(image))?;
    tell_gone("Deleted Images", gone.iter().map(removed));
    tell_room(room);
    Ok(0)
}

pub fn removed(removed: &Removed) -> String {
    match removed {
        Removed::Untagged(name) => format!("untagged: {name}"),
        Removed::Deleted(id) => format!("deleted: {id}"),
    }
}

/// Under a heading, with an empty line behind; nothing of nothing.
pub fn tell_gone(heading: &str, gone: impl Iterator<Item = String>) {
    let lines: String = gone.map(|line| line + "\n").collect();
    if !lines.is_empty() {
        say(&format!("{heading}:\n{lines}\n"));
    }
}

pub fn tell_room(bytes: u64) {
    say_line!("Total reclaimed space: {}", human::size(bytes));
}

/// Whoever says nothing has not agreed.
pub fn agreed(warning: &str) -> bool {
    say(&format!("{warning}\nAre you sure you want to continue? [y/N] "));
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}
