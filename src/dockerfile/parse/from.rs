//! FROM: a stage begins.

use super::flags::Takes;
use super::said::Said;
use super::{stage, words};
use crate::dockerfile::instruction::Stage;
use crate::error::Result;

pub fn parse(said: &Said) -> Result<Stage> {
    let flags = said.flags(&[("platform", Takes::Text)])?;
    let words = words::split(said.something("IMAGE")?);
    let at = |index: usize| said.rest_at + words.get(index).map_or(0, |(at, _)| *at);
    let platform = flags.texts("platform").map(|(text, at)| said.checked(text, at)).next().transpose()?;
    let (base, name) = match words[..] {
        [(_, base)] => (base, None),
        [(_, base), (_, word), (_, name)] if word.eq_ignore_ascii_case("as") => (base, Some(name)),
        [_, (_, word), ..] if word.eq_ignore_ascii_case("as") => {
            let what = if words.len() == 2 { "the name of the stage is missing" } else { "the name of a stage is one word" };
            return Err(said.wrong(at(words.len().min(4) - 1), what).hint("FROM IMAGE AS NAME"));
        }
        _ => {
            return Err(said.wrong(at(1), "FROM takes one image, and a name behind AS").hint("FROM IMAGE AS NAME"));
        }
    };
    if let Some(name) = name.filter(|name| !is_stage_name(&name.to_lowercase())) {
        return Err(said
            .wrong(at(2), &format!("{name:?} is no name for a stage"))
            .hint("letters, digits, dots, dashes and underscores, beginning with a letter"));
    }
    Ok(stage(said, name.map(str::to_lowercase), said.checked(base, said.rest_at)?, platform))
}

fn is_stage_name(name: &str) -> bool {
    let is_first = |letter: char| letter.is_ascii_lowercase();
    name.starts_with(is_first) && name.chars().all(|letter| is_first(letter) || letter.is_ascii_digit() || "-_.".contains(letter))
}
