//! `tare explain run …`, and `--explain` of `run` and `create`: the work told instead of being done.

use crate::cli::Context;
use crate::cli::run_flags::{self, Parsed};
use crate::cli::say::{say, say_line};
use crate::engine::outline;
use crate::error::{Error, Result};
use crate::explain::plan::{self, Block, quote};
use crate::explain::{plain, script};
use crate::image;

/// `--explain=sh`: written down instead of being done.
pub fn script(context: &Context, parsed: Parsed) -> Result<i32> {
    let blocks = blocks(context, parsed)?;
    say(&script::script(&blocks, &typed()));
    Ok(0)
}

/// `words`: behind `tare explain run`.
pub fn run(context: &Context, words: &[String], as_json: bool) -> Result<i32> {
    let parsed = match run_flags::parse_words("run", words) {
        Some(parsed) => parsed?,
        None => {
            let line = std::iter::once("run".to_owned()).chain(words.iter().cloned());
            let command = run_flags::define(clap::Command::new("run"));
            let matches = command.try_get_matches_from(line).map_err(|error| {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Error::usage(first).hint("the words are those of tare run")
            })?;
            run_flags::parse("run", &matches)?
        }
    };
    let blocks = blocks(context, parsed)?;
    match as_json {
        true => say_line!("{:#}", plain::json(&blocks)),
        false => say(&plain::text(&blocks)),
    }
    Ok(0)
}

/// Nothing is fetched: an image that is not here cannot be told of.
fn blocks(context: &Context, parsed: Parsed) -> Result<Vec<Block>> {
    let image = image::find(&context.paths, &parsed.image)?;
    let outline = outline::outline(&context.paths, parsed.image, parsed.name, parsed.wishes, &image)?;
    plan::of_run(&outline)
}

/// The command line, without what asks for the script.
fn typed() -> String {
    let words = std::env::args().skip(1).filter(|word| !word.starts_with("--explain"));
    std::iter::once("tare".to_owned()).chain(words.map(|word| quote::word(&word))).collect::<Vec<_>>().join(" ")
}
