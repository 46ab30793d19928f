//! What the result of a step is known by: a digest over what led to it. Times are never part of it.

use crate::image::digest_of_bytes;
use serde::{Deserialize, Serialize};

/// Changed whenever a step means something else than before: results of an older tare are not taken for ours.
const VERSION: &str = "1";

/// 64 hex digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(String);

impl Key {
    /// Of what has nothing below it.
    pub fn first(words: &[&str]) -> Key {
        Key::default().then(words)
    }

    /// Of the next step. Each word is written with its length, so that none can pass for two.
    pub fn then(&self, words: &[&str]) -> Key {
        let all = [VERSION, &self.0].into_iter().chain(words.iter().copied());
        let text: String = all.map(|word| format!("{}:{word}", word.len())).collect();
        Key(digest_of_bytes(text.as_bytes()))
    }

    pub fn hex(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_lead_to_equal_keys_and_no_word_passes_for_two() {
        let base = Key::first(&["image", "sha256:1"]);
        assert_eq!(base.then(&["RUN", "a"]), base.then(&["RUN", "a"]));
        assert_ne!(base.then(&["RUN", "ab"]), base.then(&["RUNa", "b"]));
        assert_ne!(base.then(&["RUN", "a"]), Key::default().then(&["RUN", "a"]));
        assert_eq!(base.hex().len(), 64);
    }
}
