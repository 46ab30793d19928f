//! What it is called and what is written beside it; and what becomes of it at its end.

use super::words::{Flag, Flags, blame, list, read_file, switch, value};
use crate::error::{Context, Error, Result};
use crate::options::restart::{self, Restart};
use crate::options::{Wishes, env_file, exposed, labels, platform};
use std::path::PathBuf;

pub const FLAGS: &[Flag] = &[
    value("name", None, "NAME", "Name of the container"),
    list("label", Some('l'), "KEY=VALUE", "Label of the container"),
    list("label-file", None, "FILE", "Read labels from a file"),
    list("annotation", None, "KEY=VALUE", "Handed on in the OCI spec"),
    list("expose", None, "PORT[-PORT][/PROTOCOL]", "Ports on which it says it listens"),
    value("platform", None, "OS/ARCHITECTURE", "Refused unless it is this machine's"),
    value("cidfile", None, "FILE", "Write the container's id to a new file"),
    value("pidfile", None, "FILE", "Where the number of its first process stands while it runs"),
    value("restart", None, "POLICY", "Begin it again when it ends: on-failure[:COUNT], always, unless-stopped"),
    switch("rm", None, "Remove the container when it ends"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.labels = labels_of(flags)?;
    for annotation in flags.parse_all("annotation", annotation)? {
        labels::add(&mut wishes.annotations, annotation);
    }
    wishes.exposed = flags.parse_all("expose", exposed::parse)?.concat();
    wishes.exposed.sort();
    wishes.exposed.dedup();
    flags.parse("platform", |text| platform::check(text, std::env::consts::ARCH))?;
    wishes.pid_file = flags.parse("pidfile", absolute)?;
    wishes.remove = flags.on("rm")?;
    wishes.restart = flags.parse("restart", restart::parse)?.unwrap_or_default();
    if wishes.remove && wishes.restart != Restart::No {
        return Err(Error::usage("--restart and --rm contradict each other"));
    }
    Ok(())
}

fn annotation(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').ok_or_else(|| Error::usage("there is no =").hint("write KEY=VALUE"))?;
    // OCI: a key must not be empty. Ours say how a container was made, and are nobody else's to set.
    if key.is_empty() || key.starts_with("tare.") {
        return Err(Error::usage(format!("{key:?} cannot be the key of an annotation")).hint("any other but those that begin with tare."));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// The monitor that will write it works in another directory.
fn absolute(text: &str) -> Result<PathBuf> {
    Ok(std::env::current_dir().context("cannot find the current directory")?.join(file(text)?))
}

pub fn file(text: &str) -> Result<PathBuf> {
    if text.is_empty() {
        return Err(Error::usage("no file is named"));
    }
    Ok(text.into())
}

fn labels_of(flags: &Flags) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for file in flags.all("label-file") {
        let text = read_file("label-file", file, env_file::LONGEST_FILE)?;
        for label in labels::parse_file(&text).map_err(|e| blame("label-file", file, e))? {
            labels::add(&mut all, label);
        }
    }
    for label in flags.parse_all("label", labels::parse)? {
        labels::add(&mut all, label);
    }
    Ok(all)
}
