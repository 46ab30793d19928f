//! The last words: what was made, how large it is, and what it took.

use super::request::Asked;
use super::show::Board;
use crate::build::State;
use crate::cli::Context;
use crate::cli::human;
use crate::cli::say::say_aside;
use crate::error::{Context as _, Result};
use crate::image::{Loaded, catalog};
use crate::sys::appearing::Appearing;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

/// For a person; `size` of all layers together.
pub fn tell(context: &Context, image: &Loaded, board: &Board) {
    let known = if board.known() > 0 { format!(", {} of {} steps were known", board.known(), board.work()) } else { String::new() };
    let size = catalog::details(&context.paths, &image.id).map(|details| format!(", {}", human::size(details.size))).unwrap_or_default();
    let id = short(&image.id);
    let seconds = board.since_begin().as_secs_f64();
    let mut text = format!(
        "built {}{size}{known}, {seconds:.1}s\n",
        if image.names.is_empty() { id.to_owned() } else { format!("{} ({id})", image.names.join(", ")) }
    );
    text += &format!("hint: tare run --rm {}\n", image.names.first().map_or(id, String::as_str));
    say_aside(text.as_bytes());
}

/// Where there is no image to speak of.
pub fn tell_files(board: &Board) {
    let (known, work) = (board.known(), board.work());
    let known = if known > 0 { format!(", {known} of them known") } else { String::new() };
    let steps = if work == 1 { "step" } else { "steps" };
    say_aside(format!("built {work} {steps}{known}, {:.1}s\n", board.since_begin().as_secs_f64()).as_bytes());
}

/// As people type it.
fn short(id: &str) -> &str {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}

/// `--iidfile` and `--metadata-file`; who reads them never sees half of one.
pub fn write_files(context: &Context, asked: &Asked, state: &State, image: Option<&Loaded>) -> Result<()> {
    if let (Some(path), Some(image)) = (&asked.id_file, image) {
        write(path, image.id.as_bytes(), "--iidfile")?;
    }
    if let Some(path) = &asked.metadata_file {
        let text = format!("{:#}\n", described(context, state, image));
        write(path, text.as_bytes(), "--metadata-file")?;
    }
    Ok(())
}

/// In the words of buildx.
fn described(context: &Context, state: &State, image: Option<&Loaded>) -> Value {
    let mut all = Map::new();
    if let Some(image) = image {
        all.insert("containerimage.config.digest".into(), json!(image.id));
        if let Ok(details) = catalog::details(&context.paths, &image.id) {
            all.insert("containerimage.digest".into(), json!(details.digest));
        }
        if !image.names.is_empty() {
            all.insert("image.name".into(), json!(image.names.join(",")));
        }
    }
    if let Some(base) = &state.image {
        all.insert("tare.base".into(), json!(base));
    }
    Value::Object(all)
}

fn write(path: &Path, bytes: &[u8], flag: &str) -> Result<()> {
    let what = || format!("cannot write {} ({flag})", path.display());
    let mut file = Appearing::begin(path).with_context(what)?;
    file.write_all(bytes).with_context(what)?;
    file.finish().with_context(what)
}
