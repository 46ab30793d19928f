//! `tare explain run …`, and `--explain` of `run` and `create`: the work told instead of being done.

use crate::cli::run_flags::{self, Parsed};
use crate::cli::say::{say, say_line};
use crate::cli::{Context, explained};
use crate::engine::outline;
use crate::error::{Error, Result};
use crate::explain::plan::{self, Block, quote};
use crate::explain::{plain, script};
use crate::image;
use crate::options::explain::Explain;
use std::ops::ControlFlow;

/// `--explain` of `run` and `create`. A break is the exit code of what was told, or written down as a script instead of being done.
pub fn if_asked(context: &Context, parsed: Parsed) -> Result<ControlFlow<i32, Parsed>> {
    match parsed.explain {
        None => Ok(ControlFlow::Continue(parsed)),
        Some(Explain::Script) => {
            let blocks = blocks(context, parsed)?;
            say(&script::script(&blocks, &typed()));
            Ok(ControlFlow::Break(0))
        }
        Some(how) => Ok(explained::look_on(how)?.map_or(ControlFlow::Continue(parsed), ControlFlow::Break)),
    }
}

/// `words`: behind `tare explain run`.
pub fn run(context: &Context, words: &[String], as_json: bool) -> Result<i32> {
    let Some(parsed) = run_flags::parse_words("run", words) else { return what_is_wrong(words) };
    let blocks = blocks(context, parsed?)?;
    match as_json {
        true => say_line!("{:#}", plain::json(&blocks)),
        false => say(&plain::text(&blocks)),
    }
    Ok(0)
}

/// In clap's words, which also knows the help.
fn what_is_wrong(words: &[String]) -> Result<i32> {
    let line = std::iter::once("run".to_owned()).chain(words.iter().cloned());
    let Err(answer) = run_flags::define(clap::Command::new("run")).try_get_matches_from(line) else {
        return Err(Error::usage("these words make no run"));
    };
    if !answer.use_stderr() {
        say(&answer.to_string());
        return Ok(0);
    }
    let text = answer.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Err(Error::usage(first).hint("the words are those of tare run"))
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
