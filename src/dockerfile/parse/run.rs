//! RUN, CMD, ENTRYPOINT, SHELL: what is executed, by itself or by a shell.

use super::flags::Takes;
use super::mount;
use super::said::Said;
use super::words::{self, Json};
use crate::dockerfile::instruction::{Command, Run};
use crate::error::{Error, Kind, Result};
use crate::names;

pub fn run(said: &Said) -> Result<Run> {
    let known = [("mount", Takes::Texts), ("network", Takes::Text), ("security", Takes::Text), ("device", Takes::Texts)];
    let flags = said.flags(&known)?;
    if let Some((_, at)) = flags.texts("device").next() {
        return Err(said.wrong(at, "RUN --device is not built").of_kind(Kind::CannotKeep).hint("leave it out"));
    }
    let choice = |name: &str, words: &[&str]| match flags.texts(name).next() {
        None => Ok(None),
        Some((word, _)) if words.contains(&word) => Ok(Some(word.to_owned())),
        Some((word, at)) => Err(said.wrong(at, &format!("unknown {name} {word:?}")).hint(names::one_of(word, words))),
    };
    Ok(Run {
        network: choice("network", &["default", "none", "host"])?,
        security: choice("security", &["sandbox", "insecure"])?,
        mounts: flags.texts("mount").map(|(text, at)| mount::parse(text, said, at)).collect::<Result<_>>()?,
        command: form(said)?,
        heredocs: said.line.heredocs.clone(),
    })
}

pub fn command(said: &Said) -> Result<Command> {
    said.flags(&[])?;
    form(said)
}

/// As an array, or for the shell.
pub fn form(said: &Said) -> Result<Command> {
    let rest = said.something("COMMAND")?;
    match words::json(rest) {
        Json::Words(words) if said.name == "RUN" && words.is_empty() => Err(said.wrong(said.rest_at, "RUN needs a command")),
        Json::Words(words) => Ok(Command::Exec(words)),
        Json::Others => Err(only_texts(said)),
        Json::No => Ok(Command::Shell(rest.to_owned())),
    }
}

pub fn only_texts(said: &Said) -> Error {
    said.wrong(said.rest_at, "only texts may stand in the array").hint("put each word in double quotes")
}

pub fn shell(said: &Said) -> Result<Vec<String>> {
    let rest = said.rest_alone("[\"PROGRAM\", \"-c\"]")?;
    match words::json(rest) {
        Json::Words(words) if !words.is_empty() => Ok(words),
        Json::Others => Err(only_texts(said)),
        _ => Err(said.wrong(said.rest_at, "SHELL needs a JSON array").hint("SHELL [\"/bin/bash\", \"-c\"]")),
    }
}
