//! Lines as people write them become lines as they are meant: comments are left out, what is continued is joined, heredocs are cut off.
//!
//! A joined line remembers where its pieces stood, so that a complaint can name the line and column in the file.

use super::directives::{self, Directives};
use super::heredoc;
use super::instruction::{Heredoc, Place};
use crate::error::{Error, Result};

/// Larger files are refused: it is Docker's limit, too, and bounds all that is made of a file.
pub const LARGEST: usize = 2 << 20;
/// In one instruction.
const MOST_HEREDOCS: usize = 1000;

/// What a file says, line by line, and nothing understood yet.
#[derive(Debug, Default)]
pub struct Source {
    pub directives: Directives,
    pub lines: Vec<Whole>,
}

/// One instruction's line, as it is meant.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    pub text: String,
    /// From which byte of the text on, and where that stands in the file.
    pieces: Vec<(usize, Place)>,
    /// The last line that belongs to it.
    pub end: usize,
    pub heredocs: Vec<Heredoc>,
    /// The lines of its heredocs as they are written, with their ends.
    pub below: String,
    /// Comments right above it.
    pub comments: Vec<String>,
    /// An empty line in its midst, which Docker forgives and warns of.
    pub gap: Option<usize>,
}

impl Whole {
    /// Where a byte of the text stands in the file.
    pub fn place(&self, offset: usize) -> Place {
        let after = self.pieces.partition_point(|(from, _)| *from <= offset);
        let (from, place) = self.pieces[..after].last().copied().unwrap_or((0, Place { line: 1, column: 1 }));
        let before = self.text.get(from..offset).unwrap_or_default();
        Place { line: place.line, column: place.column + before.chars().count() }
    }

    /// The piece that has this byte, for a complaint about it.
    pub fn piece(&self, offset: usize) -> &str {
        let after = self.pieces.partition_point(|(from, _)| *from <= offset);
        let from = self.pieces[..after].last().map_or(0, |(from, _)| *from);
        let to = self.pieces.get(after).map_or(self.text.len(), |(to, _)| *to);
        self.text.get(from..to).unwrap_or_default()
    }

    fn push(&mut self, piece: &str, place: Place) {
        self.pieces.push((self.text.len(), place));
        self.text.push_str(piece);
    }
}

/// All lines of a file.
pub fn read(text: &str, file: &str) -> Result<Source> {
    if text.len() > LARGEST {
        return Err(Error::damaged(format!("{file} is larger than {} MiB", LARGEST >> 20)).because("so long is no Dockerfile"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let directives = directives::read(text, file)?;
    let lines = Reader { rest: text, number: 0, file, escape: directives.escape, directives: directives.lines }.all()?;
    Ok(Source { directives, lines })
}

/// The one line of a trigger or of `--change`, which has no directives.
pub fn read_one(text: &str, escape: char) -> Result<Whole> {
    if text.len() > LARGEST {
        return Err(Error::damaged("the instruction is too long"));
    }
    let mut lines = Reader { rest: text, number: 0, file: "", escape, directives: 0 }.all()?.into_iter();
    match (lines.next(), lines.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Error::usage("no instruction is there")),
        (Some(_), Some(second)) => Err(Error::usage("one instruction is expected, and there is another").because(shorten(&second.text))),
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// Of the line that was read last.
    number: usize,
    file: &'a str,
    escape: char,
    /// So many lines at the top are no comments, but directives.
    directives: usize,
}

impl<'a> Reader<'a> {
    fn all(mut self) -> Result<Vec<Whole>> {
        let mut lines = Vec::new();
        let mut comments = Vec::new();
        while let Some(raw) = self.next() {
            let line = raw.trim_start();
            if let Some(comment) = line.strip_prefix('#') {
                match comment.trim() {
                    // It keeps those before it apart from what follows.
                    "" => comments.clear(),
                    _ if self.number <= self.directives => {}
                    comment => comments.push(comment.to_owned()),
                }
                continue;
            }
            if line.is_empty() {
                comments.clear();
                continue;
            }
            lines.push(self.whole(raw, std::mem::take(&mut comments))?);
        }
        Ok(lines)
    }

    /// The next line of the file, with its end.
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    /// The line that begins here, with all that continues it.
    fn whole(&mut self, first: &'a str, comments: Vec<String>) -> Result<Whole> {
        let mut whole = Whole { comments, ..Whole::default() };
        let begin = first.len() - first.trim_start().len();
        let (piece, mut is_continued) = self.without_continuation(&first[begin..]);
        let column = first[..begin].chars().count() + 1;
        whole.push(piece, Place { line: self.number, column });
        while is_continued {
            let Some(raw) = self.next() else { break };
            let line = raw.trim_start();
            if line.starts_with('#') {
                continue;
            }
            if line.is_empty() {
                whole.gap.get_or_insert(self.number);
                continue;
            }
            let (piece, more) = self.without_continuation(raw);
            whole.push(piece, Place { line: self.number, column: 1 });
            is_continued = more;
        }
        let heredocs = heredoc::announced(&whole.text);
        if heredocs.len() > MOST_HEREDOCS {
            return Err(complain(self.file, &whole, 0, &format!("there are more than {MOST_HEREDOCS} heredocs")));
        }
        for found in heredocs {
            self.heredoc(&mut whole, found)?;
        }
        whole.end = self.number;
        Ok(whole)
    }

    /// Without its end; and whether the next line belongs to it. An escape before the escape takes its meaning away.
    fn without_continuation(&self, line: &'a str) -> (&'a str, bool) {
        let line = line.trim_end_matches(['\r', '\n']);
        match line.trim_end_matches([' ', '\t']).strip_suffix(self.escape) {
            Some(before) if !before.ends_with(self.escape) => (before, true),
            _ => (line, false),
        }
    }

    /// The lines up to the one that is only its name.
    fn heredoc(&mut self, whole: &mut Whole, (at, found): (usize, heredoc::Announced)) -> Result<()> {
        let mut heredoc = found.heredoc;
        while let Some(raw) = self.next() {
            let line = if found.without_tabs { raw.trim_start_matches('\t') } else { raw };
            whole.below.push_str(raw);
            if line.trim_end_matches(['\r', '\n']) == heredoc.name {
                whole.heredocs.push(heredoc);
                return Ok(());
            }
            heredoc.content.push_str(line);
        }
        let name = &heredoc.name;
        Err(complain(self.file, whole, at, &format!("the heredoc {name} has no end"))
            .of_kind(crate::error::Kind::Damaged)
            .hint(format!("a line with nothing but {name} ends it")))
    }
}

/// An error that says where, and shows the line.
pub fn complain(file: &str, line: &Whole, offset: usize, what: &str) -> Error {
    let place = line.place(offset);
    let what = if file.is_empty() { what.to_owned() } else { format!("{file}:{}:{}: {what}", place.line, place.column) };
    Error::usage(what).because(shorten(line.piece(offset)))
}

fn shorten(line: &str) -> String {
    const MOST: usize = 120;
    let line = line.trim();
    if line.chars().count() <= MOST { line.to_owned() } else { line.chars().take(MOST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests;
