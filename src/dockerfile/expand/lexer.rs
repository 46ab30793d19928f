//! A text, letter by letter: quotes, escapes, and where one word ends.

use super::LookUp;
use crate::error::{Error, Result};

/// What one text may become: more than any line of a program's arguments may have, and little enough to be made again and again.
const MOST: usize = 1 << 20;
/// `${a:-${b:-…}}`: deeper than anybody writes.
const DEEPEST: usize = 64;

/// How a text is read.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    pub escape: char,
    /// Quotes stay where they are, and keep their meaning.
    pub shows_quotes: bool,
    pub shows_escapes: bool,
    /// Quotes are letters like any other.
    pub keeps_quotes_whole: bool,
    /// What is not set stays as it is written.
    pub keeps_unset: bool,
    /// For the names only: nothing is refused because of a value.
    pub only_looks: bool,
}

impl Manner {
    pub fn usual(escape: char) -> Manner {
        Manner { escape, ..Manner::default() }
    }
}

pub struct Lexer<'a> {
    letters: Vec<(usize, char)>,
    next: usize,
    pub manner: Manner,
    look_up: LookUp<'a>,
    /// The names that were looked up.
    pub asked: Vec<String>,
    depth: usize,
    /// Bytes that may still be made.
    room: usize,
    /// Steps that comparing with patterns may still take.
    pub patience: usize,
}

#[derive(Default)]
pub struct Found {
    pub whole: String,
    /// Each with the place where it began.
    pub words: Vec<(usize, String)>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &str, manner: Manner, look_up: LookUp<'a>) -> Lexer<'a> {
        let letters = text.char_indices().collect();
        Lexer { letters, next: 0, manner, look_up, asked: Vec::new(), depth: 0, room: MOST, patience: 1 << 24 }
    }

    pub fn all(&mut self) -> Result<Found> {
        let shows_escapes = self.manner.shows_escapes;
        // The text itself is there already: only what it grows by is counted.
        self.room += self.letters.len() * 4;
        self.until(None, shows_escapes)
    }

    pub fn peek(&self) -> Option<char> {
        self.letters.get(self.next).map(|(_, letter)| *letter)
    }

    pub fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.next += 1;
        Some(letter)
    }

    fn offset(&self) -> usize {
        self.letters.get(self.next).map_or(0, |(offset, _)| *offset)
    }

    pub fn value(&mut self, name: &str) -> Option<String> {
        if !self.asked.iter().any(|asked| asked == name) {
            self.asked.push(name.to_owned());
        }
        (self.look_up)(name)
    }

    /// Up to this letter, which is taken, too, or to the end.
    pub fn until(&mut self, stop: Option<char>, shows_escapes: bool) -> Result<Found> {
        if self.depth == DEEPEST {
            return Err(Error::usage("braces are nested too deeply"));
        }
        let before = std::mem::replace(&mut self.manner.shows_escapes, shows_escapes);
        self.depth += 1;
        let found = self.parts(stop);
        self.depth -= 1;
        self.manner.shows_escapes = before;
        found
    }

    fn parts(&mut self, stop: Option<char>) -> Result<Found> {
        let mut parts = Parts::default();
        while let Some(letter) = self.peek() {
            let at = self.offset();
            if Some(letter) == stop {
                self.next += 1;
                return Ok(parts.finish());
            }
            let has_quotes = !self.manner.keeps_quotes_whole;
            match letter {
                '$' => {
                    let value = self.dollar()?;
                    self.count(value.len())?;
                    value.chars().for_each(|letter| parts.letter(at, letter));
                    parts.found.whole.push_str(&value);
                }
                '\'' | '"' if has_quotes => {
                    let quoted = if letter == '"' { self.double_quoted()? } else { self.single_quoted()? };
                    parts.fixed(at, &quoted);
                    parts.found.whole.push_str(&quoted);
                }
                _ => {
                    self.next += 1;
                    if letter != self.manner.escape {
                        parts.letter(at, letter);
                        parts.found.whole.push(letter);
                        continue;
                    }
                    if self.manner.shows_escapes {
                        parts.fixed(at, letter.encode_utf8(&mut [0; 4]));
                        parts.found.whole.push(letter);
                    }
                    let Some(meant) = self.take() else { break };
                    parts.fixed(at, meant.encode_utf8(&mut [0; 4]));
                    parts.found.whole.push(meant);
                }
            }
        }
        match stop {
            Some(stop) => Err(Error::usage(format!("{stop:?} is missing"))),
            None => Ok(parts.finish()),
        }
    }

    /// Up to the next one, and nothing has a meaning in it.
    fn single_quoted(&mut self) -> Result<String> {
        let mut text = String::new();
        self.quote(&mut text);
        loop {
            match self.peek() {
                None => return Err(unclosed("single")),
                Some('\'') => {
                    self.quote(&mut text);
                    return Ok(text);
                }
                Some(letter) => text.push(letter),
            }
            self.next += 1;
        }
    }

    /// Dollars have their meaning in it, and the escape only before a dollar, a quote and itself.
    fn double_quoted(&mut self) -> Result<String> {
        let mut text = String::new();
        self.quote(&mut text);
        loop {
            match self.peek() {
                None => return Err(unclosed("double")),
                Some('"') => {
                    self.quote(&mut text);
                    return Ok(text);
                }
                Some('$') => {
                    let value = self.dollar()?;
                    self.count(value.len())?;
                    text.push_str(&value);
                }
                Some(escape) if escape == self.manner.escape => {
                    self.next += 1;
                    if self.manner.shows_escapes {
                        text.push(escape);
                    }
                    match self.peek() {
                        None => {}
                        Some(meant) if meant == '"' || meant == '$' || meant == escape => {
                            self.next += 1;
                            text.push(meant);
                        }
                        Some(_) => text.push(escape),
                    }
                }
                Some(letter) => {
                    self.next += 1;
                    text.push(letter);
                }
            }
        }
    }

    fn quote(&mut self, text: &mut String) {
        let letter = self.take();
        text.extend(letter.filter(|_| self.manner.shows_quotes));
    }

    /// Values may name each other again and again, and double each time.
    fn count(&mut self, bytes: usize) -> Result<()> {
        self.room = self.room.checked_sub(bytes).ok_or_else(|| Error::usage("it becomes too long"))?;
        Ok(())
    }
}

fn unclosed(which: &str) -> Error {
    Error::usage(format!("a {which} quote is not closed"))
}

/// The text as one, and as words.
#[derive(Default)]
struct Parts {
    found: Found,
    word: String,
    began: Option<usize>,
}

impl Parts {
    /// One that ends a word, if it is a blank.
    fn letter(&mut self, at: usize, letter: char) {
        if letter.is_whitespace() {
            self.end_word();
        } else {
            self.began.get_or_insert(at);
            self.word.push(letter);
        }
    }

    /// Belongs to the word, blanks too.
    fn fixed(&mut self, at: usize, text: &str) {
        self.began.get_or_insert(at);
        self.word.push_str(text);
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            self.found.words.push((self.began.take().unwrap_or(0), std::mem::take(&mut self.word)));
        }
    }

    fn finish(mut self) -> Found {
        self.end_word();
        self.found
    }
}
