//! The instructions that are a name and some words: WORKDIR, USER, VOLUME, EXPOSE, STOPSIGNAL, MAINTAINER.

use super::run::only_texts;
use super::said::Said;
use super::words::{self, Json};
use crate::dockerfile::instruction::Instruction;
use crate::error::{Error, Result};

pub fn parse(said: &Said) -> Result<Instruction> {
    let whole = |what: &str| said.rest_alone(what).and_then(|rest| said.checked(rest, said.rest_at));
    Ok(match said.name {
        "WORKDIR" => Instruction::Workdir(whole("DIRECTORY")?),
        "USER" => Instruction::User(whole("USER[:GROUP]")?),
        "STOPSIGNAL" => Instruction::StopSignal(whole("SIGNAL")?),
        "EXPOSE" => Instruction::Expose(separate(said, "PORT[/PROTOCOL]")?),
        "VOLUME" => Instruction::Volume(volumes(said)?),
        "MAINTAINER" => Instruction::Maintainer(said.rest_alone("NAME")?.to_owned()),
        other => return Err(Error::usage(format!("{other} cannot stand here"))),
    })
}

fn separate(said: &Said, what: &str) -> Result<Vec<String>> {
    let rest = said.rest_alone(what)?;
    words::split(rest).into_iter().map(|(at, word)| said.checked(word, said.rest_at + at)).collect()
}

fn volumes(said: &Said) -> Result<Vec<String>> {
    let rest = said.rest_alone("DIRECTORY")?;
    match words::json(rest) {
        Json::Words(words) if words.iter().any(|word| word.trim().is_empty()) || words.is_empty() => {
            Err(said.wrong(said.rest_at, "a volume needs the name of a directory").hint("VOLUME [\"/data\"]"))
        }
        Json::Words(words) => words.into_iter().map(|word| said.checked(&word, said.rest_at)).collect(),
        Json::Others => Err(only_texts(said)),
        Json::No => separate(said, "DIRECTORY"),
    }
}
