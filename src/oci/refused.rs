//! Words that other runtimes know and this one does not: taken in, so that they can be refused by their name.

use crate::error::{Error, Result};
use crate::oci::Context;
use clap::{Arg, ArgAction, ArgMatches};

struct Refused {
    command: &'static str,
    name: &'static str,
    short: Option<char>,
    /// `false`: a switch.
    has_value: bool,
    why: &'static str,
}

const ONE_BY_ONE: &str = "containers are named one by one";
const CACHE: &str = "shares of the processor's cache are not built yet";

const OPTIONS: &[Refused] = &[
    Refused { command: "kill", name: "regex", short: Some('r'), has_value: false, why: ONE_BY_ONE },
    Refused { command: "delete", name: "regex", short: Some('r'), has_value: false, why: ONE_BY_ONE },
    Refused { command: "update", name: "l3-cache-schema", short: None, has_value: true, why: CACHE },
    Refused { command: "update", name: "mem-bw-schema", short: None, has_value: true, why: CACHE },
];

fn of(command: &str) -> impl Iterator<Item = &'static Refused> {
    OPTIONS.iter().filter(move |option| option.command == command)
}

pub fn arguments(command: &str) -> impl Iterator<Item = Arg> {
    of(command).map(|option| {
        let arg =
            Arg::new(option.name).long(option.name).hide(true).action(if option.has_value { ArgAction::Set } else { ArgAction::SetTrue });
        option.short.map_or(arg.clone(), |short| arg.short(short))
    })
}

pub fn check(command: &str, matches: &ArgMatches) -> Result<()> {
    let is_wished = |option: &&Refused| match option.has_value {
        true => matches.get_one::<String>(option.name).is_some_and(|value| !value.is_empty()),
        false => matches.get_flag(option.name),
    };
    of(command).find(is_wished).map_or(Ok(()), |option| Err(Error::cannot_keep(format!("--{}", option.name)).because(option.why)))
}

/// Whatever stands behind it.
pub fn define_command(command: clap::Command) -> clap::Command {
    command.hide(true).arg(Arg::new("words").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true))
}

pub fn checkpoint(_: &Context, _: &ArgMatches) -> Result<i32> {
    Err(Error::cannot_keep("checkpoint").because("this runtime does not save what processes have in memory"))
}

pub fn restore(_: &Context, _: &ArgMatches) -> Result<i32> {
    Err(Error::cannot_keep("restore").because("this runtime does not save what processes have in memory"))
}
