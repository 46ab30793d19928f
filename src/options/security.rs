//! `--security-opt`: the words that loosen or tighten what the kernel lets the container do.

use super::mounts::parse_bool;
use crate::error::{Error, Result};
use crate::names;

#[derive(Debug, PartialEq, Eq)]
pub enum SecurityOption {
    NoNewPrivileges(bool),
    SeccompDefault,
    SeccompUnconfined,
    /// The name of a file with a profile; who calls reads it.
    SeccompFile(String),
    /// A protection that is switched off, of a kind that no container of ours has.
    NothingToDo,
}

pub fn parse(text: &str) -> Result<SecurityOption> {
    // Docker took a colon once; scripts still write it.
    let (key, value) = match text.split_once('=').or_else(|| text.split_once(':')) {
        Some((key, value)) => (key, Some(value)),
        None => (text, None),
    };
    match (key, value) {
        ("no-new-privileges", value) => Ok(SecurityOption::NoNewPrivileges(parse_bool(value.unwrap_or("true"))?)),
        ("seccomp", Some("unconfined")) => Ok(SecurityOption::SeccompUnconfined),
        ("seccomp", Some("builtin")) => Ok(SecurityOption::SeccompDefault),
        ("seccomp", Some("") | None) => Err(Error::usage("seccomp has no value").hint("write seccomp=unconfined or seccomp=FILE")),
        ("seccomp", Some(file)) => Ok(SecurityOption::SeccompFile(file.to_owned())),
        ("apparmor", Some("unconfined")) | ("label", Some("disable")) => Ok(SecurityOption::NothingToDo),
        ("apparmor" | "label" | "systempaths", _) => Err(Error::cannot_keep(format!("{key} is not built yet"))),
        _ => Err(Error::usage(format!("unknown option {key:?}"))
            .hint(names::one_of(key, &["seccomp=unconfined", "seccomp=FILE", "no-new-privileges"]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_understood() {
        assert_eq!(parse("no-new-privileges").unwrap(), SecurityOption::NoNewPrivileges(true));
        assert_eq!(parse("no-new-privileges:true").unwrap(), SecurityOption::NoNewPrivileges(true));
        assert_eq!(parse("no-new-privileges=false").unwrap(), SecurityOption::NoNewPrivileges(false));
        assert_eq!(parse("seccomp=unconfined").unwrap(), SecurityOption::SeccompUnconfined);
        assert_eq!(parse("seccomp:unconfined").unwrap(), SecurityOption::SeccompUnconfined);
        assert_eq!(parse("seccomp=a=b.json").unwrap(), SecurityOption::SeccompFile("a=b.json".into()));
    }

    #[test]
    fn a_protection_that_cannot_be_given_is_refused() {
        for text in ["apparmor=my-profile", "label=type:x", "seccomp=", "seccomp", "what", "no-new-privileges=perhaps", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
