//! `delete`: nothing is left of a container that has stopped.

use crate::error::{Error, Kind, Result};
use crate::oci::{Context, id, id_argument};
use crate::runtime::strict::delete;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .args([id_argument(), Arg::new("force").short('f').long("force").action(ArgAction::SetTrue).help("End it first if it still runs")])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let force = matches.get_flag("force");
    let deleted = context.shelf.find(id(matches)).and_then(|kept| delete::delete(&context.shelf, &kept, force));
    let failed_hooks = match deleted {
        // Engines say --force to be sure; that it is gone already is what they want.
        Err(error) if force && error.kind() == Kind::NoSuch => return Ok(0),
        other => other?,
    };
    for failed in failed_hooks {
        // A hook that fails after the end changes nothing: the specification wants it logged.
        context.log.warning(&Error::to_string(&failed));
    }
    Ok(0)
}
