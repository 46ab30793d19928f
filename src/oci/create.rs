//! `create`: the container is there in all its parts, and the user's program has not run.

use crate::error::{Context as _, Error, Result};
use crate::oci::{Context, environment, id, id_argument};
use crate::rootless;
use crate::runtime::own_program;
use crate::runtime::strict::bundle::Bundle;
use crate::runtime::strict::lifecycle::{self, Made, Wishes};
use crate::runtime::strict::notify;
use crate::sys::process;
use clap::{Arg, ArgAction, ArgMatches};
use std::path::{Path, PathBuf};

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(id_argument()).args(arguments())
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    create(context, matches, false).map(|_| 0)
}

/// What `run` takes too.
pub fn arguments() -> Vec<Arg> {
    let value = |name: &'static str, value_name, help| Arg::new(name).long(name).value_name(value_name).help(help);
    let switch = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    vec![
        value("bundle", "DIR", "The bundle (default: the current directory)").short('b').default_value("."),
        value("config", "FILE", "Another name than config.json, in the bundle").short('f').default_value("config.json"),
        value("console-socket", "PATH", "Hand the terminal over there"),
        value("pid-file", "FILE", "Write the process's pid there"),
        value("preserve-fds", "NUMBER", "Descriptors from 3 on that the program gets")
            .value_parser(clap::value_parser!(u16))
            .default_value("0"),
        value("pidfd-socket", "PATH", "Hand a pidfd of the first process over there"),
        switch("no-new-keyring", "The caller's session keyring"),
        switch("no-pivot", "Move the root instead of swapping it, as on an initramfs"),
        switch("no-subreaper", "Accepted for runc's sake; orphans are nobody's here").hide(true),
    ]
}

pub fn create(context: &Context, matches: &ArgMatches, keeps_terminal: bool) -> Result<Made> {
    let path = |name: &str| matches.get_one::<String>(name).map(PathBuf::from);
    let mut bundle = Bundle::read(Path::new(&path("bundle").unwrap_or_default()), &path("config").unwrap_or_default())?;
    if bundle.joins_pids() {
        // Those who are there already see our process from its birth on.
        own_program::be_read_only()?;
    }
    if rootless::is_ordinary_user() {
        have_power_over(&bundle, context)?;
    }
    let mut variables = environment::of_sockets();
    let notifies = notify::manager().is_some();
    if notifies {
        variables.push(notify::variable());
        notify::add_mount(&mut bundle.spec, &context.shelf.place(id(matches)))?;
    }
    if let Some(process) = bundle.spec.process_mut() {
        environment::set(process, &variables);
    }
    let wishes = Wishes {
        preserved: preserved(matches, environment::listening())?,
        notifies,
        systemd: context.systemd,
        console: path("console-socket"),
        pid_file: path("pid-file"),
        pidfd_socket: path("pidfd-socket"),
        moves_root: matches.get_flag("no-pivot"),
        own_keyring: !matches.get_flag("no-new-keyring"),
        keeps_terminal,
    };
    let made = lifecycle::create(&context.shelf, id(matches), &bundle, &wishes)?;
    context.log.left_out(&made.left_out);
    Ok(made)
}

/// Mounts and ids outside are the root's of some namespace: in that of the container alone there is nobody yet.
fn have_power_over(bundle: &Bundle, context: &Context) -> Result<()> {
    if !bundle.has_users() {
        return Err(Error::cannot_keep("config.json has no user namespace")
            .because("you are not root, and could not be it in there either")
            .hint("tare oci spec --rootless writes one that has"));
    }
    if let Some(note) = rootless::enter_as_oneself()? {
        context.log.debug(&note.to_string());
    }
    Ok(())
}

/// Counted as asked for, behind `listening` ones that are handed on anyway. Every other descriptor of the caller's is
/// closed before we open our own: a container must not hold what nobody meant for it (CVE-2024-21626).
pub fn preserved(matches: &ArgMatches, listening: u16) -> Result<i32> {
    let asked = matches.get_one::<u16>("preserve-fds").copied().unwrap_or(0);
    let count = i32::from(asked) + i32::from(listening);
    if let Some(missing) = (3..3 + count).find(|fd| !process::is_open(*fd)) {
        return Err(Error::usage(format!("descriptor {missing} shall be preserved, and is not open")));
    }
    process::close_from(3 + count);
    // Not for hooks either: they are let through when the program is executed.
    process::close_on_exec_from(3).context("cannot keep descriptors from hooks")?;
    Ok(count)
}
