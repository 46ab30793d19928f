//! `tare exec`: a further command in a container that runs.

use crate::cli::Context;
use crate::cli::run_flags::words::{blame, read_file};
use crate::engine::events::of_execs::Told;
use crate::engine::{exec, find};
use crate::error::{Context as _, Error, Result};
use crate::monitor;
use crate::monitor::pipes::{self, Pipes};
use crate::monitor::protocol::ToClient;
use crate::monitor::relay::{self, Behind, Left};
use crate::options::{detach_keys, env_file};
use crate::paths::Paths;
use crate::record::Seen;
use crate::runtime::Streams;
use crate::runtime::cgroup::Group;
use crate::sys::process::{self, Forked};
use crate::sys::{file, signal, terminal};
use clap::{Arg, ArgAction, ArgMatches};
use std::os::fd::{AsFd, AsRawFd};

pub fn define(command: clap::Command) -> clap::Command {
    let switch =
        |name: &'static str, short, help: &'static str| Arg::new(name).short(short).long(name).action(ArgAction::SetTrue).help(help);
    let value = |name: &'static str, short, value: &'static str, help: &'static str| {
        Arg::new(name).short(short).long(name).value_name(value).help(help)
    };
    command
        .override_usage("tare exec [OPTIONS] CONTAINER COMMAND [ARG...]")
        .arg(switch("detach", 'd', "Run in the background"))
        .arg(switch("interactive", 'i', "Pass input on"))
        .arg(switch("tty", 't', "Give it a terminal"))
        .arg(Arg::new("privileged").long("privileged").action(ArgAction::SetTrue).help("All capabilities, no filter of system calls"))
        .arg(
            Arg::new("detach-keys")
                .long("detach-keys")
                .value_name("KEYS")
                .help("With -it, keys that leave the command running [default: ctrl-p,ctrl-q]"),
        )
        .arg(value("env", 'e', "NAME=VALUE", "Set a variable").action(ArgAction::Append))
        .arg(
            Arg::new("env-file").long("env-file").value_name("FILE").action(ArgAction::Append).help("Set the variables in a file; -e wins"),
        )
        .arg(value("user", 'u', "USER[:GROUP]", "Name or number"))
        .arg(value("workdir", 'w', "DIR", "Where it starts"))
        .arg(
            Arg::new("words")
                .value_names(["CONTAINER", "COMMAND"])
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .help("The container, then the command"),
        )
        .after_help("Example: tare exec -it web sh")
}

/// What goes into a container must leave no way to our program's file. Done before the line is parsed, because from then on
/// everything is done once more.
pub fn stay_out_of_reach() -> Result<()> {
    crate::runtime::own_program::be_read_only()
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let mut words = matches.get_many::<String>("words").into_iter().flatten().cloned();
    let name = words.next().ok_or_else(|| Error::usage("no container named"))?;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let request = exec::Request {
        command: words.collect(),
        env: environment(matches)?,
        user: text("user"),
        workdir: text("workdir"),
        terminal: matches.get_flag("tty"),
        privileged: matches.get_flag("privileged"),
    };
    if request.command.is_empty() {
        return Err(Error::usage("no command given").hint("tare exec CONTAINER COMMAND"));
    }
    let (interactive, detach) = (matches.get_flag("interactive"), matches.get_flag("detach"));
    if request.terminal && interactive && !detach && !terminal::is_terminal(std::io::stdin().as_fd()) {
        return Err(Error::usage("the input device is not a terminal").hint("leave -t out, or run it in a terminal"));
    }
    let keys = detach_keys::parse_or_default(matches.get_one::<String>("detach-keys").map(String::as_str))
        .map_err(|e| e.context("invalid value for --detach-keys"))?;
    let seen = find::container(&context.paths, &name)?;
    match (detach, request.terminal) {
        (true, _) => in_background(&context.paths, &seen, &request),
        (false, true) => with_terminal(&context.paths, &seen, &request, interactive, &keys),
        (false, false) => with_pipes(&context.paths, &seen, &request, interactive),
    }
}

/// Lines of files first, so that `-e` wins.
fn environment(matches: &ArgMatches) -> Result<Vec<String>> {
    let all = |name: &str| matches.get_many::<String>(name).into_iter().flatten();
    let own = |name: &str| std::env::var(name).ok();
    let mut env = Vec::new();
    for path in all("env-file") {
        let text = read_file("env-file", path, env_file::LONGEST_FILE)?;
        env.extend(env_file::parse_file(&text, own).map_err(|error| blame("env-file", path, error))?);
    }
    for variable in all("env") {
        env.push(env_file::parse(variable, own)?);
    }
    Ok(env)
}

fn with_pipes(paths: &Paths, seen: &Seen, request: &exec::Request, interactive: bool) -> Result<i32> {
    const WHAT: &str = "cannot make pipes";
    let input = interactive.then(file::pipe).transpose().context(WHAT)?;
    let (output, error) = (file::pipe().context(WHAT)?, file::pipe().context(WHAT)?);
    let theirs =
        Streams::Separate { input: input.as_ref().map(|(read, _)| read.as_fd()), output: output.1.as_fd(), error: error.1.as_fd() };
    let (created, told) = exec::exec(paths, seen, request, theirs)?;
    created.start()?;
    told.started(&request.command);
    let ours = Pipes { input: input.map(|(_, write)| write), output: output.0, error: error.0 };
    // Held by us, their ends would keep the streams from ending.
    drop((output.1, error.1));
    let code = pipes::relay_pipes(ours, created.pid, created.pidfd.as_fd())?;
    told.died(Some(code));
    Ok(code)
}

fn with_terminal(paths: &Paths, seen: &Seen, request: &exec::Request, interactive: bool, keys: &[u8]) -> Result<i32> {
    let (created, told) = exec::exec(paths, seen, request, Streams::Nothing)?;
    let master = created.start()?.terminal.ok_or_else(|| Error::failed("the container opened no terminal"))?;
    told.started(&request.command);
    match relay::relay_terminal(master, created.pid, created.pidfd, interactive, keys)? {
        Left::Ended(code) => {
            told.died(Some(code));
            Ok(code)
        }
        Left::Detached(behind) => {
            told.detached();
            stay_behind(behind, &told).map(|()| 0)
        }
    }
}

/// The user has left, and the command goes on: a child of ours holds the other side of its terminal to its end. It holds nothing else
/// of the caller's, who may wait for our streams to close.
fn stay_behind(behind: Behind, told: &Told) -> Result<()> {
    const WHAT: &str = "cannot leave the command running";
    let nothing = file::open_dev_null().context(WHAT)?;
    // As with a monitor: stopping the service that called us must not hang up the command's terminal.
    let leaf = Group::of_monitors();
    // If we lead the session, our end hangs up its terminal, and SIGHUP would reach the child before it is in one of its own.
    signal::block_all().context(WHAT)?;
    match process::clone3(0, leaf.as_ref().map(Group::descriptor)).context(WHAT)? {
        Forked::Parent { .. } => Ok(()),
        Forked::Child => {
            let kept: Vec<i32> = behind.descriptors().map(|fd| fd.as_raw_fd()).collect();
            let apart = process::leave_caller(nothing, &kept);
            if apart.is_ok() {
                behind.stay();
                told.died(None);
            }
            process::exit_now(i32::from(apart.is_err()))
        }
    }
}

/// A child of ours becomes the parent, tells us whether it went well, and waits for the end.
fn in_background(paths: &Paths, seen: &Seen, request: &exec::Request) -> Result<i32> {
    let (ours, theirs) = crate::sys::socket::pair().context("cannot make a socket")?;
    let leaf = Group::of_monitors();
    match process::clone3(0, leaf.as_ref().map(Group::descriptor)).context("cannot fork")? {
        Forked::Parent { .. } => {
            drop(theirs);
            monitor::hear_started(ours.as_fd()).map(|_| 0)
        }
        Forked::Child => {
            drop(ours);
            let started = (|| {
                let nothing = file::open_dev_null().context("cannot leave the caller")?;
                process::leave_caller(nothing, &[theirs.as_raw_fd()]).context("cannot leave the caller")?;
                let (created, told) = exec::exec(paths, seen, request, Streams::Nothing)?;
                created.start()?;
                told.started(&request.command);
                Ok((created, told))
            })();
            match started {
                Ok((created, told)) => {
                    monitor::tell(theirs.as_fd(), &ToClient::Started { pid: created.pid });
                    drop(theirs);
                    told.died(process::wait(created.pid).ok().map(process::WaitStatus::code));
                }
                Err(error) => monitor::tell_failure(theirs.as_fd(), &error),
            }
            process::exit_now(0)
        }
    }
}
