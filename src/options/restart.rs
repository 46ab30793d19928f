//! `--restart`: what becomes of a container when its command has ended.

use crate::error::{Error, Result};
use crate::names;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    #[default]
    No,
    /// When its code was not 0; so often at most, where a number is given.
    OnFailure(Option<u32>),
    Always,
    /// Like `Always`, but one that somebody stopped stays so, also over a start of the machine.
    UnlessStopped,
}

impl Restart {
    /// Whether it is begun again after a run that ended so; `restarts`: how often that was done since somebody started it.
    pub fn begins_again(self, exit_code: i32, restarts: u32) -> bool {
        match self {
            Restart::No => false,
            Restart::OnFailure(most) => exit_code != 0 && most.is_none_or(|most| restarts < most),
            Restart::Always | Restart::UnlessStopped => true,
        }
    }
}

pub fn parse(text: &str) -> Result<Restart> {
    let wrong = |why: &str| {
        Err(Error::usage(format!("invalid restart policy {text:?}"))
            .because(why.to_owned())
            .hint(names::one_of(text, &["no", "on-failure", "on-failure:5", "always", "unless-stopped"])))
    };
    let (name, most) = text.split_once(':').map_or((text, None), |(name, most)| (name, Some(most)));
    let policy = match name {
        "" | "no" => Restart::No,
        "always" => Restart::Always,
        "unless-stopped" => Restart::UnlessStopped,
        "on-failure" => match most.map(str::parse) {
            None => Restart::OnFailure(None),
            // Docker takes 0 for "as often as need be".
            Some(Ok(0)) => Restart::OnFailure(None),
            Some(Ok(most)) => Restart::OnFailure(Some(most)),
            Some(Err(_)) => return wrong("how often is a number"),
        },
        _ => return wrong("there is no such policy"),
    };
    if most.is_some() && name != "on-failure" {
        return wrong("only on-failure takes a number");
    }
    Ok(policy)
}

/// As it is typed, and shown.
impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Restart::No => f.write_str("no"),
            Restart::OnFailure(None) => f.write_str("on-failure"),
            Restart::OnFailure(Some(most)) => write!(f, "on-failure:{most}"),
            Restart::Always => f.write_str("always"),
            Restart::UnlessStopped => f.write_str("unless-stopped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back() {
        let policies = ["no", "on-failure", "on-failure:2", "always", "unless-stopped"].map(|text| parse(text).unwrap());
        let again = |code, restarts| policies.map(|policy| policy.begins_again(code, restarts));
        assert_eq!(again(0, 0), [false, false, false, true, true]);
        assert_eq!(again(1, 1), [false, true, true, true, true]);
        assert_eq!(again(1, 2), [false, true, false, true, true]);
    }

    #[test]
    fn policies_are_read_and_shown_alike() {
        for text in ["no", "on-failure", "on-failure:3", "always", "unless-stopped"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("on-failure:0").unwrap(), Restart::OnFailure(None));
        assert_eq!(parse("").unwrap(), Restart::No);
        for wrong in ["always:3", "no:1", "on-failure:x", "on-failure:-1", "sometimes"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
