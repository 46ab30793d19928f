//! `--label KEY[=VALUE]` and files of such lines.

use crate::error::{Error, Result};

/// Key and value; a label without `=` has an empty value.
pub fn parse(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() {
        return Err(Error::usage("the label has no name").hint("write KEY=VALUE"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// The lines of a `--label-file`: empty lines and lines that begin with `#` are not labels.
pub fn parse_file(text: &str) -> Result<Vec<(String, String)>> {
    super::env_file::lines(text)?.into_iter().map(|(name, value)| Ok((name, value.unwrap_or_default()))).collect()
}

/// A later label replaces an earlier one of the same name, in its place.
pub fn add(labels: &mut Vec<(String, String)>, (key, value): (String, String)) {
    match labels.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => labels.push((key, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_may_hold_anything() {
        assert_eq!(parse("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert_eq!(parse("a").unwrap(), ("a".into(), String::new()));
        assert!(parse("=b").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn the_last_label_of_a_name_counts() {
        let mut labels = parse_file("# head\na=1\n\n  b=2\nc\n").unwrap();
        add(&mut labels, parse("a=3").unwrap());
        assert_eq!(labels, [("a".into(), "3".into()), ("b".into(), "2".into()), ("c".into(), String::new())]);
    }
}
