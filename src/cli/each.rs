//! Commands that do one thing for each name that was typed.

use crate::cli::complain;
use crate::error::Result;
use clap::{Arg, ArgMatches};

/// `NAME…`, at least one.
pub fn one_or_more(what: &'static str) -> Arg {
    Arg::new("names").value_name(what).num_args(1..).required(true).help("Name, id, or the beginning of an id")
}

pub fn names(matches: &ArgMatches) -> impl Iterator<Item = &String> {
    matches.get_many::<String>("names").into_iter().flatten()
}

/// Carries something out for each name; one that fails does not keep the others from their turn.
pub fn each<'a>(names: impl Iterator<Item = &'a String>, mut deed: impl FnMut(&'a str) -> Result<()>) -> Result<i32> {
    let mut last = None;
    for name in names {
        let Err(error) = deed(name) else { continue };
        if let Some(before) = last.replace(error) {
            complain(&before)?;
        }
    }
    last.map_or(Ok(0), Err)
}
