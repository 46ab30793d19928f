//! `tare completion`: what a shell has to read so that it completes our words. The scripts ask the program itself (`complete.rs`).

use crate::cli::Context;
use crate::cli::say::say;
use crate::error::{Error, Result};
use crate::names;
use clap::{Arg, ArgMatches};

const SCRIPTS: [(&str, &str); 3] = [
    ("bash", include_str!("completion/tare.bash")),
    ("zsh", include_str!("completion/tare.zsh")),
    ("fish", include_str!("completion/tare.fish")),
];

pub fn define(command: clap::Command) -> clap::Command {
    let shell = Arg::new("shell").value_name("bash|zsh|fish").required(true).help("The shell that will read it");
    command.arg(shell).after_help("Examples:\n  source <(tare completion bash)\n  tare completion fish | source")
}

pub fn run(_: &Context, matches: &ArgMatches) -> Result<i32> {
    let wanted = matches.get_one::<String>("shell").map_or("", String::as_str);
    let script = SCRIPTS.iter().find(|(shell, _)| *shell == wanted);
    let (_, text) = script
        .ok_or_else(|| Error::usage(format!("no completion for shell {wanted:?}")).hint(names::one_of(wanted, &["bash", "zsh", "fish"])))?;
    say(text);
    Ok(0)
}
