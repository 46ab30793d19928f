//! `tare pull`, and the same on the way of a `run` whose image is not here.

use crate::cli::progress::Show;
use crate::cli::run_flags::Parsed;
use crate::cli::say::{say_aside, say_line};
use crate::cli::{Context, load, progress};
use crate::engine::pull;
use crate::error::{Error, Kind, Result};
use crate::image::machines::Machines;
use crate::image::pull::{Keep, Pulled, Wishes};
use crate::image::{self, Image, Limits, Reference};
use crate::registry::When;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("name").value_name("NAME[:TAG|@DIGEST]").required(true).help("The image; without a registry's name from Docker Hub"))
        .arg(Arg::new("platform").long("platform").value_name("OS/ARCH").help("For another machine than this one: linux/arm64"))
        .arg(
            Arg::new("all-platforms")
                .long("all-platforms")
                .action(ArgAction::SetTrue)
                .conflicts_with("platform")
                .help("For all machines; those for others than this one are called NAME:TAG-linux-arm64 and the like"),
        )
        .arg(
            Arg::new("no-keep-blobs")
                .long("no-keep-blobs")
                .action(ArgAction::SetTrue)
                .help("Keep the unpacked files only: half the room, but save and push cannot give the image to others"),
        )
        .arg(Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Print the whole name only"))
        .args(load::limits())
        .after_help("Example: tare pull alpine:3.20")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let typed = text("name").unwrap_or_default();
    let name = Reference::parse(typed)?;
    let quiet = matches.get_flag("quiet");
    let mut say = |line: &str| {
        if !quiet {
            say_line!("{line}");
        }
        Ok(())
    };
    if default_tag(typed, &name) {
        say("Using default tag: latest")?;
    }
    let wishes = Wishes {
        machines: if matches.get_flag("all-platforms") { Machines::All } else { Machines::One(text("platform")) },
        keep: if matches.get_flag("no-keep-blobs") { Keep::FilesOnly } else { Keep::Blobs },
        limits: load::limits_of(matches)?,
    };
    fetch(context, &name, wishes, quiet, &mut say)?;
    if wishes.keep == Keep::FilesOnly {
        say("The layers were not kept as they came: this image can be run, but not saved or pushed")?;
    }
    say_line!("{}", whole(&name));
    Ok(0)
}

/// The image that a `run` or `create` names: the one that is here, or fetched as `--pull` or the user's settings want it.
pub fn image_for(context: &Context, parsed: &Parsed) -> Result<Image> {
    let find = || image::find(&context.paths, &parsed.image);
    let when = parsed.pull.map_or_else(pull::when, Ok)?;
    match (when, find()) {
        (When::Missing, Err(error)) if error.kind() == Kind::NoSuch => {
            // What cannot be a name is no image anywhere; what was meant is told as before.
            let Some(name) = Reference::parse(&parsed.image).ok().filter(|_| !parsed.image.starts_with("sha256:")) else {
                return Err(error);
            };
            fetch_aside(context, &name, parsed, Some(&format!("Unable to find image '{name}' locally")))
                .map_err(|cannot| with_hint(cannot, &error))?;
            find()
        }
        (When::Always, _) => {
            fetch_aside(context, &Reference::parse(&parsed.image)?, parsed, None)?;
            find()
        }
        (_, found) => found,
    }
}

/// Somebody who mistyped the name of an image that is here shall hear of it.
fn with_hint(cannot: Error, not_here: &Error) -> Error {
    match not_here.hint_text().filter(|hint| hint.starts_with("did you mean")) {
        Some(hint) => cannot.hint(hint.to_owned()),
        None => cannot,
    }
}

fn fetch_aside(context: &Context, name: &Reference, parsed: &Parsed, first: Option<&str>) -> Result<()> {
    let mut say = |line: &str| {
        if !parsed.quiet {
            say_aside(format!("{line}\n").as_bytes());
        }
        Ok(())
    };
    if let Some(first) = first {
        say(first)?;
    }
    let wishes = Wishes { machines: Machines::One(None), keep: Keep::Blobs, limits: Limits::default() };
    fetch(context, name, wishes, parsed.quiet, &mut say)
}

const INTERRUPTED: &str = "what has come is kept, and the same pull goes on from there";

fn fetch(context: &Context, name: &Reference, wishes: Wishes, quiet: bool, say: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let last = name.digest.as_deref().or(name.tag.as_deref()).unwrap_or_default();
    say(&format!("{last}: Pulling from {}", name.path))?;
    let Pulled { digest, is_up_to_date, .. } =
        progress::shown_until_interrupted(if quiet { Show::Nothing } else { Show::Lines }, INTERRUPTED, |progress| {
            pull::pull(&context.paths, name, wishes, progress)
        })?;
    say(&format!("Digest: {digest}"))?;
    say(&match is_up_to_date {
        true => format!("Status: Image is up to date for {name}"),
        false => format!("Status: Downloaded newer image for {name}"),
    })
}

/// Whether the tag of a name was not typed.
pub fn default_tag(typed: &str, name: &Reference) -> bool {
    name.digest.is_none() && !typed.ends_with(&format!(":{}", name.tag.as_deref().unwrap_or_default()))
}

/// With its registry, as Docker ends.
pub fn whole(name: &Reference) -> String {
    let tag = name.tag.iter().map(|tag| format!(":{tag}")).chain(name.digest.iter().map(|digest| format!("@{digest}")));
    tag.fold(format!("{}/{}", name.registry, name.path), |text, more| text + &more)
}
