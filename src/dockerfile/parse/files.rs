//! COPY and ADD.

use super::flags::{Flags, Known, Takes};
use super::run::only_texts;
use super::said::Said;
use super::words::{self, Json};
use crate::dockerfile::instruction::Copy;
use crate::dockerfile::{expand, heredoc};
use crate::error::Result;

const BOTH: [Known; 4] = [("chown", Takes::Text), ("chmod", Takes::Text), ("link", Takes::Switch), ("exclude", Takes::Texts)];

pub fn copy(said: &Said) -> Result<Copy> {
    let flags = said.flags(&[&BOTH[..], &[("from", Takes::Text), ("parents", Takes::Switch)]].concat())?;
    let copy = Copy { from: flags.text("from"), parents: flags.switch("parents").unwrap_or_default(), ..both(said, &flags)? };
    // Which stages a stage needs is known before any variable has a value.
    match flags.texts("from").next() {
        Some(("", at)) => Err(said.wrong(at, "--from is empty").hint("name a stage, an image or a named context")),
        Some((from, at)) if !expand::names(from, said.escape).is_empty() => {
            Err(said.wrong(at, "--from takes no variables").hint("FROM $IMAGE AS NAME gives it a name, and --from=NAME uses it"))
        }
        _ => Ok(copy),
    }
}

pub fn add(said: &Said) -> Result<Copy> {
    let only: [Known; 3] = [("checksum", Takes::Text), ("unpack", Takes::Switch), ("keep-git-dir", Takes::Switch)];
    let flags = said.flags(&[&BOTH[..], &only].concat())?;
    Ok(Copy {
        checksum: flags.text("checksum"),
        unpack: flags.switch("unpack"),
        keep_git_dir: flags.switch("keep-git-dir").unwrap_or_default(),
        ..both(said, &flags)?
    })
}

fn both(said: &Said, flags: &Flags) -> Result<Copy> {
    for (name, value, at) in flags.all() {
        said.checked(value, at + name.len() + 3)?;
    }
    let (words, is_json) = words_of(said)?;
    let needs = |what: &str| said.wrong(said.begin, &format!("{} needs {what}", said.name)).hint(format!("{} SOURCE… TARGET", said.name));
    let Some(((target_at, target), sources)) = words.split_last() else { return Err(needs("what to copy, and where")) };
    if !is_json && heredoc::of_word(target).is_some() {
        return Err(said.wrong(*target_at, "a heredoc cannot be the target").hint(format!("{} <<EOF /TARGET", said.name)));
    }
    if sources.is_empty() {
        return Err(needs("a source and a target"));
    }
    let mut copy = Copy {
        target: said.checked(target, *target_at)?,
        chown: flags.text("chown"),
        chmod: flags.text("chmod"),
        link: flags.switch("link").unwrap_or_default(),
        exclude: flags.texts("exclude").map(|(pattern, _)| pattern.to_owned()).collect(),
        ..Copy::default()
    };
    for (at, word) in sources {
        match heredoc::of_word(word).filter(|_| !is_json) {
            Some(announced) => copy.heredocs.extend(said.line.heredocs.iter().rfind(|have| have.name == announced.heredoc.name).cloned()),
            None => copy.sources.push(said.checked(word, *at)?),
        }
    }
    Ok(copy)
}

/// Each with its place in the line; and whether they are an array's.
fn words_of(said: &Said) -> Result<(Vec<(usize, String)>, bool)> {
    match words::json(said.rest) {
        Json::Words(words) => Ok((words.into_iter().map(|word| (said.rest_at, word)).collect(), true)),
        Json::Others => Err(only_texts(said)),
        Json::No => Ok((words::split(said.rest).into_iter().map(|(at, word)| (said.rest_at + at, word.to_owned())).collect(), false)),
    }
}
