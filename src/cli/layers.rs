//! `tare layers`: what each layer of an image adds, replaces, hides and wastes.

mod text;

use crate::cli::Context;
use crate::cli::shape;
use crate::engine::find;
use crate::error::{Error, Kind, Result, is_obeyed};
use crate::explain::layers::{self, Change, How, Layer, Layers, Waste};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Value, json};

/// What is listed, and how much of it.
pub struct Listing {
    pub files: bool,
    /// Counted from 1; `None`: all.
    pub layer: Option<usize>,
    pub most: usize,
}

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("image").value_name("IMAGE").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("files").long("files").action(ArgAction::SetTrue).help("Also what is in the layers, the largest first"))
        .arg(
            Arg::new("layer")
                .long("layer")
                .value_name("NUMBER")
                .value_parser(clap::value_parser!(usize))
                .help("With --files: only of this layer; 1 is the lowest"),
        )
        .arg(
            Arg::new("most")
                .long("most")
                .value_name("COUNT")
                .default_value("20")
                .value_parser(clap::value_parser!(usize))
                .help("List so many files at most; 0: all"),
        )
        .args(shape::flags())
        .after_help("Examples:\n  tare layers alpine\n  tare layers --files --layer 2 alpine\n  tare layers --format '{{.Efficiency}} {{.Wasted}}' alpine")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("image").map_or("", String::as_str);
    let layers = layers::look(&context.paths, name).map_err(|error| rather_a_container(context, name, error))?;
    let count = |name: &str| matches.get_one::<usize>(name).copied();
    let layer = count("layer");
    if layer.is_some_and(|layer| layer == 0 || layer > layers.layers.len()) {
        let hint = format!("1 is the lowest, {} the topmost", layers.layers.len());
        return Err(Error::usage(format!("image {name} has no layer {}", layer.unwrap_or(0))).hint(hint));
    }
    let most = count("most").filter(|most| *most > 0).unwrap_or(usize::MAX);
    let listing = Listing { files: matches.get_flag("files") || layer.is_some(), layer, most };
    shape::show(matches, || value(&layers, &listing), || text::text(&layers, &listing))?;
    Ok(0)
}

/// Whoever looks into what a container is made of may well type its name.
fn rather_a_container(context: &Context, name: &str, error: Error) -> Error {
    match find::container(&context.paths, name) {
        Ok(seen) if error.kind() == Kind::NoSuch => {
            let (name, image) = (&seen.record.name, &seen.record.image);
            Error::no_such(format!("no such image: {name}"))
                .because("it is a container")
                .hint(format!("its image: tare layers {image}; what it has written above that: tare diff {name}"))
        }
        _ => error,
    }
}

impl Listing {
    pub fn has(&self, number: usize) -> bool {
        self.files && self.layer.is_none_or(|layer| layer == number)
    }
}

/// What it hides comes first, then the largest.
pub fn sorted(layer: &Layer) -> Vec<&Change> {
    let mut changes: Vec<&Change> = layer.changes.iter().collect();
    changes.sort_by(|one, other| one.how.cmp(&other.how).then_with(|| other.bytes.cmp(&one.bytes)).then_with(|| one.path.cmp(&other.path)));
    changes
}

/// From the image's root, as a container sees it; a name may hold anything.
pub fn path(path: &[u8], is_directory: bool) -> String {
    let written_out = |letter: char| if is_obeyed(letter) { letter.escape_default().to_string() } else { letter.to_string() };
    let path: String = String::from_utf8_lossy(path).chars().map(written_out).collect();
    format!("/{path}{}", if is_directory { "/" } else { "" })
}

fn value(layers: &Layers, listing: &Listing) -> Value {
    let all = layers.layers.iter().enumerate().map(|(index, layer)| of_layer(layer, index + 1, listing));
    json!({
        "Id": layers.id, "Names": layers.names, "Size": layers.size, "Seen": layers.size - layers.wasted(), "Wasted": layers.wasted(),
        "Efficiency": (layers.efficiency() * 100.0).round() / 100.0, "Layers": all.collect::<Vec<_>>(),
        "Wastes": layers.wastes.iter().take(listing.most).map(of_waste).collect::<Vec<_>>(),
    })
}

fn of_layer(layer: &Layer, number: usize, listing: &Listing) -> Value {
    let sum = |wanted: How| {
        let (files, bytes) = layer.sum(|how| how == wanted);
        json!({"Files": files, "Bytes": bytes})
    };
    let mut value = json!({
        "Number": number, "Id": layer.id, "MadeBy": layer.made_by, "Size": layer.size, "Directories": layer.directories,
        "Adds": sum(How::Adds), "Replaces": sum(How::Replaces), "Removes": sum(How::Removes), "Empties": sum(How::Empties), "Wasted": layer.wasted,
    });
    if listing.has(number) {
        let files = sorted(layer).into_iter().take(listing.most).map(of_change);
        value["Files"] = files.collect();
    }
    value
}

fn of_change(change: &Change) -> Value {
    json!({"How": word(change.how), "Path": path(&change.path, change.is_directory), "Files": change.files, "Bytes": change.bytes})
}

fn of_waste(waste: &Waste) -> Value {
    json!({
        "Path": path(&waste.path, waste.is_directory), "Bytes": waste.bytes, "Files": waste.files, "Of": waste.of, "By": waste.by,
        "How": word(waste.how), "SameContent": waste.is_same,
    })
}

fn word(how: How) -> &'static str {
    match how {
        How::Adds => "adds",
        How::Replaces => "replaces",
        How::Removes => "removes",
        How::Empties => "empties",
    }
}
