//! `tare inspect`: everything that is known of containers and images, in Docker's shape.

pub mod container;
mod limits;
mod network;

use crate::cli::say::say;
use crate::cli::template;
use crate::cli::template::Template;
use crate::cli::{Context, complain, image, network as of_network};
use crate::engine::{find, join, networks, remote, size, volumes};
use crate::error::{Error, Kind, Result};
use crate::image::{Reference, catalog};
use crate::names;
use crate::paths::Paths;
use crate::spec::runtime_spec::ImageWords;
use crate::store;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(crate::cli::one_or_more("NAME"))
        .arg(template::flag().short('f'))
        .arg(Arg::new("type").long("type").value_name("container|image|network|volume").help("Look only for these"))
        .arg(Arg::new("size").short('s').long("size").action(ArgAction::SetTrue).help("Also what containers take on the disk"))
        .arg(Arg::new("remote").long("remote").action(ArgAction::SetTrue).help("An image as its registry has it; nothing of it is pulled"))
        .arg(
            Arg::new("platform")
                .long("platform")
                .value_name("OS/ARCH")
                .requires("remote")
                .help("With --remote: for another machine than this one"),
        )
        .after_help("Examples:\n  tare inspect web\n  tare image inspect --remote alpine:3.20\n  tare inspect -f '{{.State.Pid}}' web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let kind = matches.get_one::<String>("type").map(String::as_str).unwrap_or("");
    const KINDS: &[&str] = &["container", "image", "network", "volume"];
    if !kind.is_empty() && !KINDS.contains(&kind) {
        return Err(Error::usage(format!("invalid value {kind:?} for --type")).hint(names::one_of(kind, KINDS)));
    }
    let format = matches.get_one::<String>("format").map(String::as_str).unwrap_or("");
    if matches.get_flag("remote") {
        if !["", "image"].contains(&kind) {
            return Err(Error::usage(format!("--remote makes no sense with --type {kind}")).because("registries have images"));
        }
        let platform = matches.get_one::<String>("platform").map(String::as_str);
        let ask = |name: &str| remote::look(&context.paths, &Reference::parse(name)?, platform).map(|found| image::describe_remote(&found));
        return show(crate::cli::names(matches), format, ask);
    }
    show(crate::cli::names(matches), format, |name| one(&context.paths, name, kind, matches.get_flag("size")))
}

/// What was found is shown even if something else was not.
pub fn show<'a>(names: impl Iterator<Item = &'a String>, format: &str, mut find: impl FnMut(&str) -> Result<Value>) -> Result<i32> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in names {
        match find(name) {
            Ok(value) => found.push(value),
            Err(error) => missing.push(error),
        }
    }
    let text = text(&found, format)?;
    say(&text);
    let last = missing.pop();
    missing.iter().try_for_each(complain)?;
    last.map_or(Ok(0), Err)
}

/// One array without a format, else a line for each.
pub fn text(found: &[Value], format: &str) -> Result<String> {
    match format {
        "" => Ok(pretty(&Value::Array(found.to_vec())) + "\n"),
        "json" => Ok(format!("{}\n", Value::Array(found.to_vec()))),
        _ => {
            let template = Template::new(format)?;
            found.iter().map(|value| Ok(template.render(value)? + "\n")).collect()
        }
    }
}

fn one(paths: &Paths, name: &str, kind: &str, with_size: bool) -> Result<Value> {
    let volume = || volumes::find(paths, name).map(|volume| crate::cli::volume::describe(&volume, paths));
    match kind {
        "volume" => return volume(),
        "network" => return of_network::described(paths, name),
        _ => {}
    }
    let mut no_container = None;
    if kind != "image" {
        match find::container(paths, name) {
            Ok(seen) => {
                let files = seen.files(paths);
                // A damaged spec is a matter for `start`; the rest can be looked at.
                let spec = store::read_json(&files.config()).ok().flatten();
                let image = crate::image::find(paths, &seen.record.image_id).ok().map(|image| ImageWords::from(&image.config));
                let mut value = container::value(&seen, spec.as_ref(), image.as_ref(), &files, &join::written(&files).unwrap_or_default());
                if with_size && let Some(sizes) = size::of_all(paths, std::slice::from_ref(&seen)).remove(&seen.record.id) {
                    value["SizeRw"] = sizes.own.into();
                    value["SizeRootFs"] = sizes.with_image.into();
                }
                return Ok(value);
            }
            Err(error) if kind == "container" || error.kind() != Kind::NoSuch => return Err(error),
            Err(error) => no_container = Some(error),
        }
    }
    match catalog::details(paths, name) {
        Err(error) if kind.is_empty() && error.kind() == Kind::NoSuch => {
            if let Ok(found) = volume().or_else(|_| of_network::described(paths, name)) {
                return Ok(found);
            }
            let (no_volume, no_network) = (volumes::find(paths, name).err(), networks::find(paths, name).err());
            let mut meant = [no_container.as_ref(), Some(&error), no_volume.as_ref(), no_network.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(Error::hint_text);
            let hint = meant.find(|hint| hint.contains("did you mean")).unwrap_or("tare ps -a and tare images list them");
            Err(Error::no_such(format!("no such container or image: {name}")).hint(hint))
        }
        other => other.map(|details| image::describe(&details)),
    }
}

/// Four spaces a level, as Docker indents.
fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, serde_json::ser::PrettyFormatter::with_indent(b"    "));
    // Writing a value to memory cannot fail.
    let _ = serde::Serialize::serialize(value, &mut writer);
    String::from_utf8_lossy(&bytes).into_owned()
}
