//! `check=skip=RULE,…;error=true;experimental=RULE`: which rules somebody does not want, for the file or for one instruction.

use crate::dockerfile::lines::Whole;
use crate::error::{Error, Result};
use crate::options::mounts::parse_bool;

#[derive(Debug, Default, PartialEq)]
pub struct Options {
    skipped: Names,
    tried: Names,
    pub is_error: bool,
}

#[derive(Debug, Default, PartialEq)]
struct Names(Vec<String>);

impl Names {
    fn parse(text: &str) -> Names {
        Names(text.split(',').map(|name| name.trim().to_owned()).collect())
    }

    fn has(&self, rule: &str) -> bool {
        self.0.iter().any(|name| name == "all" || name.eq_ignore_ascii_case(rule))
    }
}

impl Options {
    pub fn parse(text: &str) -> Result<Options> {
        let mut options = Options::default();
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim() {
                "skip" => options.skipped = Names::parse(value),
                "experimental" => options.tried = Names::parse(value),
                "error" => options.is_error = parse_bool(value.trim()).map_err(|error| error.context("check=error"))?,
                other => {
                    return Err(Error::usage(format!("unknown option {other:.60?} of the directive check"))
                        .hint("write for example check=skip=RULE,RULE;error=true"));
                }
            }
        }
        Ok(options)
    }

    pub fn skips(&self, rule: &str) -> bool {
        self.skipped.has(rule)
    }

    pub fn tries(&self, rule: &str) -> bool {
        self.tried.has(rule)
    }
}

/// `# check=skip=RULE // because …` right above an instruction is about this instruction.
pub fn skipped_here(whole: &Whole, rule: &str) -> bool {
    whole.comments.iter().filter_map(|comment| option(comment)).any(|options| options.skips(rule))
}

/// A comment that is none, but an option.
pub fn option(comment: &str) -> Option<Options> {
    let (name, rest) = comment.split_once('=')?;
    let rest = rest.split("//").next()?;
    (name.trim().eq_ignore_ascii_case("check")).then(|| Options::parse(rest).ok())?
}
