//! The face that Docker's users know: one file per command; here they are listed, and the one that was typed is found.

mod ask;
mod attach;
mod commit;
pub mod complete;
mod completion;
mod cp;
mod create;
mod diff;
mod events;
mod exec;
mod export;
mod generate;
mod help;
mod history;
mod human;
mod id_file;
mod image;
mod images;
mod import;
mod indent;
mod info;
mod inspect;
mod interruption;
mod kill;
mod load;
mod login;
mod logout;
mod logs;
mod manifest;
pub mod nouns;
mod pause;
mod port;
mod progress;
mod prune;
mod ps;
mod pull;
mod push;
mod rename;
mod restart;
mod rm;
mod rmi;
mod run;
pub mod run_flags;
mod save;
pub mod say;
mod search;
mod start;
mod stats;
mod stop;
pub mod suggest;
mod system;
pub mod table;
mod tag;
pub mod template;
mod top;
mod update;
mod version;
mod volume;
mod wait;

use crate::engine::nurse;
use crate::error::{Error, Kind, Result};
use crate::oci;
use crate::paths::Paths;
use crate::store::version as version_of_store;
use crate::sys::{Errno, identity};
use clap::{Arg, ArgAction, ArgMatches};

/// What a command is to this table: its name, its words, and what it does.
pub struct Command {
    pub name: &'static str,
    /// One line for `tare help`.
    pub about: &'static str,
    /// Adds arguments and longer help to the bare command.
    pub define: fn(clap::Command) -> clap::Command,
    /// Returns the exit code.
    pub run: fn(&Context, &ArgMatches) -> Result<i32>,
}

/// What every command gets.
pub struct Context {
    pub paths: Paths,
}

/// In the order in which `tare help` shows them.
const COMMANDS: &[Command] = &[
    Command { name: "run", about: "Run a command in a new container", define: run::define, run: run::run },
    Command { name: "create", about: "Make a container without starting it", define: create::define, run: create::run },
    Command { name: "start", about: "Start containers that do not run", define: start::define, run: start::run },
    Command { name: "exec", about: "Run a further command in a running container", define: exec::define, run: exec::run },
    Command { name: "ps", about: "List containers", define: ps::define, run: ps::run },
    Command { name: "attach", about: "Join your streams to those of a running container", define: attach::define, run: attach::run },
    Command { name: "logs", about: "Show what a container has written", define: logs::define, run: logs::run },
    Command { name: "stop", about: "Ask containers to end, and end those that do not", define: stop::define, run: stop::run },
    Command { name: "kill", about: "Send containers a signal", define: kill::define, run: kill::run },
    Command { name: "restart", about: "Stop containers and start them again", define: restart::define, run: restart::run },
    Command { name: "pause", about: "Let containers stand still", define: pause::define_pause, run: pause::pause },
    Command { name: "unpause", about: "Let paused containers go on", define: pause::define_unpause, run: pause::unpause },
    Command { name: "rename", about: "Give a container another name", define: rename::define, run: rename::run },
    Command { name: "top", about: "Show the processes of a container", define: top::define, run: top::run },
    Command { name: "stats", about: "Show what containers use", define: stats::define, run: stats::run },
    Command { name: "port", about: "Show which ports of a container are published", define: port::define, run: port::run },
    Command { name: "diff", about: "Show what a container has changed in its files", define: diff::define, run: diff::run },
    Command { name: "cp", about: "Copy files into and out of containers", define: cp::define, run: cp::run },
    Command { name: "commit", about: "Make an image from what a container has changed", define: commit::define, run: commit::run },
    Command { name: "export", about: "Write a container's files as an archive", define: export::define, run: export::run },
    Command { name: "update", about: "Change limits and restart policy of containers", define: update::define, run: update::run },
    Command { name: "rm", about: "Remove containers", define: rm::define, run: rm::run },
    Command { name: "images", about: "List images", define: images::define, run: images::run },
    Command { name: "load", about: "Load images from an archive", define: load::define, run: load::run },
    Command { name: "import", about: "Make an image from a root file system", define: import::define, run: import::run },
    Command { name: "history", about: "Show how an image was made", define: history::define, run: history::run },
    Command { name: "tag", about: "Give an image a further name", define: tag::define, run: tag::run },
    Command { name: "pull", about: "Fetch an image from a registry", define: pull::define, run: pull::run },
    Command { name: "login", about: "Show a registry who you are, and keep it", define: login::define, run: login::run },
    Command { name: "logout", about: "Forget who you are at a registry", define: logout::define, run: logout::run },
    Command { name: "push", about: "Bring an image to a registry", define: push::define, run: push::run },
    Command { name: "search", about: "Look for images in a registry", define: search::define, run: search::run },
    Command { name: "save", about: "Write images into an archive", define: save::define, run: save::run },
    Command { name: "rmi", about: "Remove images", define: rmi::define, run: rmi::run },
    Command { name: "volume", about: "Commands on volumes", define: volume::define, run: volume::run },
    Command { name: "wait", about: "Wait until containers have ended", define: wait::define, run: wait::run },
    Command { name: "events", about: "Show what happens", define: events::define, run: events::run },
    Command { name: "inspect", about: "Show everything about containers and images", define: inspect::define, run: inspect::run },
    Command { name: "info", about: "Show what is here, and what this machine can do", define: info::define, run: info::run },
    Command { name: "version", about: "Show the version", define: version::define, run: version::run },
    Command { name: "completion", about: "Print what makes a shell complete words", define: completion::define, run: completion::run },
];

/// Those that have a name under a noun only.
const BEHIND_NOUNS: &[Command] = &[
    Command {
        name: "container-prune",
        about: "Remove all containers that do not run",
        define: prune::define_containers,
        run: prune::containers,
    },
    Command { name: "image-prune", about: "Remove images that nobody needs", define: prune::define_images, run: prune::images },
    Command { name: "system-df", about: "Show what takes room on the disk", define: system::df::define, run: system::df::run },
    Command { name: "system-prune", about: "Remove all that nobody needs", define: system::prune::define, run: system::prune::run },
    Command {
        name: "system-check",
        about: "Look for what crashes left behind, and put it right",
        define: system::check::define,
        run: system::check::run,
    },
    Command {
        name: "system-start",
        about: "Start the containers that should be running after a start of the machine",
        define: system::start::define,
        run: system::start::run,
    },
    Command {
        name: "system-stop",
        about: "Stop all containers, because the machine goes down",
        define: system::stop::define,
        run: system::stop::run,
    },
    Command {
        name: "manifest-inspect",
        about: "Show the manifest of an image as its registry has it",
        define: manifest::define,
        run: manifest::run,
    },
    Command {
        name: "generate-systemd",
        about: "Print the unit with which a machine starts its containers",
        define: generate::define,
        run: generate::run,
    },
];

pub fn main() -> i32 {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // The other face: `tare oci …`, or this program under its name.
    let called = words.first().and_then(|program| program.rsplit('/').next());
    match (called, words.get(1).map(String::as_str)) {
        (Some("tare-oci"), _) => return oci::main(&words),
        (_, Some("oci")) => return oci::main(&words[1..]),
        (_, Some(complete::WORD)) => return complete::answer(&words[2..]),
        (_, Some(nurse::WORD)) => return nurse::main(&words[2..]),
        _ => {}
    }
    let words = nouns::shorten(words);
    let command = typed(&words);
    match carry_out(&words).and_then(say::heard) {
        Ok(code) => code,
        Err(error) => report(&error, command.map_or("", |command| command.name)),
    }
}

/// Parses and carries out. Only the one command that was typed is built, and a `run` that is spelt right not even that: clap's
/// picture of all commands would cost a tenth of a start, that of all flags of `run` as much again.
fn carry_out(words: &[String]) -> Result<i32> {
    if let Some(done) = run_at_once(words) {
        return done;
    }
    if typed(words).is_some_and(|command| command.name == "exec") {
        exec::stay_out_of_reach()?;
    }
    let program = match typed(words) {
        Some(command) => program().subcommand(define(command)),
        None => whole_program(),
    };
    let matches = match program.try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return suggest::refusal(&error, &suggest::Place::of(words)).map_or_else(|| usage(&error), Err),
    };
    let text = |name: &str, default: &str| matches.get_one::<String>(name).cloned().unwrap_or_else(|| default.to_owned());
    let paths = Paths::new(text("root", Paths::DEFAULT_ROOT), text("run-dir", Paths::DEFAULT_RUN));
    let Some((name, arguments)) = matches.subcommand() else { return Err(Error::usage("no command")) };
    let command = find(name).ok_or_else(|| Error::usage(format!("unknown command {name}")))?;
    if !["version", "completion", "generate-systemd"].contains(&name) {
        version_of_store::check(&paths)?;
    }
    (command.run)(&Context { paths }, arguments)
}

fn run_at_once(words: &[String]) -> Option<Result<i32>> {
    let rest = words.get(1..)?.strip_prefix(&["run".to_owned()])?;
    let paths = Paths::new(from_environment("TARE_ROOT", Paths::DEFAULT_ROOT), from_environment("TARE_RUN", Paths::DEFAULT_RUN));
    run::quick(&Context { paths }, rest)
}

fn from_environment(variable: &str, default: &str) -> String {
    std::env::var(variable).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// Where the command stands among the words; the first is the program.
fn command_at(words: &[String]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word.as_str() {
            "--root" | "--run-dir" => at += 2,
            option if option.starts_with('-') => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// The command that was typed, looked for without building any.
fn typed(words: &[String]) -> Option<&'static Command> {
    find(&words[command_at(words)?])
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().chain(BEHIND_NOUNS).find(|command| command.name == name)
}

fn program() -> clap::Command {
    let version = Arg::new("version").short('v').short_alias('V').long("version").action(ArgAction::Version);
    clap::Command::new("tare")
        .about("A container engine in one binary, without a daemon")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_version_flag(true)
        .arg(Arg::new("root").long("root").value_name("DIR").env_or("TARE_ROOT").help("Where images and containers are kept"))
        .arg(Arg::new("run-dir").long("run-dir").value_name("DIR").env_or("TARE_RUN").help("Where the state of running containers is kept"))
        .arg(version.help("Print the version"))
}

/// With every command: for help, for wrong words, and for the manual.
pub fn whole_program() -> clap::Command {
    let commands = COMMANDS.iter().map(define).chain(nouns::NOUNS.iter().map(nouns::describe));
    program().help_template(help::template()).after_help(help::AFTER).subcommands(commands)
}

fn define(command: &Command) -> clap::Command {
    (command.define)(clap::Command::new(command.name).about(command.about))
}

/// clap's own answer: help and version are no errors.
fn usage(error: &clap::Error) -> Result<i32> {
    // That a switch takes =true and =false is for scripts; behind each of them it would be noise.
    let text = error.to_string().replace("[=<BOOL>]", "         ");
    let text: String = text.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    if error.use_stderr() {
        say::say_aside(text.as_bytes());
    } else {
        say::say(&text);
    }
    let asked_for_nothing = error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    Ok(if error.use_stderr() && !asked_for_nothing { 125 } else { 0 })
}

/// The one place where an error is printed.
fn report(error: &Error, command: &str) -> i32 {
    say::say_aside(format!("tare: {error}\n").as_bytes());
    let is_denied = matches!(error.errno(), Some(Errno::EACCES | Errno::EPERM));
    let needs_root = (is_denied && identity::own_uid() != 0).then_some("tare needs root for now: try sudo");
    if let Some(hint) = error.hint_text().or(needs_root) {
        say::say_aside(format!("hint: {hint}\n").as_bytes());
    }
    match error.kind() {
        // `start` carries out what was wished earlier: only whoever typed the command hears of it by these codes.
        Kind::CannotExecute if command != "start" => 126,
        Kind::CommandNotFound if command != "start" => 127,
        Kind::Usage => 125,
        _ if command == "run" => 125,
        _ => 1,
    }
}

/// An option whose default comes from the environment; ours, because clap's own reads it at every start of every command.
trait EnvOr {
    fn env_or(self, variable: &'static str) -> Self;
}

impl EnvOr for Arg {
    fn env_or(self, variable: &'static str) -> Self {
        match std::env::var(variable) {
            Ok(value) if !value.is_empty() => self.default_value(value),
            _ => self,
        }
    }
}

/// `NAME…`, at least one.
fn one_or_more(what: &'static str) -> Arg {
    Arg::new("names").value_name(what).num_args(1..).required(true).help("Name, id, or the beginning of an id")
}

fn names(matches: &ArgMatches) -> impl Iterator<Item = &String> {
    matches.get_many::<String>("names").into_iter().flatten()
}

/// Carries something out for each name; one that fails does not keep the others from their turn.
fn each<'a>(names: impl Iterator<Item = &'a String>, mut deed: impl FnMut(&'a str) -> Result<()>) -> Result<i32> {
    let mut last = None;
    for name in names {
        let Err(error) = deed(name) else { continue };
        if let Some(before) = last.replace(error) {
            complain(&before)?;
        }
    }
    last.map_or(Ok(0), Err)
}

/// An error that is not the command's end.
fn complain(error: &Error) -> Result<()> {
    report(error, "");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::whole_program().debug_assert();
    }
}
