//! `# escape=…`, `# syntax=…`, `# check=…`: comments at the very top of a file that change how it is read.

use super::instruction::Place;
use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq)]
pub struct Directives {
    pub escape: char,
    pub syntax: Option<String>,
    pub check: Option<String>,
    /// Of `check`, for those who complain about it.
    pub check_at: Place,
    /// So many lines at the top are directives, and no comments.
    pub lines: usize,
}

impl Default for Directives {
    fn default() -> Self {
        Directives { escape: '\\', syntax: None, check: None, check_at: Place::default(), lines: 0 }
    }
}

/// Reads them from the top of the file; the first line that is none of them ends them.
pub fn read(text: &str, file: &str) -> Result<Directives> {
    let mut found = Directives::default();
    let mut seen: Vec<String> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // A file that is executable by itself.
        if index == 0 && line.starts_with("#!") {
            continue;
        }
        let Some((name, value)) = directive(line) else { break };
        let wrong = |why: String| Error::usage(format!("{file}:{}:1: {why}", index + 1)).because(line.trim().to_owned());
        if seen.contains(&name) {
            return Err(wrong(format!("there is a second directive {name}")).hint("leave one of them out"));
        }
        match name.as_str() {
            "escape" => {
                found.escape = match value {
                    "\\" => '\\',
                    "`" => '`',
                    _ => return Err(wrong(format!("the escape cannot be {value:?}")).hint("write escape=\\ or escape=`")),
                }
            }
            "syntax" => found.syntax = Some(value.to_owned()),
            "check" => (found.check, found.check_at) = (Some(value.to_owned()), Place { line: index + 1, column: 1 }),
            _ => break,
        }
        seen.push(name);
        found.lines = index + 1;
    }
    Ok(found)
}

/// Its name in small letters, and its value; any other comment is `None`.
fn directive(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    (is_name && !value.is_empty()).then(|| (name.to_ascii_lowercase(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stand_at_the_top_only() {
        let found = read("# syntax = docker/dockerfile:1\n#Escape=`\n# check=skip=all\nFROM x\n", "f").unwrap();
        assert_eq!((found.syntax.as_deref(), found.escape, found.check.as_deref()), (Some("docker/dockerfile:1"), '`', Some("skip=all")));
        assert_eq!(found.check_at.line, 3);
        for late in ["\n# escape=`", "# a comment\n# escape=`", "FROM x\n# escape=`", "# unknown=1\n# escape=`", "# escape=\n# escape=`"] {
            assert_eq!(read(late, "f").unwrap().escape, '\\', "{late:?}");
        }
        assert_eq!(read("#!/usr/bin/env build\n# escape=`", "f").unwrap().escape, '`');
    }

    #[test]
    fn one_that_comes_twice_or_makes_no_sense_is_refused() {
        let error = read("# syntax=a\n# SYNTAX=b", "Dockerfile").unwrap_err();
        assert_eq!(error.to_string(), "Dockerfile:2:1: there is a second directive syntax: # SYNTAX=b");
        assert!(read("# escape=x", "f").unwrap_err().hint_text().unwrap().contains("escape=`"));
    }
}
