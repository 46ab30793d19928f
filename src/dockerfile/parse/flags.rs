//! `--name=value` between an instruction and its words.

use super::said::Said;
use crate::error::{Error, Result};
use crate::names;

pub struct Flag {
    /// Without its quotes.
    pub text: String,
    pub at: usize,
}

/// What a flag takes.
#[derive(Clone, Copy, PartialEq)]
pub enum Takes {
    Text,
    /// It may come several times.
    Texts,
    /// Nothing, or `=true`, `=false`.
    Switch,
}

pub type Known = (&'static str, Takes);

/// Takes the flags off the beginning, and gives the rest, without blanks at both ends. `--` ends them.
pub fn cut(text: &str) -> (Vec<Flag>, &str) {
    let mut flags = Vec::new();
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        let at = text.len() - rest.len();
        let (word, behind) = first_word(rest);
        rest = behind.trim_start();
        if word == "--" {
            break;
        }
        flags.push(Flag { text: word, at });
    }
    (flags, rest.trim_end())
}

/// Blanks within quotes belong to it; quotes and backslashes are taken away.
fn first_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (letter, quote) {
            ('\\', _) => word.extend(letters.next().map(|(_, meant)| meant)),
            (letter, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => quote = Some(letter),
            (letter, None) if letter.is_whitespace() => return (word, &text[at..]),
            (letter, _) => word.push(letter),
        }
    }
    (word, "")
}

/// The flags of one line, each with its value and its place.
pub struct Flags(Vec<(&'static str, String, usize)>);

pub fn sort(flags: &[Flag], known: &[Known], said: &Said) -> Result<Flags> {
    let mut found: Vec<(&str, String, usize)> = Vec::new();
    for flag in flags {
        let bare = &flag.text[2..];
        let (typed, value) = match bare.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (bare, None),
        };
        let Some((name, takes)) = known.iter().find(|(name, _)| *name == typed) else {
            return Err(unknown(typed, known, said, flag.at));
        };
        if *takes != Takes::Texts && found.iter().any(|(have, ..)| have == name) {
            return Err(said.wrong(flag.at, &format!("--{name} is there twice")).hint("leave one of them out"));
        }
        let value = match (takes, value) {
            (Takes::Switch, None) => "true".to_owned(),
            (Takes::Switch, Some(value)) => match value.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => word.to_owned(),
                _ => return Err(said.wrong(flag.at, &format!("--{name} is either true or false, and not {value:?}"))),
            },
            (_, Some(value)) => value.to_owned(),
            (_, None) => {
                let wrong = said.wrong(flag.at, &format!("--{name} has no value"));
                return Err(wrong.hint(format!("write --{name}=VALUE, with = and no blank")));
            }
        };
        found.push((name, value, flag.at));
    }
    Ok(Flags(found))
}

/// Flags of other instructions are told where they belong.
fn unknown(typed: &str, known: &[Known], said: &Said, at: usize) -> Error {
    let wrong = said.wrong(at, &format!("unknown flag --{typed:.60} of {}", said.name));
    let names: Vec<String> = known.iter().map(|(name, _)| format!("--{name}")).collect();
    let typed = format!("--{typed}");
    if let Some(hint) = names::did_you_mean(&typed, names.iter().map(String::as_str)) {
        return wrong.hint(hint);
    }
    match names.is_empty() {
        true => wrong.hint(format!("{} has no flags", said.name)),
        false => wrong.hint(format!("{} has {}", said.name, names.join(", "))),
    }
}

impl Flags {
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(have, ..)| *have == name).map(|(_, value, _)| value.clone())
    }

    pub fn switch(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }

    pub fn texts(&self, name: &str) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().filter(move |(have, ..)| *have == name).map(|(_, value, at)| (value.as_str(), *at))
    }

    /// All that are there, each with its place.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str, usize)> {
        self.0.iter().map(|(name, value, at)| (*name, value.as_str(), *at))
    }
}
