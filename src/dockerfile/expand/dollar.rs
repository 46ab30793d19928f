//! `$v`, `${v}`, and what may stand in the braces behind the name.

use super::lexer::Lexer;
use super::pattern::Pattern;
use crate::error::{Error, Result};

impl Lexer<'_> {
    /// What begins with a dollar, replaced.
    pub fn dollar(&mut self) -> Result<String> {
        self.take();
        if self.peek() == Some('{') {
            self.take();
            return self.braces();
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        Ok(match self.value(&name) {
            None if self.manner.keeps_unset => format!("${name}"),
            value => value.unwrap_or_default(),
        })
    }

    fn braces(&mut self) -> Result<String> {
        match self.peek() {
            None => return Err(no_brace()),
            Some('{' | '}' | ':') => return Err(Error::usage("bad substitution").hint("write ${NAME}")),
            Some(_) => {}
        }
        let name = self.name();
        match self.take() {
            None => Err(no_brace()),
            Some('}') => Ok(match self.value(&name) {
                None if self.manner.keeps_unset => format!("${{{name}}}"),
                value => value.unwrap_or_default(),
            }),
            Some(':') => {
                let sign = self.take().ok_or_else(no_brace)?;
                self.modified(&name, sign, true)
            }
            Some('/') => self.replaced(&name),
            Some(sign) => self.modified(&name, sign, false),
        }
    }

    /// `${v:-word}` and its like. With the colon what is empty counts as not set.
    fn modified(&mut self, name: &str, sign: char, has_colon: bool) -> Result<String> {
        let colon = if has_colon { ":" } else { "" };
        if !"-+?#%".contains(sign) {
            return Err(Error::usage(format!("${{{name}{colon}{sign}…}} has no meaning"))
                .hint("what may follow a name: :- :+ :? - + ? # ## % %% / //"));
        }
        let is_pattern = sign == '#' || sign == '%';
        let word = self.until(Some('}'), is_pattern).map_err(|error| self.or_no_brace(error))?.whole;
        let value = self.value(name);
        if value.is_none() && self.manner.keeps_unset {
            return Ok(format!("${{{name}{colon}{sign}{word}}}"));
        }
        if self.manner.only_looks {
            return Ok(String::new());
        }
        let counts = value.as_ref().is_some_and(|value| !has_colon || !value.is_empty());
        let is_set = value.is_some();
        let value = value.unwrap_or_default();
        match sign {
            '-' => Ok(if counts { value } else { word }),
            '+' => Ok(if counts { word } else { String::new() }),
            '?' if counts => Ok(value),
            '?' => {
                let usual = if is_set { "it must not be empty" } else { "it must be set" };
                let why = if word.is_empty() { usual } else { &word };
                Err(Error::usage(name).because(why).hint(format!("give it a value by ENV, or by ARG and --build-arg {name}=…")))
            }
            _ => {
                let (pattern, is_longest) = match word.strip_prefix(sign) {
                    Some(pattern) => (pattern, true),
                    None => (&word[..], false),
                };
                let pattern = Pattern::parse(pattern)?;
                let cut = if sign == '#' { Pattern::without_prefix } else { Pattern::without_suffix };
                cut(&pattern, &value, is_longest, &mut self.patience)
            }
        }
    }

    /// `${v/a/b}`, and `${v//a/b}` for all of them.
    fn replaced(&mut self, name: &str) -> Result<String> {
        let all = self.peek() == Some('/');
        if all {
            self.take();
        }
        let pattern = self.until(Some('/'), true).map_err(|error| match self.peek() {
            None => Error::usage("the second slash is missing").hint("write ${NAME/OLD/NEW}"),
            Some(_) => error,
        })?;
        let new = self.until(Some('}'), true).map_err(|error| self.or_no_brace(error))?;
        let value = self.value(name);
        match value {
            None if self.manner.keeps_unset => Ok(format!("${{{name}/{}/{}}}", pattern.whole, new.whole)),
            _ if self.manner.only_looks => Ok(String::new()),
            value => Pattern::parse(&pattern.whole)?.replace(&value.unwrap_or_default(), &new.whole, all, &mut self.patience),
        }
    }

    /// Letters, digits and underscores; or a number; or one of the shell's signs, which are never set here.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.peek() {
            Some(digit) if digit.is_ascii_digit() => {
                while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
                    name.push(digit);
                    self.take();
                }
                return name;
            }
            Some(sign @ ('@' | '*' | '#' | '?' | '-' | '$' | '!')) => {
                self.take();
                return sign.to_string();
            }
            _ => {}
        }
        while let Some(letter) = self.peek().filter(|letter| letter.is_alphanumeric() || *letter == '_') {
            name.push(letter);
            self.take();
        }
        name
    }

    fn or_no_brace(&self, error: Error) -> Error {
        if self.peek().is_none() { no_brace() } else { error }
    }
}

fn no_brace() -> Error {
    Error::usage("a } is missing").hint("write ${NAME}")
}
