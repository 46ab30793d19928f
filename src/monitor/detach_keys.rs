//! The way out of an attached container: a sequence of keys (ctrl-p ctrl-q) that is looked for in what the user types.

/// Keys that could be the beginning of the sequence are held back until the next one decides; so ctrl-p reaches a shell
/// only with the key after it.
pub struct DetachKeys {
    sequence: Vec<u8>,
    /// How many keys of the sequence were typed.
    seen: usize,
}

impl DetachKeys {
    pub fn new(sequence: &[u8]) -> Self {
        DetachKeys { sequence: sequence.to_vec(), seen: 0 }
    }

    /// Takes what was typed and appends to `forward` what the container gets of it. True: the sequence is complete, and
    /// what was typed after it is nobody's.
    pub fn feed(&mut self, typed: &[u8], forward: &mut Vec<u8>) -> bool {
        if self.sequence.is_empty() {
            forward.extend_from_slice(typed);
            return false;
        }
        for key in typed {
            while self.seen > 0 && self.sequence[self.seen] != *key {
                self.fall_back(forward);
            }
            if self.sequence[self.seen] != *key {
                forward.push(*key);
                continue;
            }
            self.seen += 1;
            if self.seen == self.sequence.len() {
                self.seen = 0;
                return true;
            }
        }
        false
    }

    /// It was not the sequence after all, but its end may be a beginning: with the keys a,a,b, `aaab` leaves too.
    fn fall_back(&mut self, forward: &mut Vec<u8>) {
        let typed = &self.sequence[..self.seen];
        let shorter = (0..self.seen).rev().find(|length| typed.ends_with(&self.sequence[..*length])).unwrap_or(0);
        forward.extend_from_slice(&typed[..self.seen - shorter]);
        self.seen = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::detach_keys::DEFAULT;

    fn typed(sequence: &[u8], pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let (mut keys, mut forward) = (DetachKeys::new(sequence), Vec::new());
        let left = pieces.iter().any(|piece| keys.feed(piece, &mut forward));
        (forward, left)
    }

    #[test]
    fn the_sequence_leaves_however_it_arrives() {
        assert_eq!(typed(DEFAULT, &[b"ls\n\x10\x11rest"]), (b"ls\n".to_vec(), true));
        assert_eq!(typed(DEFAULT, &[b"\x10", b"\x11"]), (vec![], true));
        assert_eq!(typed(b"x", &[b"abx"]), (b"ab".to_vec(), true));
    }

    #[test]
    fn a_broken_sequence_reaches_the_container_whole() {
        assert_eq!(typed(DEFAULT, &[b"\x10", b"a"]), (b"\x10a".to_vec(), false));
        assert_eq!(typed(DEFAULT, &[b"\x10\x10\x10a\x11"]), (b"\x10\x10\x10a\x11".to_vec(), false));
        assert_eq!(typed(DEFAULT, &[b"\x10\x10\x11"]), (b"\x10".to_vec(), true));
        assert_eq!(typed(b"aab", &[b"aaab"]), (b"a".to_vec(), true));
        assert_eq!(typed(b"", &[b"\x10\x11"]), (b"\x10\x11".to_vec(), false));
    }
}
