//! `tare cp`: copy files into and out of containers.

use crate::cli::progress::Show;
use crate::cli::say::{Output, say_aside};
use crate::cli::{Context, human, progress};
use crate::engine::copy::{self, From, LeftOut, Options, To};
use crate::error::{Context as _, Error, Result};
use crate::image::progress::Part;
use crate::sys::Errno;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::IsTerminal;

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, short| Arg::new(name).short(short).long(name).action(ArgAction::SetTrue);
    command
        .override_usage("tare cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       tare cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH")
        .arg(switch("archive", 'a').help("Keep owners, and what hangs on them: setuid marks, capabilities, devices"))
        .arg(switch("follow-link", 'L').help("Copy what SRC_PATH leads to, if it is a symlink"))
        .arg(
            Arg::new("quiet")
                .short('q')
                .long("quiet")
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(clap::value_parser!(bool))
                .hide_possible_values(true)
                .help("Say nothing of what was copied (default where standard output is no terminal)"),
        )
        .arg(
            Arg::new("from")
                .value_name("SRC_PATH")
                .required(true)
                .help("CONTAINER:PATH, a path here, or - for an archive that is piped in"),
        )
        .arg(Arg::new("to").value_name("DEST_PATH").required(true).help("The same on the other side; - writes an archive"))
        .after_help(
            "DIR/. means what is in a directory. A path here that has a colon in it begins with / or ./\n\n\
             Examples:\n  tare cp web:/etc/hosts .\n  tare cp page.html web:/srv/\n  tare cp web:/var/log - | tar -t",
        )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let word = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let options = Options { archive: matches.get_flag("archive"), follow: matches.get_flag("follow-link") };
    let (from, to) = (Side::of(word("from")), Side::of(word("to")));
    let quiet = matches.get_one::<bool>("quiet").copied().unwrap_or(!std::io::stdout().is_terminal());
    for side in [&from, &to] {
        if let Side::Container(name, "") = side {
            return Err(Error::usage(format!("no path behind {name}:")).hint(format!("all of its files are {name}:/")));
        }
    }
    let (copied, left_out) = match (from, to) {
        (Side::Container(..), Side::Container(..)) => {
            return Err(Error::usage("cannot copy from a container to a container")
                .hint("copy here first, or: tare cp A:PATH - | tare cp - B:PATH"));
        }
        (Side::Here(_), Side::Here(_)) => {
            return Err(Error::usage("neither side is a container").hint("write it as CONTAINER:PATH"));
        }
        (Side::Container(name, path), Side::Here("-")) => return to_stdout(context, name, path, options),
        (Side::Container(name, path), Side::Here(here)) => {
            let here = absolute(here)?;
            let container = copy::open(&context.paths, name)?;
            let (copied, left) = shown(quiet, word("from"), |part| container.copy_out(path, To::Host(&here), options, part))?;
            (format!("Successfully copied {} to {here}\n", human::size(copied)), left)
        }
        (Side::Here(here), Side::Container(name, path)) => {
            let here = if here == "-" { None } else { Some(absolute(here)?) };
            if here.is_none() && std::io::stdin().is_terminal() {
                return Err(Error::usage("there is no archive to copy").hint("pipe one in"));
            }
            let from = here.as_deref().map_or_else(|| From::Archive(Box::new(std::io::stdin().lock())), From::Host);
            let container = copy::open(&context.paths, name)?;
            let (copied, left) = shown(quiet, word("from"), |part| container.copy_in(from, path, options, part))?;
            (format!("Successfully copied {} to {name}:{path}\n", human::size(copied)), left)
        }
    };
    tell(&left_out);
    if !quiet {
        say_aside(copied.as_bytes());
    }
    Ok(0)
}

fn to_stdout(context: &Context, name: &str, path: &str, options: Options) -> Result<i32> {
    if std::io::stdout().is_terminal() {
        return Err(Error::usage("an archive is nothing for a terminal").hint("send the output to a file or to tar"));
    }
    let container = copy::open(&context.paths, name)?;
    match container.copy_out(path, To::Archive(&mut Output::new()), options, &Part::default()) {
        // What is said of it, and with which code, is the same for all that we say.
        Err(error) if error.errno() == Some(Errno::EPIPE) => Ok(0),
        other => {
            tell(&other?);
            Ok(0)
        }
    }
}

/// While it goes on, a terminal shows how much has been copied.
fn shown(quiet: bool, what: &str, copy: impl FnOnce(&Part) -> Result<LeftOut>) -> Result<(u64, LeftOut)> {
    progress::shown(Show::moving(!quiet), |progress| {
        let part = progress.begin(what, None);
        let left_out = copy(&part)?;
        Ok((part.done(), left_out))
    })
}

fn tell(left_out: &LeftOut) {
    for one in left_out {
        // Names come from the container; an error's text stays on its line.
        say_aside(format!("left out: {}\n", Error::failed(one.as_str())).as_bytes());
    }
}

/// `CONTAINER:PATH`, or a path on this machine, which may have a colon too if it begins with `/` or `.`.
#[derive(Debug, PartialEq)]
enum Side<'a> {
    Container(&'a str, &'a str),
    Here(&'a str),
}

impl Side<'_> {
    fn of(word: &str) -> Side<'_> {
        match word.split_once(':') {
            Some((name, path)) if !word.starts_with(['/', '.']) => Side::Container(name, path),
            _ => Side::Here(word),
        }
    }
}

fn absolute(path: &str) -> Result<String> {
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let here = std::env::current_dir().context("cannot find the current directory")?;
    let here =
        here.to_str().ok_or_else(|| Error::usage("the name of the current directory is no text").hint("write the path from / on"))?;
    Ok(format!("{}/{path}", here.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_makes_a_container_unless_the_word_begins_like_a_path() {
        assert_eq!(Side::of("web:/etc"), Side::Container("web", "/etc"));
        assert_eq!(Side::of("web:etc:x"), Side::Container("web", "etc:x"));
        for here in ["file", "-", "/a:b", "./a:b", "../a:b", ".a:b"] {
            assert_eq!(Side::of(here), Side::Here(here));
        }
    }
}
