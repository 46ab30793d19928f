//! `tare create`: everything `run` does before the container starts.

use crate::cli::id_file::IdFile;
use crate::cli::say::{say_aside, say_line};
use crate::cli::{Context, explain, human, pull, run_flags};
use crate::engine::create::{self, Request};
use crate::error::Result;
use clap::ArgMatches;
use std::ops::ControlFlow;

pub fn define(command: clap::Command) -> clap::Command {
    run_flags::define(command).after_help("Example: tare create --name web busybox httpd -f")
}

/// It takes time and room, once for each layer.
pub fn say_copy(bytes: u64) {
    say_aside(format!("tare: note: the image's layers ({}) are copied once, for users with other ids\n", human::size(bytes)).as_bytes());
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let parsed = run_flags::parse("create", matches)?;
    let parsed = match explain::run::if_asked(context, parsed)? {
        ControlFlow::Break(code) => return Ok(code),
        ControlFlow::Continue(parsed) => parsed,
    };
    let image = pull::image_for(context, &parsed)?;
    let mut id_file = IdFile::take(parsed.id_file)?;
    let request =
        Request { image: parsed.image, name: parsed.name, wishes: parsed.wishes, launched: false, on_copy: say_copy, place: None };
    let made = create::create(&context.paths, request, &image)?;
    let id = made.record.id.clone();
    create::lay_to_rest(&context.paths, made)?;
    if let Some(file) = &mut id_file {
        file.keep();
        file.write(&id)?;
    }
    say_line!("{id}");
    Ok(0)
}
