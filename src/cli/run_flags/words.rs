//! How a flag is spelt, and how its word is asked for, with the flag named in whatever is wrong with it.

use crate::error::{Context, Error, Kind, Result};
use crate::options::mounts;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::Read;

/// `--init`, `--init=false`: a value only behind `=`, so that `--rm alpine` is not read as one.
pub fn switch(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg =
        Arg::new(name).long(name).help(help).num_args(0..=1).require_equals(true).default_missing_value("true").hide_possible_values(true);
    // The value is only for scripts; in the help it would be noise.
    let arg = arg.value_name("BOOL");
    if let Some(short) = short { arg.short(short) } else { arg }
}

pub fn value(name: &'static str, short: Option<char>, value_name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name(value_name).help(help).allow_hyphen_values(true);
    if let Some(short) = short { arg.short(short) } else { arg }
}

pub fn list(name: &'static str, short: Option<char>, value_name: &'static str, help: &'static str) -> Arg {
    value(name, short, value_name, help).action(ArgAction::Append)
}

/// The words of one command line, asked for by flag.
pub struct Flags<'a>(pub &'a ArgMatches);

impl<'a> Flags<'a> {
    /// A flag that this command does not have was not given.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.0.try_get_one::<String>(name).ok().flatten().map(String::as_str)
    }
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.try_get_many::<String>(name).ok().flatten().into_iter().flatten().map(String::as_str)
    }
    pub fn switch(&self, name: &str) -> Result<Option<bool>> {
        self.parse(name, mounts::parse_bool)
    }
    pub fn on(&self, name: &str) -> Result<bool> {
        Ok(self.switch(name)?.unwrap_or(false))
    }
    /// The value of a flag, with the flag named in the error.
    pub fn parse<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
        self.text(name).map(|text| parse(text).map_err(|e| blame(name, text, e))).transpose()
    }
    pub fn parse_all<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
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
