//! `--ulimit NAME=SOFT[:HARD]`: what setrlimit(2) shall say in the container.

use super::Ulimit;
use crate::error::{Error, Result};
use crate::names;

/// The resources of getrlimit(2), as Docker names them.
pub const NAMES: &[&str] = &[
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

pub fn parse(text: &str) -> Result<Ulimit> {
    let (name, values) = text
        .split_once('=')
        .ok_or_else(|| Error::usage("there is no =").hint("write NAME=SOFT or NAME=SOFT:HARD, for example nofile=1024:2048"))?;
    if !NAMES.contains(&name) {
        return Err(Error::usage(format!("{name:?} is no resource")).hint(names::one_of(name, NAMES)));
    }
    let (soft, hard) = match values.split_once(':') {
        Some((soft, hard)) => (number(soft)?, number(hard)?),
        None => (number(values)?, number(values)?),
    };
    // Unlimited is the largest number of all, so this holds for it too.
    if soft > hard {
        return Err(Error::usage("the soft limit is above the hard limit"));
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard })
}

/// A later limit for the same resource replaces the earlier one.
pub fn add(ulimits: &mut Vec<Ulimit>, new: Ulimit) {
    match ulimits.iter_mut().find(|known| known.name == new.name) {
        Some(known) => *known = new,
        None => ulimits.push(new),
    }
}

fn number(text: &str) -> Result<u64> {
    match text {
        "-1" | "unlimited" => Ok(u64::MAX),
        _ => text.parse().map_err(|_| Error::usage(format!("{text:?} is not a number")).hint("-1 means unlimited")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_both_limits() {
        assert_eq!(parse("nofile=64").unwrap(), Ulimit { name: "nofile".into(), soft: 64, hard: 64 });
        assert_eq!(parse("core=0:-1").unwrap(), Ulimit { name: "core".into(), soft: 0, hard: u64::MAX });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["", "nofile", "nofile=", "nofile=x", "nofile=2:1", "nofile=-1:5", "nofile=-2", "files=3", "nofile=1:2:3"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_later_wish_wins() {
        let mut all = vec![parse("core=1").unwrap(), parse("cpu=1").unwrap()];
        add(&mut all, parse("core=2").unwrap());
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].soft, 2);
    }
}
