//! The face that Docker's users know: one file per command. Here the one that was typed is found among them (`commands.rs`).

mod ask;
mod attach;
mod build;
mod commands;
mod commit;
pub mod complete;
mod completion;
mod cp;
mod create;
mod diff;
mod each;
mod events;
mod exec;
mod explain;
mod explained;
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
mod layers;
mod load;
mod login;
mod logout;
mod logs;
mod manifest;
mod network;
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
mod shape;
mod start;
mod stats;
mod stop;
pub mod suggest;
mod system;
pub mod table;
mod tag;
pub mod template;
mod top;
mod tree;
mod update;
mod version;
mod volume;
mod wait;
mod which_store;
mod why;

use commands::{BEHIND_NOUNS, COMMANDS, Command, define, find};
use each::{each, names, one_or_more};

use crate::engine::nurse;
use crate::error::{Error, Kind, Result};
use crate::oci;
use crate::paths::Paths;
use crate::rootless;
use crate::store::version as version_of_store;
use clap::{Arg, ArgAction};

/// What every command gets.
pub struct Context {
    pub paths: Paths,
}

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
    let command = typed(words);
    let paths = which_store::named(&words[1.min(words.len())..command_at(words).unwrap_or(words.len())]);
    let asks_for_help = is_asked_for_help(words);
    if command.is_some_and(|command| needs_root(command) && !asks_for_help) {
        become_root(&paths)?;
    }
    let context = Context { paths };
    if let Some(done) = words.get(1..).and_then(|words| run::quick(&context, words.strip_prefix(&["run".to_owned()])?)) {
        return done;
    }
    if command.is_some_and(|command| command.name == "exec" && !asks_for_help) {
        exec::stay_out_of_reach()?;
    }
    let program = match command {
        Some(command) => program().subcommand(define(command)),
        None => whole_program(),
    };
    let matches = match program.try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return suggest::refusal(&error, &suggest::Place::of(words)).map_or_else(|| usage(&error), Err),
    };
    let Some((name, arguments)) = matches.subcommand() else { return Err(Error::usage("no command")) };
    let command = find(name).ok_or_else(|| Error::usage(format!("unknown command {name}")))?;
    if needs_a_store(command) {
        version_of_store::check(&context.paths)?;
    }
    if let Some(code) = explained::if_asked(command.name, arguments)? {
        return Ok(code);
    }
    (command.run)(&context, arguments)
}

/// Help has no need of anything. Further behind the word may be meant for a container's program.
fn is_asked_for_help(words: &[String]) -> bool {
    command_at(words).and_then(|at| words.get(at + 1)).is_some_and(|word| word == "--help")
}

fn needs_a_store(command: &Command) -> bool {
    !["version", "completion", "generate-systemd"].contains(&command.name)
}

/// `info` sees to it itself: it also tells what stands in the way.
fn needs_root(command: &Command) -> bool {
    needs_a_store(command) && command.name != "info"
}

/// An ordinary user becomes root of a namespace of his.
fn become_root(paths: &Paths) -> Result<()> {
    let note = rootless::enter(paths)?;
    note.map_or(Ok(()), |note| complain(&note))
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
    if let Some(hint) = error.hint_text() {
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
