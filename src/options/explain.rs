//! `--explain`: how a command tells what it does.

use crate::error::{Error, Result};
use crate::names;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explain {
    /// Each step with its title and its time.
    Short,
    /// And why, and every system call.
    Full,
    /// The same for programs.
    Json,
    /// A shell script that does the same by hand; nothing is done.
    Script,
}

pub fn parse(word: &str) -> Result<Explain> {
    match word {
        "short" => Ok(Explain::Short),
        "full" => Ok(Explain::Full),
        "json" => Ok(Explain::Json),
        "sh" => Ok(Explain::Script),
        _ => Err(Error::usage("no such way to explain").hint(names::one_of(word, &["short", "full", "json", "sh"]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_four_ways_and_a_wrong_one_is_answered_with_them() {
        assert_eq!(
            ["short", "full", "json", "sh"].map(|word| parse(word).unwrap()),
            [Explain::Short, Explain::Full, Explain::Json, Explain::Script]
        );
        assert!(parse("shell").unwrap_err().hint_text().unwrap().contains("sh"));
    }
}
