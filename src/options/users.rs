//! `-u USER[:GROUP]`: names or numbers. Names are looked up inside the container, so that nothing of the host decides.

use crate::error::{Error, Result};

/// One half of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Number(u32),
    Name(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub user: Who,
    /// `None`: the group that the container's /etc/passwd gives the user, else 0.
    pub group: Option<Who>,
}

/// An empty text is root, as an image without USER means it.
pub fn parse(text: &str) -> Result<User> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    if group.is_some_and(|group| group.contains(':')) {
        return Err(Error::usage("there are too many colons").hint("write USER:GROUP"));
    }
    if group == Some("") {
        return Err(Error::usage("there is no group behind the colon"));
    }
    let group = group.map(who).transpose()?;
    let user = if user.is_empty() { Who::Number(0) } else { who(user)? };
    Ok(User { user, group })
}

/// Only digits is a number: `exec -u N` once ran as root because a number was not understood (CVE-2026-30892), so what is
/// neither a good number nor a good name is refused and never becomes 0.
fn who(text: &str) -> Result<Who> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // 4294967295 means "leave as it is" to setresuid(2); above 2^31 other programs see negative numbers.
        let number = text.parse::<u32>().ok().filter(|number| *number <= i32::MAX as u32);
        return number.map(Who::Number).ok_or_else(|| Error::usage(format!("{text} is not a number from 0 to 2147483647")));
    }
    if text.starts_with(['-', '+']) || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '/') {
        return Err(Error::usage(format!("{text:?} is neither a name nor a number")));
    }
    Ok(Who::Name(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_told_apart() {
        assert_eq!(parse("1").unwrap(), User { user: Who::Number(1), group: None });
        assert_eq!(parse("1:2").unwrap(), User { user: Who::Number(1), group: Some(Who::Number(2)) });
        assert_eq!(parse("01").unwrap().user, Who::Number(1));
        assert_eq!(parse("nobody:nogroup").unwrap(), User { user: Who::Name("nobody".into()), group: Some(Who::Name("nogroup".into())) });
        assert_eq!(parse("").unwrap().user, Who::Number(0));
        assert_eq!(parse(":5").unwrap(), User { user: Who::Number(0), group: Some(Who::Number(5)) });
    }

    #[test]
    fn cve_2026_30892_no_bad_number_becomes_root() {
        for text in
            ["4294967295", "4294967296", "2147483648", "-1", "+1", "1:-1", "1:4294967295", "web:", "a b", "1:2:3", "99999999999999999999"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
