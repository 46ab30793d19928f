//! The flags of `run` and `create`: how they are spelt, and how their words become wishes. One file for each kind of wish.
//!
//! The files that flags name (`--env-file`, `--label-file`, seccomp profiles) are read here, because parsers open no files.

mod health;
mod learning;
pub mod limits;
pub mod line;
mod log;
mod naming;
pub mod network;
mod process;
mod rights;
mod sight;
pub mod words;

use crate::error::{Error, Result};
use crate::names;
use crate::options::explain::{self, Explain};
use crate::options::{Wishes, detach_keys, networks, sysctls};
use crate::registry::When;
use clap::{Arg, ArgAction, ArgMatches};
use line::Line;
use std::path::PathBuf;
use words::{Flag, Flags, blame, list, switch, value};

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
    /// A new file for the container's id.
    pub id_file: Option<PathBuf>,
    /// When the image is fetched; `None`: as the user's settings say.
    pub pull: Option<When>,
    /// Nothing is said about fetching.
    pub quiet: bool,
    /// The work is told, or written down instead of being done.
    pub explain: Option<Explain>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attach {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// All flags of a command, in groups, each with a heading.
const GROUPS: &[(&str, &[Flag])] = &[
    ("Streams", BOTH),
    ("Process", process::FLAGS),
    ("What it sees", sight::FLAGS),
    ("Network", network::FLAGS),
    ("Rights", rights::FLAGS),
    ("Limits", limits::FLAGS),
    ("Log", log::FLAGS),
    ("Names, and its end", naming::FLAGS),
    ("Health", health::FLAGS),
    ("Learning", learning::FLAGS),
];

const RUN_ONLY: &[Flag] = &[
    switch("detach", Some('d'), "Run in the background and print the container's id"),
    switch("sig-proxy", None, "Pass signals on to the container (default true)"),
    value("detach-keys", None, "KEYS", "Keys that leave the container running (default ctrl-p,ctrl-q)"),
];

/// What concerns the command itself, and not the container.
const BOTH: &[Flag] = &[
    list("attach", Some('a'), "STREAM", "Connect to stdin, stdout or stderr only"),
    value("pull", None, "always|missing|never", "Whether the image is fetched from its registry (default missing)"),
    switch("quiet", Some('q'), "Say nothing about fetching"),
];

pub fn flags(command: &str) -> Vec<Flag> {
    let runs = if command == "run" { RUN_ONLY } else { &[] };
    runs.iter().chain(GROUPS.iter().flat_map(|(_, flags)| *flags)).copied().collect()
}

pub fn define(command: clap::Command) -> clap::Command {
    let usage = format!("tare {} [OPTIONS] IMAGE [COMMAND] [ARG...]", command.get_name());
    let command = command.override_usage(usage).disable_help_flag(true).args_override_self(true);
    let runs: &[Flag] = if command.get_name() == "run" { RUN_ONLY } else { &[] };
    let command = [("Streams", runs)].iter().chain(GROUPS).fold(command, |command, (heading, flags)| command.args(under(heading, flags)));
    // Whoever reads the help knows how to come by it.
    command.arg(Arg::new("help").long("help").action(ArgAction::Help).help("Print this help").hide(true)).arg(
        // Options end at the image: what follows belongs to the command in the container, dashes and all.
        Arg::new("words")
            .value_names(["IMAGE", "COMMAND"])
            .help("The image, then the command with its arguments")
            .num_args(1..)
            .trailing_var_arg(true),
    )
}

/// The flags of one kind under their heading in the help; some belong elsewhere in a reader's eye.
fn under(heading: &'static str, flags: &[Flag]) -> impl Iterator<Item = Arg> {
    flags.iter().map(move |flag| {
        flag.arg().help_heading(match flag.name {
            "interactive" | "tty" => "Streams",
            "network" => "Network",
            "pull" | "quiet" | "platform" => "Image",
            _ => heading,
        })
    })
}

/// Reads the words behind the command's name. `None`: they are not right, or ask for help, and clap shall say so.
pub fn parse_words(command: &str, words: &[String]) -> Option<Result<Parsed>> {
    Line::read(&flags(command), words).map(|line| parse_line(command, line))
}

pub fn parse(command: &str, matches: &ArgMatches) -> Result<Parsed> {
    parse_line(command, Line::of(&flags(command), matches))
}

fn parse_line(command: &str, line: Line) -> Result<Parsed> {
    let flags = Flags(line);
    let mut words = flags.0.words.iter().map(|word| (*word).to_owned());
    let no_image = || Error::usage("no image is named").hint(format!("tare {command} IMAGE [COMMAND]"));
    let image = words.next().filter(|image| !image.is_empty()).ok_or_else(no_image)?;
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
        id_file: flags.parse("cidfile", naming::file)?,
        pull: flags.parse("pull", pull)?,
        quiet: flags.switch("quiet")?.unwrap_or(false),
        explain: flags.parse("explain", explain::parse)?,
        wishes,
    })
}

fn wishes(flags: &Flags, command: Vec<String>) -> Result<Wishes> {
    let mut wishes = Wishes { command, ..Wishes::default() };
    for read in
        [process::read, sight::read, network::read, rights::read, limits::read, log::read, naming::read, health::read, learning::read]
    {
        read(flags, &mut wishes)?;
    }
    // Only now is it known which namespaces are its own.
    sysctls::check(&wishes)?;
    networks::check(&wishes).map_err(|error| network::with_whose_word(flags, error))?;
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
            _ => {
                return Err(blame(
                    "attach",
                    stream,
                    Error::usage("no such stream").hint(names::one_of(stream, &["stdin", "stdout", "stderr"])),
                ));
            }
        }
    }
    Ok(if any || detach { attach } else { Attach { stdin: interactive, stdout: true, stderr: true } })
}

fn pull(text: &str) -> Result<When> {
    match text {
        "missing" => Ok(When::Missing),
        "never" => Ok(When::Never),
        "always" => Ok(When::Always),
        _ => Err(Error::usage("unknown word").hint(names::one_of(text, &["always", "missing", "never"]))),
    }
}

#[cfg(test)]
mod tests;
