//! Where the result goes, beside the store: directories, archives, registries.

use super::output::{Kind, Output, Target};
use super::request::Asked;
use crate::build::State;
use crate::cli::Context;
use crate::error::{Error, Result};
use crate::image::Loaded;
use std::io::IsTerminal;

/// Before anything is built.
pub fn refuse_what_cannot_be(asked: &Asked) -> Result<()> {
    let to_stdout = |output: &&Output| output.target == Target::StandardOutput;
    match asked.outputs.iter().filter(to_stdout).count() {
        0 => Ok(()),
        1 if std::io::stdout().is_terminal() => {
            Err(Error::usage("an archive is nothing for a terminal")
                .hint("name a file: -o type=tar,dest=FILE, or redirect standard output"))
        }
        1 => Ok(()),
        _ => Err(Error::usage("only one output can go to standard output")),
    }
}

pub fn hand_over(_context: &Context, asked: &Asked, _state: &State, _image: Option<&Loaded>) -> Result<()> {
    for output in &asked.outputs {
        if matches!(output.kind, Kind::Local | Kind::Tar) || output.is_archive() {
            return Err(Error::cannot_keep("this output is not built yet"));
        }
    }
    Ok(())
}
