//! How a flag is spelt, and how its word is asked for, with the flag named in whatever is wrong with it.
//!
//! Flags are data, because two read them: clap, which explains them and says what is wrong with a line (`arg`), and our own
//! reader of lines that are right (`line.rs`).

use super::line::Line;
use crate::error::{Context, Error, Kind, Result};
use crate::options::mounts;
use clap::{Arg, ArgAction};
use std::io::Read;

#[derive(Clone, Copy)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<char>,
    pub other_name: Option<&'static str>,
    pub takes: Takes,
    value_name: &'static str,
    help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// `--init`, `--init=false`: a value only behind `=`, so that `--rm alpine` is not read as one.
    Switch,
    /// The last one given counts.
    One,
    /// Each one given counts.
    Many,
    /// `--explain`, `--explain=sh`: a value only behind `=`, and this one where none is given.
    Perhaps(&'static str),
}

pub const fn switch(name: &'static str, short: Option<char>, help: &'static str) -> Flag {
    // The value is only for scripts; in the help it would be noise.
    Flag { name, short, other_name: None, takes: Takes::Switch, value_name: "BOOL", help }
}

pub const fn value(name: &'static str, short: Option<char>, value_name: &'static str, help: &'static str) -> Flag {
    Flag { name, short, other_name: None, takes: Takes::One, value_name, help }
}

pub const fn list(name: &'static str, short: Option<char>, value_name: &'static str, help: &'static str) -> Flag {
    Flag { name, short, other_name: None, takes: Takes::Many, value_name, help }
}

/// `usual`: what it means without a value.
pub const fn perhaps(name: &'static str, usual: &'static str, value_name: &'static str, help: &'static str) -> Flag {
    Flag { name, short: None, other_name: None, takes: Takes::Perhaps(usual), value_name, help }
}

impl Flag {
    pub const fn alias(self, other_name: &'static str) -> Flag {
        Flag { other_name: Some(other_name), ..self }
    }

    /// The same in clap's words.
    pub fn arg(&self) -> Arg {
        let arg = Arg::new(self.name).long(self.name).value_name(self.value_name).help(self.help);
        let arg = match self.takes {
            Takes::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true").hide_possible_values(true),
            Takes::One => arg.allow_hyphen_values(true),
            Takes::Many => arg.allow_hyphen_values(true).action(ArgAction::Append),
            Takes::Perhaps(usual) => arg.num_args(0..=1).require_equals(true).default_missing_value(usual),
        };
        let arg = if let Some(short) = self.short { arg.short(short) } else { arg };
        if let Some(other_name) = self.other_name { arg.alias(other_name) } else { arg }
    }
}

/// The words of one command line, asked for by flag.
pub struct Flags<'a>(pub Line<'a>);

impl<'a> Flags<'a> {
    /// A flag that this command does not have was not given.
    pub fn text(&self, name: &'static str) -> Option<&'a str> {
        self.all(name).last()
    }
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.0.values.iter().filter(move |(flag, _)| *flag == name).map(|(_, value)| *value)
    }
    pub fn switch(&self, name: &'static str) -> Result<Option<bool>> {
        self.parse(name, mounts::parse_bool)
    }
    pub fn on(&self, name: &'static str) -> Result<bool> {
        Ok(self.switch(name)?.unwrap_or(false))
    }
    /// The value of a flag, with the flag named in the error.
    pub fn parse<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
        self.text(name).map(|text| parse(text).map_err(|e| blame(name, text, e))).transpose()
    }
    pub fn parse_all<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
        self.all(name).map(|text| parse(text).map_err(|e| blame(name, text, e))).collect()
    }
}

/// Flag and value first, then what is wrong with it.
pub fn blame(flag: &str, value: &str, error: Error) -> Error {
    match error.kind() {
        Kind::Usage => error.context(format!("invalid value {value:?} for --{flag}")),
        _ => error.context(format!("cannot keep --{flag} {value}")),
    }
}

/// A whole text file, with a bound: `/dev/zero` is a file name too.
pub fn read_file(flag: &str, path: &str, longest: u64) -> Result<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().with_context(|| format!("cannot read {path:?} for --{flag}"))?;
    if bytes.len() as u64 > longest {
        return Err(Error::usage(format!("{path:?} for --{flag} is longer than {longest} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("{path:?} for --{flag} is not text in UTF-8")))
}
