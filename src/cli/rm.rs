//! `tare rm`: removes containers that do not run.

use crate::cli::{Context, each, names, one_or_more};
use crate::engine::{find, remove, repair, volumes};
use crate::error::{Kind, Result};
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(one_or_more("CONTAINER"))
        .arg(Arg::new("force").short('f').long("force").action(ArgAction::SetTrue).help("Kill a running container first"))
        .arg(Arg::new("volumes").short('v').long("volumes").action(ArgAction::SetTrue).help("Also remove its volumes that have no name"))
        .after_help("Example: tare rm -f web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let force = matches.get_flag("force");
    repair::sweep(&context.paths);
    let with_volumes = matches.get_flag("volumes");
    each(names(matches), |name| {
        let found = if with_volumes { find::container(&context.paths, name).ok() } else { None };
        match remove::remove(&context.paths, name, force) {
            // As with Docker: by force, what is not there is as good as removed.
            Err(error) if force && error.kind() == Kind::NoSuch => return crate::cli::complain(&error),
            other => other?,
        }
        if let Some(found) = found {
            volumes::remove_nameless(&context.paths, &found.record);
        }
        println!("{name}");
        Ok(())
    })
}
