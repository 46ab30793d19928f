//! `tare explain start CONTAINER`: how its last start went, as a table, a picture or a trace.

use crate::cli::Context;
use crate::cli::say::say;
use crate::error::{Error, Result};
use crate::explain::start;
use clap::error::ErrorKind;
use clap::{Arg, Command};

const FORMATS: [&str; 3] = ["text", "svg", "chrome"];

fn define() -> Command {
    Command::new("tare explain start")
        .about("Show how a container's last start went")
        .arg(Arg::new("container").value_name("CONTAINER").required(true))
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .default_value("text")
                .value_parser(FORMATS)
                .help("A table, a picture (svg), or a trace for ui.perfetto.dev (chrome)"),
        )
        .after_help("Example: tare explain start --format svg web > web.svg")
}

pub fn run(context: &Context, words: &[String]) -> Result<i32> {
    let words = std::iter::once("start".to_owned()).chain(words.iter().cloned());
    let matches = match define().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) if !error.use_stderr() => {
            say(&error.to_string());
            return Ok(0);
        }
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            return Err(Error::usage("no container is named").hint("tare explain start NAME; tare ps -a lists them"));
        }
        Err(error) => return Err(Error::usage(first_line(&error.to_string())).hint("tare explain start [--format svg|chrome] CONTAINER")),
    };
    let name = matches.get_one::<String>("container").map_or("", String::as_str);
    let found = start::find(&context.paths, name)?;
    say(&match matches.get_one::<String>("format").map(String::as_str) {
        Some("svg") => start::svg(&found),
        Some("chrome") => format!("{}\n", start::chrome(&found)),
        _ => start::text(&found),
    });
    Ok(0)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
