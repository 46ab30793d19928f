//! `--detach-keys`: the keys that leave a container without ending it, `ctrl-p,ctrl-q` when nothing is said.

use crate::error::{Error, Result};

/// ctrl-p ctrl-q.
pub const DEFAULT: &[u8] = &[16, 17];

/// Nothing said, or nothing in it: the usual keys, as with Docker.
pub fn parse_or_default(text: Option<&str>) -> Result<Vec<u8>> {
    text.filter(|text| !text.is_empty()).map_or_else(|| Ok(DEFAULT.to_vec()), parse)
}

/// The bytes a terminal sends for them. Keys are single letters or `ctrl-` and a letter or one of `@ [ \ ] ^ _`.
fn parse(text: &str) -> Result<Vec<u8>> {
    text.split(',').map(key).collect()
}

fn key(text: &str) -> Result<u8> {
    let unknown =
        || Error::usage(format!("{text:?} is no key")).hint("write keys like ctrl-p,ctrl-q or single letters, with commas between");
    let lower = text.to_ascii_lowercase();
    match (lower.strip_prefix("ctrl-").map(str::as_bytes), text.as_bytes()) {
        // A control key sends its letter with the two upper bits cleared (ascii(7)).
        (Some([letter @ (b'a'..=b'z' | b'@' | b'[' | b'\\' | b']' | b'^' | b'_')]), _) => Ok(letter & 0x1f),
        (None, [letter]) if letter.is_ascii_graphic() => Ok(*letter),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_what_a_terminal_sends() {
        assert_eq!(parse("ctrl-p,ctrl-q").unwrap(), DEFAULT);
        assert_eq!(parse("ctrl-@,a,Ctrl-A,ctrl-_").unwrap(), [0, b'a', 1, 31]);
    }

    #[test]
    fn nothing_said_means_the_usual_keys() {
        assert_eq!(parse_or_default(None).unwrap(), DEFAULT);
        assert_eq!(parse_or_default(Some("")).unwrap(), DEFAULT);
        assert_eq!(parse_or_default(Some("ctrl-a,d")).unwrap(), b"\x01d");
        assert!(parse_or_default(Some("hyper-x")).is_err());
    }

    #[test]
    fn unknown_keys_are_refused() {
        for text in ["", "ctrl-", "ctrl-1", "ab", "a,", "é", "ctrl-pq"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
