//! `--group-add`: further groups of the user, by number or by the names of the container's /etc/group.

use super::users::{self, Who};
use crate::error::{Error, Result};

/// The text as it was typed; a name is looked up when the container starts.
pub fn parse(text: &str) -> Result<String> {
    if text.is_empty() || text.contains(':') {
        return Err(Error::usage("not a group").hint("give a name of the container's /etc/group, or a number"));
    }
    // What is no good name of a user is no good name of a group either.
    users::parse(text).map(|_| text.to_owned())
}

/// The numbers among them: only they can be said in the spec.
pub fn numbers(groups: &[String]) -> Vec<u32> {
    let number = |group: &String| match users::parse(group) {
        Ok(users::User { user: Who::Number(number), .. }) => Some(number),
        _ => None,
    };
    groups.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_told_apart() {
        let groups: Vec<String> = ["audio", "44", "wheel", "0"].iter().map(|text| parse(text).unwrap()).collect();
        assert_eq!(numbers(&groups), [44, 0]);
    }

    #[test]
    fn what_is_no_group_is_refused() {
        for text in ["", "a:b", "-1", "4294967295", "a b", "a,b", ":"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
