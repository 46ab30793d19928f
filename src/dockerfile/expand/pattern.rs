//! `*` and `?` within `${v#…}` and its like: parts of a text that a pattern fits.
//!
//! All places in the pattern that can be reached are followed at once, so the work is bounded by the lengths, whatever the pattern is.

use crate::error::{Error, Result};

pub struct Pattern(Vec<Part>);

#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// `*`
    Any,
    /// `?`
    One,
    Letter(char),
}

impl Part {
    /// A sign fits no end of a line.
    fn fits(self, letter: char) -> bool {
        match self {
            Part::Any | Part::One => letter != '\n',
            Part::Letter(expected) => letter == expected,
        }
    }
}

impl Pattern {
    /// A backslash takes the meaning of a sign away, and of the brace and the slash that would end the pattern.
    pub fn parse(text: &str) -> Result<Pattern> {
        let mut parts = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            parts.push(match letter {
                '*' => Part::Any,
                '?' => Part::One,
                '\\' => match letters.next() {
                    Some(meant @ ('*' | '?' | '\\' | '}' | '/')) => Part::Letter(meant),
                    other => {
                        let other = other.map_or("nothing".to_owned(), |letter| format!("{letter:?}"));
                        return Err(
                            Error::usage(format!("the pattern {text:?} has a backslash before {other}")).hint("escape only * ? / } and \\")
                        );
                    }
                },
                letter => Part::Letter(letter),
            });
        }
        Ok(Pattern(parts))
    }

    pub fn without_prefix(&self, value: &str, longest: bool, patience: &mut usize) -> Result<String> {
        let letters: Vec<char> = value.chars().collect();
        let cut = self.fit(letters.iter().copied(), longest, patience)?.unwrap_or(0);
        Ok(letters[cut..].iter().collect())
    }

    pub fn without_suffix(&self, value: &str, longest: bool, patience: &mut usize) -> Result<String> {
        let letters: Vec<char> = value.chars().collect();
        let backwards = Pattern(self.0.iter().rev().copied().collect());
        let cut = backwards.fit(letters.iter().rev().copied(), longest, patience)?.unwrap_or(0);
        Ok(letters[..letters.len() - cut].iter().collect())
    }

    /// The first part that fits, as long as can be, or all of them.
    pub fn replace(&self, value: &str, new: &str, all: bool, patience: &mut usize) -> Result<String> {
        let letters: Vec<char> = value.chars().collect();
        let mut made = String::new();
        let (mut at, mut behind_last) = (0, None);
        while at <= letters.len() {
            let fit = self.fit(letters[at..].iter().copied(), true, patience)?;
            // Right behind the last one nothing is not found once more.
            match fit.filter(|length| *length > 0 || behind_last != Some(at)) {
                Some(length) => {
                    made.push_str(new);
                    spend(patience, new.len())?;
                    if !all {
                        made.extend(&letters[at + length..]);
                        return Ok(made);
                    }
                    behind_last = Some(at + length);
                    if length == 0 {
                        made.extend(letters.get(at));
                    }
                    at += length.max(1);
                }
                None => {
                    made.extend(letters.get(at));
                    at += 1;
                }
            }
        }
        Ok(made)
    }

    /// How many letters from the beginning it fits.
    fn fit(&self, letters: impl Iterator<Item = char>, longest: bool, patience: &mut usize) -> Result<Option<usize>> {
        let end = self.0.len();
        let mut reached = vec![false; end + 1];
        self.reach(&mut reached, 0);
        let mut best = reached[end].then_some(0);
        for (index, letter) in letters.enumerate() {
            if best.is_some() && !longest {
                break;
            }
            spend(patience, end + 1)?;
            let mut next = vec![false; end + 1];
            for (at, part) in self.0.iter().enumerate().filter(|(at, part)| reached[*at] && part.fits(letter)) {
                self.reach(&mut next, if *part == Part::Any { at } else { at + 1 });
            }
            if next[end] {
                best = Some(index + 1);
            }
            if !next.contains(&true) {
                break;
            }
            reached = next;
        }
        Ok(best)
    }

    /// A star may also stand for nothing.
    fn reach(&self, reached: &mut [bool], mut at: usize) {
        reached[at] = true;
        while self.0.get(at) == Some(&Part::Any) {
            at += 1;
            reached[at] = true;
        }
    }
}

fn spend(patience: &mut usize, steps: usize) -> Result<()> {
    *patience = patience.checked_sub(steps).ok_or_else(|| Error::usage("comparing with the pattern takes too long"))?;
    Ok(())
}
