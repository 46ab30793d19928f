//! `tare build`: a Dockerfile becomes an image, or what else is wanted of it.
//!
//! The words of the command line are understood (`request.rs`), and the files it speaks of found (`source.rs`). The build itself is a
//! process of its own, which is followed (`watch.rs`) and shown (`show/`). What it comes to is handed over (`hand_over.rs`), or what
//! failed is explained (`failure.rs`).

mod failure;
mod flags;
mod hand_over;
mod keep_to;
mod named;
mod output;
mod request;
mod show;
mod source;
mod summary;
mod watch;

use crate::build::Outcome;
use crate::cli::Context;
use crate::cli::say::say_line;
use crate::error::{Error, Kind, Result};
use clap::ArgMatches;
use request::{Asked, Progress};
use show::Show;

pub fn define(command: clap::Command) -> clap::Command {
    flags::define(command).after_help("Examples:\n  tare build -t app .\n  tare build -t app:2 --target server --build-arg VERSION=2 .\n  tare build -o out .\n  tare build - < Dockerfile\n\nA switch is turned off by =false: --pull=false")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let asked = request::read(context, matches)?;
    hand_over::refuse_what_cannot_be(&asked)?;
    let mut show = Show::new(asked.progress);
    match watch::watch(context, &asked.request, &mut show) {
        Ok(Outcome::Made { state, image }) => {
            let is_named = image.as_ref().is_some_and(|image| !image.names.is_empty());
            let stays = asked.outputs.is_empty() || is_named || asked.outputs.iter().any(output::Output::is_kept);
            summary::write_files(context, &asked, &state, image.as_ref())?;
            let told = hand_over::hand_over(context, &asked, &state, image.as_ref());
            let last = |image: &_| say_last(context, &asked, image, &show, stays);
            match (&image, &told) {
                (Some(image), Ok(())) => last(image),
                (None, Ok(())) if asked.progress != Progress::Quiet => summary::tell_files(&show.board),
                _ => {}
            }
            told.map(|()| 0)
        }
        Ok(Outcome::Failed(failed)) => Err(failure::tell(&asked.request, &failed, &show.board, asked.debug)),
        Err(error) => Err(of_the_file(error, &asked.request.file)),
    }
}

fn say_last(context: &Context, asked: &Asked, image: &crate::image::Loaded, show: &Show, stays: bool) {
    match asked.progress {
        Progress::Quiet => say_line!("{}", image.id),
        Progress::Json | Progress::RawJson => {}
        _ => summary::tell(context, image, &show.board, stays),
    }
}

/// The words typed were right, those in the file were not: that is another exit code.
fn of_the_file(error: Error, file: &str) -> Error {
    match error.to_string().starts_with(&format!("{file}:")) {
        true => error.of_kind(Kind::Failed),
        false => error,
    }
}
