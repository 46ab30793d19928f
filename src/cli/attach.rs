//! `tare attach`: the user's streams joined to those of a container that runs.

use crate::cli::{Context, run};
use crate::engine::{events, find, log_keeping, wait};
use crate::error::{Error, Result};
use crate::monitor::attend::{self, How, Outcome};
use crate::monitor::protocol::Wants;
use crate::options::detach_keys;
use crate::record::Status;
use crate::sys::{Errno, socket, terminal};
use clap::{Arg, ArgAction, ArgMatches};
use std::os::fd::AsFd;

pub fn define(command: clap::Command) -> clap::Command {
    let sig_proxy = Arg::new("sig-proxy").long("sig-proxy").value_name("BOOL").value_parser(clap::value_parser!(bool));
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("no-stdin").long("no-stdin").action(ArgAction::SetTrue).help("Do not pass input on"))
        .arg(
            sig_proxy
                .num_args(0..=1)
                .require_equals(true)
                .default_value("true")
                .default_missing_value("true")
                .hide_possible_values(true)
                .hide_default_value(true)
                .help("Pass signals on where there is no terminal (default true)"),
        )
        .arg(
            Arg::new("detach-keys")
                .long("detach-keys")
                .value_name("KEYS")
                .help("Keys that leave the container running (default ctrl-p,ctrl-q)"),
        )
        .after_help("Example: tare attach web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("container").map_or("", String::as_str);
    let keys = detach_keys::parse_or_default(matches.get_one::<String>("detach-keys").map(String::as_str))?;
    let seen = find::container(&context.paths, name)?;
    seen.running()?;
    if seen.status == Status::Paused {
        return Err(Error::conflict(format!("cannot attach to container {name}"))
            .because("it is paused: nobody would answer")
            .hint(format!("tare unpause {name}")));
    }
    log_keeping::check_attended(&seen)?;
    let wishes = &seen.record.wishes;
    let wants = Wants { stdin: wishes.interactive && !matches.get_flag("no-stdin"), stdout: true, stderr: true };
    if wishes.terminal && wants.stdin && !terminal::is_terminal(std::io::stdin().as_fd()) {
        return Err(Error::usage("the input device is not a terminal").hint("add --no-stdin, or run it in a terminal"));
    }
    let sig_proxy = matches.get_one::<bool>("sig-proxy").copied().unwrap_or(true) && !wishes.terminal;
    let monitor = match socket::connect(&seen.files(&context.paths).attach_socket()) {
        Ok(monitor) => monitor,
        // It has ended since we looked.
        Err(Errno::ENOENT | Errno::ECONNREFUSED) => return wait::ended(&context.paths, &seen),
        Err(e) => return Err(Error::from_errno(format!("cannot attach to container {name}"), e)),
    };
    events::of_container(&context.paths, &seen.record, "attach", &[]);
    match attend::attach(monitor, &How { terminal: wishes.terminal, wants, sig_proxy, detach_keys: keys })? {
        Outcome::Lost => wait::ended(&context.paths, &seen),
        outcome => run::shown(context, &seen.record.id, outcome),
    }
}
