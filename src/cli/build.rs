//! `tare build`: a Dockerfile becomes an image, or what else is wanted of it.
//!
//! The words of the command line are understood (`request.rs`), and the files it speaks of found (`source.rs`). The build itself is a
//! process of its own, which is followed (`watch.rs`) and shown (`show/`). What it comes to is handed over (`hand_over.rs`), or what
//! failed is explained (`failure.rs`).

mod annotation;
mod debug;
mod failure;
mod flags;
mod hand_over;
mod keep_to;
mod lint;
mod named;
mod output;
mod request;
mod show;
mod source;
mod summary;
mod watch;

use crate::build::{Outcome, State};
use crate::cli::Context;
use crate::cli::say::say_line;
use crate::error::{Error, Kind, Result};
use crate::image::Loaded;
use crate::sys::signal;
use clap::ArgMatches;
use request::{Asked, Progress};
use show::Show;
use watch::Seen;

pub fn define(command: clap::Command) -> clap::Command {
    flags::define(command).after_help("Examples:\n  tare build -t app .\n  tare build -t app:2 --target server --build-arg VERSION=2 .\n  tare build -o out .\n  tare build - < Dockerfile\n\nA switch is turned off by =false: --pull=false")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let asked = request::read(context, matches)?;
    hand_over::refuse_what_cannot_be(&asked)?;
    if asked.check {
        let findings = lint::find(context, &asked.request).map_err(|error| of_the_file(error, &asked.request.file))?;
        return Ok(lint::tell_all(&asked.request, &findings));
    }
    // What is wrong beyond that the build says itself.
    let findings = lint::find(context, &asked.request).unwrap_or_default();
    lint::refuse(&asked.request, &findings)?;
    let mut show = Show::new(asked.progress);
    match watch::watch(context, &asked.request, &mut show) {
        Ok(Seen::Over(Outcome::Made { state, image })) => {
            made(context, &asked, &show, &state, image.as_ref())?;
            if !matches!(asked.progress, Progress::Quiet | Progress::Json | Progress::RawJson) {
                lint::tell_in_short(&asked.request, &findings);
                lint::tell_unused(&asked.request);
            }
            Ok(0)
        }
        Ok(Seen::Over(Outcome::Failed(failed))) => {
            let error = match asked.progress {
                Progress::Json | Progress::RawJson => failure::explained(&asked.request, &failed, asked.debug),
                _ => failure::tell(&asked.request, &failed, &show.board, asked.debug),
            };
            if asked.debug {
                debug::look_around(context, &asked.request, &failed)?;
            }
            Err(error)
        }
        Ok(Seen::Interrupted(number)) => {
            // What came as an archive goes first.
            drop(asked);
            signal::die_of(number);
            Ok(1)
        }
        Err(error) => Err(of_the_file(error, &asked.request.file)),
    }
}

fn made(context: &Context, asked: &Asked, show: &Show, state: &State, image: Option<&Loaded>) -> Result<()> {
    let stays = asked.push || output::stays(&asked.outputs);
    let done = summary::write_files(context, asked, state, image).and_then(|()| hand_over::hand_over(context, asked, state, image));
    if let Some(image) = image.filter(|_| !stays) {
        hand_over::forget(context, image);
    }
    done?;
    match (image, asked.progress) {
        (Some(image), Progress::Quiet) if asked.writes_no_archive() => say_line!("{}", image.id),
        (_, Progress::Quiet | Progress::Json | Progress::RawJson) => {}
        (Some(image), _) if stays => summary::tell(context, image, &show.board),
        _ => summary::tell_files(&show.board),
    }
    Ok(())
}

/// The words typed were right, those in the file were not: that is another exit code.
fn of_the_file(error: Error, file: &str) -> Error {
    match error.to_string().starts_with(&format!("{file}:")) {
        true => error.of_kind(Kind::Failed),
        false => error,
    }
}
