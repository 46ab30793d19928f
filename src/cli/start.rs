//! `tare start`: containers that were created or have ended run (again).

use crate::cli::say::say_line;
use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{events, find, launch, repair, start};
use crate::error::{Error, Result};
use crate::monitor::attend::{self, How};
use crate::monitor::protocol::Wants;
use crate::options::{Pid, detach_keys};
use crate::trace::{self, Step, timeline};
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(one_or_more("CONTAINER"))
        .arg(Arg::new("attach").short('a').long("attach").action(ArgAction::SetTrue).help("Show its output and pass signals on"))
        .arg(Arg::new("interactive").short('i').long("interactive").action(ArgAction::SetTrue).help("Pass input on"))
        .arg(
            Arg::new("detach-keys")
                .long("detach-keys")
                .value_name("KEYS")
                .help("Keys that leave the container running (default ctrl-p,ctrl-q)"),
        )
        .after_help("Example: tare start -a job")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    repair::sweep(&context.paths);
    // Their processes would see ours, as with `run --pid container:NAME`.
    let joins = |name| find::container(&context.paths, name).is_ok_and(|seen| matches!(seen.record.wishes.pid, Pid::Container(_)));
    if names(matches).any(|name| joins(name)) {
        crate::runtime::own_program::be_read_only()?;
    }
    let (attach, interactive) = (matches.get_flag("attach"), matches.get_flag("interactive"));
    if !attach && !interactive {
        return each(names(matches), |name| {
            timeline::keep();
            let seen = find::container(&context.paths, name)?;
            if let Some(made) = start::take_up(&context.paths, &seen.record.id)? {
                launch::launch(&context.paths, made, Wants::default())?;
            }
            say_line!("{name}");
            Ok(())
        });
    }
    let names: Vec<&String> = names(matches).collect();
    let [name] = names[..] else { return Err(Error::usage("only one container can be started and attached to at once")) };
    timeline::keep();
    let seen = find::container(&context.paths, name)?;
    let running = || Error::conflict(format!("container {name} is running already")).hint(format!("tare attach {name}"));
    let made = start::take_up(&context.paths, &seen.record.id)?.ok_or_else(running)?;
    let terminal = seen.record.wishes.terminal;
    let wants = Wants { stdin: interactive && seen.record.wishes.interactive, stdout: true, stderr: true };
    events::of_container(&context.paths, &seen.record, "attach", &[]);
    let monitor = launch::launch(&context.paths, made, wants)?;
    let keys = detach_keys::parse_or_default(matches.get_one::<String>("detach-keys").map(String::as_str))?;
    trace::begin(Step::Attend);
    let outcome = attend::attend(monitor, &How { terminal, wants, sig_proxy: !terminal, detach_keys: keys })?;
    crate::cli::run::shown(context, &seen.record.id, outcome)
}
