//! `--detach-keys`: the keys that leave a container without ending it, `ctrl-p,ctrl-q` when nothing is said.

use crate::error::{Error, Result};

/// ctrl-p ctrl-q.
pub const DEFAULT: &[u8] = &[16, 17];

/// The bytes a terminal sends for them. Keys are single letters or `ctrl-` and a letter or one of `@ [ \ ] ^ _`.
pub fn parse(text: &str) -> Result<Vec<u8>> {
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
    fn unknown_keys_are_refused() {
        for text in ["", "ctrl-", "ctrl-1", "ab", "a,", "é", "ctrl-pq"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
