//! `tare tree`: a container and all that it is made of, or all that run, as a picture.

use crate::cli::{Context, shape};
use crate::engine::now;
use crate::error::Result;
use crate::explain::tree;
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("container").value_name("CONTAINER").help("All there is of this one; without a name: all that run, in short"))
        .args(shape::flags())
        .after_help("Examples:\n  tare tree\n  tare tree web\n  tare tree --json web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let host = tree::host(&context.paths);
    match matches.get_one::<String>("container") {
        Some(name) => {
            let picture = tree::one(&context.paths, name)?;
            shape::show(matches, || tree::value_of_one(&host, &picture), || tree::text_of_one(&host, &picture, now()))?;
        }
        None => {
            let pictures = tree::all(&context.paths)?;
            shape::show(matches, || tree::value_of_all(&host, &pictures), || tree::text_of_all(&host, &pictures, now()))?;
        }
    }
    Ok(0)
}
