//! `tare push`: an image goes to the registry that its name says.

use crate::cli::progress::Show;
use crate::cli::pull::{default_tag, whole};
use crate::cli::say::say_line;
use crate::cli::{Context, progress};
use crate::engine::push::{Pushing, said};
use crate::error::{Error, Result};
use crate::image::Reference;
use crate::image::push::tags;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::IsTerminal;

pub fn define(command: clap::Command) -> clap::Command {
    let switch =
        |name: &'static str, short, help: &'static str| Arg::new(name).short(short).long(name).action(ArgAction::SetTrue).help(help);
    command
        .arg(Arg::new("name").value_name("NAME[:TAG]").required(true).help("The image; its name says to which registry it goes"))
        .arg(switch("all-tags", 'a', "Every image here that is called NAME, whatever its tag"))
        .arg(switch("quiet", 'q', "Print the whole name only"))
        .after_help("Examples:\n  tare push registry.example.com:5000/team/app:2\n  tare push -a localhost:5000/app")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let typed = matches.get_one::<String>("name").map_or("", String::as_str);
    let name = Reference::parse(typed)?;
    let (quiet, all) = (matches.get_flag("quiet"), matches.get_flag("all-tags"));
    if name.digest.is_some() {
        return Err(Error::usage(format!("cannot push {name}")).because("a digest follows from what is pushed").hint("push it by a tag"));
    }
    let is_default = default_tag(typed, &name);
    let names = match (all, is_default) {
        (true, true) => tags(&context.paths, &name)?,
        (true, false) => return Err(Error::usage("a tag and --all-tags exclude each other").hint("leave one of them out")),
        (false, _) => vec![name.clone()],
    };
    if names.is_empty() {
        return Err(Error::no_such(format!("no image is called {}", name.repository())).hint("tare images lists all, tare tag gives names"));
    }
    let whole_repository = format!("{}/{}", name.registry, name.path);
    if !quiet {
        if is_default && !all {
            say_line!("Using default tag: latest");
        }
        say_line!("The push refers to repository [{whole_repository}]");
    }
    let pushing = Pushing::to(&context.paths, &name)?;
    names.iter().try_for_each(|name| one(&pushing, name, quiet))?;
    if quiet {
        say_line!("{}", if all { whole_repository } else { whole(&name) });
    }
    Ok(0)
}

fn one(pushing: &Pushing, name: &Reference, quiet: bool) -> Result<()> {
    let pushed = progress::shown(Show::moving(!quiet), |progress| pushing.push(name, progress))?;
    if quiet {
        return Ok(());
    }
    // A person has seen them already, each when it was there.
    if !(progress::can_draw() && std::io::stdout().is_terminal()) {
        for (layer, went) in pushed.layers.iter().rev() {
            say_line!("{layer}: {}", said(went));
        }
    }
    say_line!("{}: digest: {} size: {}", name.tag.as_deref().unwrap_or_default(), pushed.digest, pushed.size);
    Ok(())
}
