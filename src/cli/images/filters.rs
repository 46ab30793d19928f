//! Which images `images` shows: by name, and by `--filter`.

use crate::engine::now;
use crate::error::{Error, Result};
use crate::image::catalog::Listed;
use crate::image::{self, Reference};
use crate::paths::Paths;
use crate::time;

/// A name without a tag means all of them.
pub fn keep_named(rows: &mut Vec<Listed>, name: &str) -> Result<()> {
    if name.contains(['*', '?']) {
        rows.retain(|row| fits(name, row));
        return Ok(());
    }
    let wanted = Reference::parse(name)?;
    let fits = |have: &str| {
        have == wanted.to_string()
            || (!name.contains(':') && have.rsplit_once(':').is_some_and(|(repository, _)| repository == wanted.repository()))
    };
    rows.retain(|row| row.name.as_deref().is_some_and(fits));
    Ok(())
}

/// Each must fit; of several patterns one.
pub fn keep(paths: &Paths, rows: &mut Vec<Listed>, filters: &[&String]) -> Result<()> {
    let filters = filters.iter().map(|filter| Filter::parse(paths, filter)).collect::<Result<Vec<_>>>()?;
    rows.retain(|row| filters.iter().all(|filter| filters.iter().any(|other| other.stands_for(filter) && other.fits(row))));
    Ok(())
}

#[derive(PartialEq)]
enum Filter {
    Dangling(bool),
    Reference(String),
    /// Name, and value where one was given.
    Label(String, Option<String>),
    /// Made before this moment.
    Before(u64),
    Since(u64),
}

impl Filter {
    fn parse(paths: &Paths, text: &str) -> Result<Filter> {
        let wrong = || {
            Error::usage(format!("unknown filter {text:?}"))
                .hint("use dangling=true|false, reference=PATTERN, label=NAME[=VALUE], before=IMAGE, since=IMAGE or until=TIME")
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        Ok(match name {
            "dangling" => Filter::Dangling(value.parse().map_err(|_| wrong())?),
            "reference" => Filter::Reference(value.to_owned()),
            "label" => match value.split_once('=') {
                Some((label, wanted)) => Filter::Label(label.to_owned(), Some(wanted.to_owned())),
                None => Filter::Label(value.to_owned(), None),
            },
            "before" => Filter::Before(made(paths, value)?),
            "since" => Filter::Since(made(paths, value)?),
            "until" => Filter::Before(time::parse_moment(value, now())?),
            _ => return Err(wrong()),
        })
    }

    fn stands_for(&self, other: &Filter) -> bool {
        self == other || matches!((self, other), (Filter::Reference(_), Filter::Reference(_)))
    }

    fn fits(&self, row: &Listed) -> bool {
        let made = || time::parse_rfc3339(&row.created).unwrap_or(0);
        match self {
            Filter::Dangling(wanted) => row.name.is_none() == *wanted,
            Filter::Reference(pattern) => fits(pattern, row),
            Filter::Label(name, value) => row.labels.get(name).is_some_and(|have| value.as_ref().is_none_or(|value| have == value)),
            Filter::Before(moment) => made() < *moment,
            Filter::Since(moment) => made() > *moment,
        }
    }
}

/// When an image was made.
fn made(paths: &Paths, name: &str) -> Result<u64> {
    let image = image::find(paths, name)?;
    Ok(image.config.created().as_deref().and_then(time::parse_rfc3339).unwrap_or(0))
}

/// The whole name, or what stands before its tag.
fn fits(pattern: &str, row: &Listed) -> bool {
    let fits = |have: &str| matches(pattern, have) || have.rsplit_once(':').is_some_and(|(name, _)| matches(pattern, name));
    row.name.as_deref().is_some_and(fits)
}

/// `*` and `?` as in a shell. Only the last star is ever tried again: what the earlier ones took is never worse than another choice.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[place] => (at, place) = (at + 1, place + 1),
            _ => {
                let Some((before, taken)) = star else { return false };
                star = Some((before, taken + 1));
                (at, place) = (before + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_those_of_a_shell() {
        assert!(matches("busy*", "busybox:latest") && matches("*", "") && matches("b?x", "box"));
        assert!(!matches("busy", "busybox") && !matches("?", ""));
        assert!(matches("*a*b?c*", "xaxbxbyc") && !matches("*a*b?c", "xaxbxbycd") && matches("", "") && matches("**", "ä"));
    }

    #[test]
    fn many_stars_take_no_time() {
        // Tried one against all others, this would not end.
        assert!(!matches(&"*a".repeat(40), &"a".repeat(39)));
        assert!(!matches(&format!("{}b", "*a".repeat(60)), &"a".repeat(200)));
    }
}
