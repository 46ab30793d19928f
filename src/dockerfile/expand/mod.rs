//! Variables are replaced and quotes taken away, by the rules of Dockerfiles, which are nearly those of a shell.
//!
//! `lexer.rs` goes through a text letter by letter, `dollar.rs` reads what begins with a dollar, `pattern.rs` knows `*` and `?`.
//! `instruction.rs` says where in an instruction variables may stand.

mod dollar;
mod instruction;
mod lexer;
mod pattern;

pub use instruction::instruction;

use crate::error::{Error, Result};
use lexer::{Lexer, Manner};

/// What a variable is worth; `None`: it is not set.
pub type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One word: blanks stay.
pub fn word(text: &str, escape: char, look_up: LookUp) -> Result<String> {
    if !text.contains(['$', '"', '\'', escape]) {
        return Ok(text.to_owned());
    }
    let mut lexer = Lexer::new(text, Manner::usual(escape), look_up);
    Ok(lexer.all().map_err(|why| cannot_expand(text, why))?.whole)
}

/// The same, split at blanks that stand neither in quotes nor behind an escape.
pub fn words(text: &str, escape: char, look_up: LookUp) -> Result<Vec<String>> {
    let mut lexer = Lexer::new(text, Manner::usual(escape), look_up);
    let found = lexer.all().map_err(|why| cannot_expand(text, why))?;
    Ok(found.words.into_iter().map(|(_, word)| word).collect())
}

/// The content of a heredoc that becomes a file: its quotes belong to it.
pub fn heredoc(text: &str, look_up: LookUp) -> Result<String> {
    let mut lexer = Lexer::new(text, Manner { keeps_quotes_whole: true, ..Manner::usual('\\') }, look_up);
    Ok(lexer.all().map_err(|why| cannot_expand("the heredoc", why))?.whole)
}

/// The variables that a text names, each once, in the order of their first mention.
pub fn names(text: &str, escape: char) -> Vec<String> {
    named(text, Manner::usual(escape))
}

/// The same of a heredoc that becomes a file.
pub fn names_in_heredoc(text: &str) -> Vec<String> {
    named(text, Manner { keeps_quotes_whole: true, ..Manner::usual('\\') })
}

fn named(text: &str, manner: Manner) -> Vec<String> {
    let mut lexer = Lexer::new(text, Manner { only_looks: true, ..manner }, &|_| None);
    let _ = lexer.all();
    lexer.asked
}

/// Whether it can be read at all, whatever its variables are.
pub fn check(text: &str, escape: char) -> Result<()> {
    let mut lexer = Lexer::new(text, Manner { only_looks: true, ..Manner::usual(escape) }, &|_| None);
    lexer.all().map(drop).map_err(|why| cannot_expand(text, why))
}

/// The words of a line for the shell as they are written, each with its place; none, if the line is nothing that can be split.
pub(super) fn shell_words(text: &str) -> Vec<(usize, String)> {
    let manner = Manner { shows_quotes: true, shows_escapes: true, keeps_unset: true, ..Manner::usual('\\') };
    Lexer::new(text, manner, &|_| None).all().map(|found| found.words).unwrap_or_default()
}

/// The words of it without their quotes and escapes, but with their variables.
pub(super) fn unquoted(text: &str) -> Result<Vec<String>> {
    let manner = Manner { keeps_unset: true, ..Manner::usual('\\') };
    let found = Lexer::new(text, manner, &|_| None).all().map_err(|why| cannot_expand(text, why))?;
    Ok(found.words.into_iter().map(|(_, word)| word).collect())
}

fn cannot_expand(text: &str, why: Error) -> Error {
    why.context(format!("cannot expand {text:.100?}"))
}

#[cfg(test)]
mod tests;
