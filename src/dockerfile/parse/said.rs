//! One line taken apart: the instruction's name, its flags, and the rest.

use super::flags::{self, Flag, Flags};
use super::{known, unknown};
use crate::dockerfile::expand;
use crate::dockerfile::instruction::{Instruction, Line, Place};
use crate::dockerfile::lines::{self, Whole};
use crate::error::{Error, Result};

pub struct Said<'a> {
    pub file: &'a str,
    pub line: &'a Whole,
    pub escape: char,
    /// In capitals.
    pub name: &'static str,
    /// Where the name stands in the line.
    pub begin: usize,
    flags: Vec<Flag>,
    /// Behind the flags, without blanks at both ends, and where it stands in the line.
    pub rest: &'a str,
    pub rest_at: usize,
}

impl<'a> Said<'a> {
    /// What stands in the line from `from` on.
    pub fn of(file: &'a str, line: &'a Whole, from: usize, escape: char) -> Result<Said<'a>> {
        let text = &line.text[from..];
        let begin = from + text.len() - text.trim_start().len();
        let text = text.trim();
        let (word, behind) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let behind_at = begin + text.len() - behind.len();
        if word.is_empty() {
            return Err(lines::complain(file, line, begin, "an instruction is missing").hint("for example RUN COMMAND"));
        }
        let name = known(word).ok_or_else(|| unknown(file, line, begin, word))?;
        let (mut flags, rest) = flags::cut(behind);
        flags.iter_mut().for_each(|flag| flag.at += behind_at);
        let rest_at = begin + text.len() - rest.len();
        Ok(Said { file, line, escape, name, begin, flags, rest, rest_at })
    }

    /// Its flags, if all are known ones.
    pub fn flags(&self, known: &[flags::Known]) -> Result<Flags> {
        flags::sort(&self.flags, known, self)
    }

    /// No flags, and something behind the name.
    pub fn rest_alone(&self, what: &str) -> Result<&'a str> {
        self.flags(&[])?;
        self.something(what)
    }

    pub fn something(&self, what: &str) -> Result<&'a str> {
        match self.rest {
            "" => Err(self.wrong(self.begin, &format!("{} needs {what}", self.name)).hint(format!("{} {what}", self.name))),
            rest => Ok(rest),
        }
    }

    /// A word in which variables may stand: whether it can be read is known before their values are.
    pub fn checked(&self, word: &str, at: usize) -> Result<String> {
        match expand::check(word, self.escape) {
            Ok(()) => Ok(word.to_owned()),
            Err(error) => Err(self.wrong_because(at, &error)),
        }
    }

    pub fn place(&self, at: usize) -> Place {
        self.line.place(at)
    }

    pub fn wrong(&self, at: usize, what: &str) -> Error {
        lines::complain(self.file, self.line, at, what)
    }

    /// An error of someone who does not know where it was.
    pub fn wrong_because(&self, at: usize, error: &Error) -> Error {
        let wrong = self.wrong(at, &error.to_string());
        match error.hint_text() {
            Some(hint) => wrong.hint(hint),
            None => wrong,
        }
    }

    pub fn line(&self, instruction: Instruction) -> Line {
        Line {
            at: self.place(self.begin),
            end: self.line.end,
            text: self.line.text[self.begin..].trim_end().to_owned(),
            below: self.line.below.clone(),
            instruction,
        }
    }
}
