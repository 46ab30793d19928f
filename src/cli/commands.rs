//! All commands: here they are listed, and one is found by its name.

use crate::cli::Context;
use crate::cli::{
    attach, build, commit, completion, cp, create, diff, events, exec, explain, explained, export, generate, history, images, import, info,
    inspect, kill, layers, load, login, logout, logs, manifest, network, pause, port, prune, ps, pull, push, rename, restart, rm, rmi, run,
    save, search, start, stats, stop, system, tag, top, tree, update, version, volume, wait, why,
};
use crate::error::Result;
use clap::ArgMatches;

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

/// In the order in which `tare help` shows them.
pub const COMMANDS: &[Command] = &[
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
    Command { name: "tree", about: "Show a container and all that it is made of, as a picture", define: tree::define, run: tree::run },
    Command { name: "why", about: "Explain why a container died, or is not well", define: why::define, run: why::run },
    Command { name: "stats", about: "Show what containers use", define: stats::define, run: stats::run },
    Command { name: "port", about: "Show which ports of a container are published", define: port::define, run: port::run },
    Command { name: "diff", about: "Show what a container has changed in its files", define: diff::define, run: diff::run },
    Command { name: "cp", about: "Copy files into and out of containers", define: cp::define, run: cp::run },
    Command { name: "commit", about: "Make an image from what a container has changed", define: commit::define, run: commit::run },
    Command { name: "export", about: "Write a container's files as an archive", define: export::define, run: export::run },
    Command { name: "update", about: "Change limits and restart policy of containers", define: update::define, run: update::run },
    Command { name: "rm", about: "Remove containers", define: rm::define, run: rm::run },
    Command { name: "build", about: "Make an image from a Dockerfile", define: build::define, run: build::run },
    Command { name: "images", about: "List images", define: images::define, run: images::run },
    Command { name: "load", about: "Load images from an archive", define: load::define, run: load::run },
    Command { name: "import", about: "Make an image from a root file system", define: import::define, run: import::run },
    Command { name: "history", about: "Show how an image was made", define: history::define, run: history::run },
    Command { name: "layers", about: "Show what each layer of an image adds, hides and wastes", define: layers::define, run: layers::run },
    Command { name: "tag", about: "Give an image a further name", define: tag::define, run: tag::run },
    Command { name: "pull", about: "Fetch an image from a registry", define: pull::define, run: pull::run },
    Command { name: "login", about: "Show a registry who you are, and keep it", define: login::define, run: login::run },
    Command { name: "logout", about: "Forget who you are at a registry", define: logout::define, run: logout::run },
    Command { name: "push", about: "Bring an image to a registry", define: push::define, run: push::run },
    Command { name: "search", about: "Look for images in a registry", define: search::define, run: search::run },
    Command { name: "save", about: "Write images into an archive", define: save::define, run: save::run },
    Command { name: "rmi", about: "Remove images", define: rmi::define, run: rmi::run },
    Command { name: "network", about: "Commands on networks", define: network::define, run: network::run },
    Command { name: "volume", about: "Commands on volumes", define: volume::define, run: volume::run },
    Command { name: "wait", about: "Wait until containers have ended", define: wait::define, run: wait::run },
    Command { name: "events", about: "Show what happens", define: events::define, run: events::run },
    Command { name: "inspect", about: "Show everything about containers and images", define: inspect::define, run: inspect::run },
    Command { name: "explain", about: "Explain a command, a start, or what a word means", define: explain::define, run: explain::run },
    Command { name: "info", about: "Show what is here, and what this machine can do", define: info::define, run: info::run },
    Command { name: "version", about: "Show the version", define: version::define, run: version::run },
    Command { name: "completion", about: "Print what makes a shell complete words", define: completion::define, run: completion::run },
];

/// Those that have a name under a noun only.
pub const BEHIND_NOUNS: &[Command] = &[
    Command {
        name: "container-prune",
        about: "Remove all containers that do not run",
        define: prune::define_containers,
        run: prune::containers,
    },
    Command { name: "image-prune", about: "Remove images that nobody needs", define: prune::define_images, run: prune::images },
    Command {
        name: "builder-prune",
        about: "Remove what builds keep for later ones",
        define: prune::builder::define,
        run: prune::builder::run,
    },
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

pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().chain(BEHIND_NOUNS).find(|command| command.name == name)
}

/// As clap sees it.
pub fn define(command: &Command) -> clap::Command {
    explained::define((command.define)(clap::Command::new(command.name).about(command.about)), command.name)
}
