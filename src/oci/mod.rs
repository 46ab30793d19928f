//! The face that other engines know: an OCI runtime in runc's place, for podman, Docker, containerd and CRI-O.
//!
//! `tare oci …`, or the same program under the name `tare-oci`. It drives `runtime/` alone: no images, no engine, no monitor.
//! The one who calls is the container's keeper, as the runtime specification wants it.

mod create;
mod delete;
mod environment;
mod events;
mod exec;
mod features;
mod kill;
mod list;
mod log;
mod pause;
mod ps;
mod refused;
mod run;
mod spec;
mod start;
mod state;
mod stay;
mod update;

use crate::error::{Error, Kind, Result};
use crate::runtime::strict::shelf::Shelf;
use crate::sys::user_namespace;
use clap::{Arg, ArgAction, ArgMatches};
use log::Log;
use std::path::{Path, PathBuf};

struct Command {
    name: &'static str,
    about: &'static str,
    define: fn(clap::Command) -> clap::Command,
    /// Returns the exit code.
    run: fn(&Context, &ArgMatches) -> Result<i32>,
}

/// What every command gets.
struct Context {
    shelf: Shelf,
    log: Log,
    systemd: bool,
}

/// In the order of a container's life.
const COMMANDS: &[Command] = &[
    Command { name: "create", about: "Make a container; its program waits", define: create::define, run: create::run },
    Command { name: "start", about: "Let the program of a created container run", define: start::define, run: start::run },
    Command { name: "run", about: "Create, start, wait and delete", define: run::define, run: run::run },
    Command { name: "exec", about: "Run a further process in a container", define: exec::define, run: exec::run },
    Command { name: "state", about: "Print a container's state as JSON", define: state::define, run: state::run },
    Command { name: "kill", about: "Send a container a signal", define: kill::define, run: kill::run },
    Command { name: "delete", about: "Remove a container that has stopped", define: delete::define, run: delete::run },
    Command { name: "pause", about: "Let a container stand still", define: pause::define, run: pause::pause },
    Command { name: "resume", about: "Let it go on", define: pause::define, run: pause::resume },
    Command { name: "update", about: "Give a container other limits", define: update::define, run: update::run },
    Command { name: "ps", about: "List a container's processes", define: ps::define, run: ps::run },
    Command { name: "events", about: "Show what a container uses", define: events::define, run: events::run },
    Command { name: "checkpoint", about: "Refused", define: refused::define_command, run: refused::checkpoint },
    Command { name: "restore", about: "Refused", define: refused::define_command, run: refused::restore },
    Command { name: "list", about: "List the containers below --root", define: list::define, run: list::run },
    Command { name: "spec", about: "Write a config.json to begin with", define: spec::define, run: spec::run },
    Command { name: "features", about: "Print what this runtime can do, as JSON", define: features::define, run: features::run },
];

/// `words[0]` is the name of the program.
pub fn main(words: &[String]) -> i32 {
    let command = typed(words);
    let called = if words.first().is_some_and(|word| word == "oci") { "tare oci" } else { "tare-oci" };
    let program = match command {
        Some(command) => program().bin_name(called).subcommand(define(command)),
        None => program().bin_name(called).subcommands(COMMANDS.iter().map(define)),
    };
    let matches = match program.try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            if error.use_stderr() {
                Log::of_words(words).write("error", error.to_string().lines().next().unwrap_or_default());
            }
            return i32::from(error.use_stderr());
        }
    };
    let log = Log::new(&matches);
    match carry_out(&matches, log.clone()) {
        Ok(code) => code,
        Err(error) => {
            log.error(&error);
            1
        }
    }
}

fn carry_out(matches: &ArgMatches, log: Log) -> Result<i32> {
    if let Some(place) = matches.get_one::<String>("log").filter(|place| log::is_elsewhere(place)) {
        return Err(Error::cannot_keep(format!("--log {place}")).because("the log is a file here"));
    }
    let systemd = matches.get_flag("systemd-cgroup")
        || match matches.get_one::<String>("cgroup-manager").map(String::as_str) {
            None | Some("cgroupfs") => false,
            Some("systemd") => true,
            Some("disabled") => {
                return Err(Error::cannot_keep("--cgroup-manager=disabled").because("without a control group nobody guards the devices"));
            }
            Some(other) => return Err(Error::usage(format!("unknown cgroup manager {other}")).hint("cgroupfs or systemd")),
        };
    let root = matches.get_one::<String>("root").map_or_else(default_root, PathBuf::from);
    let Some((name, arguments)) = matches.subcommand() else { return Err(Error::usage("no command")) };
    let command = COMMANDS.iter().find(|command| command.name == name).ok_or_else(|| Error::usage(format!("unknown command {name}")))?;
    refused::check(name, arguments)?;
    log.debug(&format!("{name}, containers below {}", root.display()));
    (command.run)(&Context { shelf: Shelf::new(root), log, systemd }, arguments)
}

/// Where runc and crun keep theirs: below /run, or in the user's own part of it.
fn default_root() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
        // An engine of his may have made an ordinary user root of a namespace already, as podman does.
        Some(dir) if !user_namespace::is_machine_s_root() => Path::new(&dir).join("tare-oci"),
        _ => PathBuf::from("/run/tare-oci"),
    }
}

/// The command that was typed, looked for without building any.
fn typed(words: &[String]) -> Option<&'static Command> {
    const WITH_VALUE: &[&str] = &["--root", "--log", "--log-format", "--cgroup-manager", "--rootless", "--criu"];
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            option if WITH_VALUE.contains(&option) => drop(words.next()),
            option if option.starts_with('-') => {}
            name => return COMMANDS.iter().find(|command| command.name == name),
        }
    }
    None
}

fn program() -> clap::Command {
    let value = |name: &'static str, value_name, help| Arg::new(name).long(name).value_name(value_name).help(help);
    let switch = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    clap::Command::new("tare-oci")
        .about("An OCI runtime")
        // Engines read these lines: what runc says, in its order.
        .version(concat!("version ", env!("CARGO_PKG_VERSION"), "\nspec: 1.3.0"))
        .disable_version_flag(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args([
            value("root", "DIR", "Where the state of containers is kept (default /run/tare-oci)"),
            value("log", "FILE", "Write errors there too"),
            value("log-format", "text|json", "How they are written there").value_parser(["text", "json"]).default_value("text"),
            switch("debug", "Say more in the log"),
            switch("systemd-cgroup", "Let systemd make the control groups"),
            value("cgroup-manager", "cgroupfs|systemd", "Who makes the control groups"),
            value("rootless", "true|false|auto", "Accepted for runc's sake; it is seen by itself")
                .value_parser(["true", "false", "auto"])
                .hide(true),
            value("criu", "PROGRAM", "Accepted for runc's sake; nothing calls it").hide(true),
            Arg::new("version").short('v').visible_short_alias('V').long("version").action(ArgAction::Version).help("Print version"),
        ])
}

fn define(command: &Command) -> clap::Command {
    (command.define)(clap::Command::new(command.name).about(command.about)).args(refused::arguments(command.name))
}

fn id_argument() -> Arg {
    Arg::new("id").value_name("ID").required(true).help("The container's id")
}

fn id(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("id").map_or("", String::as_str)
}

/// JSON as people and programs read it.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::new(Kind::Failed, "cannot write JSON").because(e))?;
    println!("{text}");
    Ok(())
}
