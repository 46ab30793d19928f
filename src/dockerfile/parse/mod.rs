//! A line becomes an instruction, and lines become stages.

mod files;
pub mod flags;
mod from;
mod health;
pub mod mount;
mod pairs;
mod plain;
mod run;
mod said;
#[cfg(test)]
mod tests;
pub mod words;

use super::instruction::{Dockerfile, Instruction, Line, Stage};
use super::lines::{self, Whole};
use crate::error::{Error, Kind, Result};
use crate::names;
use said::Said;

/// More lines, and more stages, than anybody writes.
const MOST: usize = 50_000;
const MOST_STAGES: usize = 2000;

const ALL: [&str; 18] = [
    "FROM",
    "RUN",
    "COPY",
    "ADD",
    "ENV",
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "WORKDIR",
    "USER",
    "EXPOSE",
    "VOLUME",
    "LABEL",
    "SHELL",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ONBUILD",
    "MAINTAINER",
];

/// A whole Dockerfile; `file` is what it is called in messages.
pub fn parse(text: &str, file: &str) -> Result<Dockerfile> {
    let source = lines::read(text, file)?;
    let mut all = Dockerfile {
        escape: source.directives.escape,
        syntax: source.directives.syntax,
        check: source.directives.check,
        ..Dockerfile::default()
    };
    if source.lines.len() > MOST {
        return Err(
            Error::damaged(format!("{file} has {} instructions", source.lines.len())).because(format!("at most {MOST} are allowed"))
        );
    }
    for whole in &source.lines {
        let said = Said::of(file, whole, 0, all.escape)?;
        if said.name == "FROM" {
            all.stages.push(from::parse(&said)?);
            continue;
        }
        let line = line(&said)?;
        match (all.stages.last_mut(), &line.instruction) {
            (Some(stage), _) => stage.lines.push(line),
            (None, Instruction::Arg(_)) => all.arguments.push(line),
            (None, _) => {
                let what = format!("{} stands before the first FROM", said.name);
                return Err(said.wrong(said.begin, &what).hint("only ARG may stand there; FROM scratch begins with no files at all"));
            }
        }
    }
    if all.stages.len() > MOST_STAGES {
        return Err(Error::damaged(format!("{file} has {} stages", all.stages.len())).because(format!("at most {MOST_STAGES} are allowed")));
    }
    if all.stages.is_empty() {
        let what = if source.lines.is_empty() { "has no instructions" } else { "has no FROM" };
        return Err(Error::damaged(format!("{file} {what}")).hint("a Dockerfile begins with FROM IMAGE"));
    }
    Ok(all)
}

/// One instruction by itself: a trigger of an image, `--change`.
pub fn parse_line(text: &str, escape: char) -> Result<Line> {
    let whole = lines::read_one(text, escape)?;
    let said = Said::of("", &whole, 0, escape)?;
    match said.name {
        "FROM" => Err(said.wrong(said.begin, "FROM begins a Dockerfile, and this is one instruction")),
        _ => line(&said),
    }
}

fn line(said: &Said) -> Result<Line> {
    let instruction = match said.name {
        "ARG" => pairs::arguments(said)?,
        "ENV" => Instruction::Env(pairs::pairs(said)?),
        "LABEL" => Instruction::Label(pairs::pairs(said)?),
        "RUN" => Instruction::Run(run::run(said)?),
        "CMD" => Instruction::Cmd(run::command(said)?),
        "ENTRYPOINT" => Instruction::Entrypoint(run::command(said)?),
        "SHELL" => Instruction::Shell(run::shell(said)?),
        "COPY" => Instruction::Copy(files::copy(said)?),
        "ADD" => Instruction::Add(files::add(said)?),
        "HEALTHCHECK" => Instruction::Healthcheck(health::parse(said)?),
        "ONBUILD" => on_build(said)?,
        _ => plain::parse(said)?,
    };
    Ok(said.line(instruction))
}

/// `ONBUILD RUN …`: kept as it is written, but understood now, so that it is wrong for its author and not for his users.
fn on_build(said: &Said) -> Result<Instruction> {
    said.flags(&[])?;
    let trigger = Said::of(said.file, said.line, said.rest_at, said.escape)?;
    match trigger.name {
        "ONBUILD" => Err(trigger.wrong(trigger.begin, "ONBUILD cannot trigger ONBUILD")),
        "FROM" | "MAINTAINER" => Err(trigger.wrong(trigger.begin, &format!("{} cannot be triggered by ONBUILD", trigger.name))),
        _ => Ok(Instruction::OnBuild(Box::new(line(&trigger)?))),
    }
}

fn stage(said: &Said, name: Option<String>, base: String, platform: Option<String>) -> Stage {
    Stage { from: said.line(Instruction::From), name, base, platform, lines: Vec::new() }
}

/// Its name in capitals, if it is one.
fn known(word: &str) -> Option<&'static str> {
    ALL.into_iter().find(|name| name.eq_ignore_ascii_case(word))
}

fn unknown(file: &str, whole: &Whole, at: usize, word: &str) -> Error {
    let near = names::nearest(&word.to_ascii_uppercase(), ALL);
    let hint = match near.first() {
        Some(name) => format!("did you mean {name}?"),
        None => "if it belongs to the line before, that one must end with a backslash".to_owned(),
    };
    lines::complain(file, whole, at, &format!("unknown instruction {word:.60}")).of_kind(Kind::Usage).hint(hint)
}
