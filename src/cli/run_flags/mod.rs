//! The flags of `run` and `create`: how they are spelt, and how their words become wishes. One file for each kind of wish.
//!
//! The files that flags name (`--env-file`, `--label-file`, seccomp profiles) are read here, because parsers open no files.

mod limits;
mod log;
mod naming;
mod network;
mod process;
mod rights;
mod sight;
mod words;

use crate::error::{Error, Result};
use crate::names;
use crate::options::{Wishes, detach_keys};
use clap::{Arg, ArgMatches};
use words::{Flags, blame, list, switch, value};

/// A command line of `run` or `create`, checked.
#[derive(Debug, Default, PartialEq)]
pub struct Parsed {
    pub wishes: Wishes,
    pub image: String,
    pub name: Option<String>,
    pub detach: bool,
    /// The streams that the caller's terminal is connected to.
    pub attach: Attach,
    /// Signals that reach us go on to the container.
    pub sig_proxy: bool,
    pub detach_keys: Vec<u8>,
    /// `--pull never`: an image that is not here is not looked for elsewhere.
    pub never_pull: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attach {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

pub fn define(command: clap::Command) -> clap::Command {
    let runs = command.get_name() == "run";
    let usage = format!("tare {} [OPTIONS] IMAGE [COMMAND] [ARG...]", command.get_name());
    let command = command.override_usage(usage).disable_help_flag(true).args_override_self(true);
    let command = if runs { command.args(run_only()) } else { command };
    let command = command.args(both()).args(process::define()).args(sight::define()).args(network::define());
    let command = command.args(rights::define()).args(limits::define()).args(log::define()).args(naming::define());
    command.arg(
        // Options end at the image: what follows belongs to the command in the container, dashes and all.
        Arg::new("words")
            .value_names(["IMAGE", "COMMAND"])
            .help("The image, then the command with its arguments")
            .num_args(1..)
            .trailing_var_arg(true),
    )
}

fn run_only() -> [Arg; 3] {
    [
        switch("detach", Some('d'), "Run in the background and print the container's id"),
        switch("sig-proxy", None, "Pass signals on to the container (default true)"),
        value("detach-keys", None, "KEYS", "Keys that leave the container running (default ctrl-p,ctrl-q)"),
    ]
}

/// What concerns the command itself, and not the container.
fn both() -> [Arg; 3] {
    [
        list("attach", Some('a'), "STREAM", "Connect to stdin, stdout or stderr only"),
        value("pull", None, "missing|never", "Whether a missing image may be fetched"),
        switch("quiet", Some('q'), "Say nothing about fetching"),
    ]
}

pub fn parse(matches: &ArgMatches) -> Result<Parsed> {
    let flags = Flags(matches);
    let mut words = flags.all("words").map(str::to_owned);
    let image =
        words.next().filter(|image| !image.is_empty()).ok_or_else(|| Error::usage("no image is named").hint("tare run IMAGE [COMMAND]"))?;
    let command: Vec<String> = words.collect();
    let wishes = wishes(&flags, command)?;
    let detach = flags.on("detach")?;
    if detach && flags.all("attach").next().is_some() {
        return Err(Error::usage("--attach and --detach contradict each other"));
    }
    Ok(Parsed {
        image,
        name: flags.parse("name", |name| names::check(name).map(|()| name.to_owned()))?,
        detach,
        attach: attach(&flags, detach, wishes.interactive)?,
        sig_proxy: flags.switch("sig-proxy")?.unwrap_or(true),
        detach_keys: flags
            .parse("detach-keys", |keys| detach_keys::parse_or_default(Some(keys)))?
            .unwrap_or_else(|| detach_keys::DEFAULT.to_vec()),
        never_pull: flags.parse("pull", pull)?.unwrap_or(false),
        wishes,
    })
}

fn wishes(flags: &Flags, command: Vec<String>) -> Result<Wishes> {
    let mut wishes = Wishes { command, ..Wishes::default() };
    for read in [process::read, sight::read, network::read, rights::read, limits::read, log::read, naming::read] {
        read(flags, &mut wishes)?;
    }
    Ok(wishes)
}

fn attach(flags: &Flags, detach: bool, interactive: bool) -> Result<Attach> {
    let mut attach = Attach::default();
    let mut any = false;
    for stream in flags.all("attach") {
        any = true;
        match stream.to_ascii_lowercase().as_str() {
            "stdin" => attach.stdin = true,
            "stdout" => attach.stdout = true,
            "stderr" => attach.stderr = true,
            _ => return Err(blame("attach", stream, Error::usage("no such stream").hint("one of stdin, stdout, stderr"))),
        }
    }
    Ok(if any || detach { attach } else { Attach { stdin: interactive, stdout: true, stderr: true } })
}

fn pull(text: &str) -> Result<bool> {
    match text {
        "missing" => Ok(false),
        "never" => Ok(true),
        "always" => {
            Err(Error::cannot_keep("fetching images from a registry is not built yet").hint("bring it with tare load or tare import"))
        }
        _ => Err(Error::usage("unknown word").hint("missing or never")),
    }
}

#[cfg(test)]
mod tests;
