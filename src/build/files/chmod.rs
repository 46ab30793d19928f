//! `--chmod`: an octal number, or words as of chmod(1): `u=rwX,go=rX`, `+x`, `g=u`.

use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chmod {
    Exactly(u32),
    Changes(Vec<Change>),
}

/// `u+x`: whose, how, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of the bits 0777 those that are meant, as a mask.
    whose: u32,
    /// Nobody was named: what the umask takes away is not given.
    is_masked: bool,
    how: How,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Add,
    Take,
    Set,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// Letters of `rwxXst`.
    Bits(Vec<char>),
    /// What these have: `u`, `g` or `o`.
    CopyOf(char),
}

const USUAL_UMASK: u32 = 0o022;

impl Chmod {
    pub fn parse(text: &str) -> Result<Chmod> {
        let wrong = |why: &str| Error::usage(format!("--chmod={text}")).because(why.to_owned()).hint("write 755, or words as u=rwX,go=rX");
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
            return mode.map(Chmod::Exactly).ok_or_else(|| wrong("it is not between 0 and 7777, in octal digits"));
        }
        let mut changes = Vec::new();
        for clause in text.split(',') {
            changes.extend(clause_of(clause).ok_or_else(|| wrong("it is neither an octal number nor words of chmod(1)"))?);
        }
        Ok(Chmod::Changes(changes))
    }

    /// What becomes of the mode of a file.
    pub fn of(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Chmod::Exactly(mode) => *mode,
            Chmod::Changes(changes) => changes.iter().fold(mode & 0o7777, |mode, change| change.apply(mode, is_directory)),
        }
    }
}

/// `[ugoa]*([+-=]([rwxXst]*|[ugo]))+`
fn clause_of(clause: &str) -> Option<Vec<Change>> {
    let mut letters = clause.chars().peekable();
    let (mut whose, mut is_masked) = (0, true);
    while let Some(letter) = letters.next_if(|letter| "ugoa".contains(*letter)) {
        is_masked = false;
        whose |= match letter {
            'u' => 0o700,
            'g' => 0o070,
            'o' => 0o007,
            _ => 0o777,
        };
    }
    if is_masked {
        whose = 0o777;
    }
    let mut changes = Vec::new();
    while let Some(letter) = letters.next() {
        let how = match letter {
            '+' => How::Add,
            '-' => How::Take,
            '=' => How::Set,
            _ => return None,
        };
        let what = match letters.next_if(|letter| "ugo".contains(*letter)) {
            Some(whom) => What::CopyOf(whom),
            None => {
                let mut bits = Vec::new();
                while let Some(bit) = letters.next_if(|letter| "rwxXst".contains(*letter)) {
                    bits.push(bit);
                }
                What::Bits(bits)
            }
        };
        changes.push(Change { whose, is_masked, how, what });
    }
    (!changes.is_empty()).then_some(changes)
}

impl Change {
    fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        let everyone = |bits: u32| bits << 6 | bits << 3 | bits;
        let mut bits = match &self.what {
            What::CopyOf('u') => everyone(mode >> 6 & 7),
            What::CopyOf('g') => everyone(mode >> 3 & 7),
            What::CopyOf(_) => everyone(mode & 7),
            What::Bits(letters) => letters.iter().fold(0, |bits, letter| {
                bits | match letter {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if is_directory || mode & 0o111 != 0 => 0o111,
                    _ => 0,
                }
            }),
        };
        bits &= self.whose;
        if self.is_masked {
            bits &= !USUAL_UMASK;
        }
        let special = self.special();
        match self.how {
            How::Add => mode | bits | special,
            How::Take => mode & !(bits | special),
            // Of a directory, set-user-ID and set-group-ID stay unless they are named: as chmod(1) has it.
            How::Set => {
                let cleared = self.whose | if is_directory { 0 } else { self.all_special() };
                mode & !cleared | bits | special
            }
        }
    }

    fn special(&self) -> u32 {
        let What::Bits(letters) = &self.what else { return 0 };
        letters.iter().fold(0, |bits, letter| {
            bits | match letter {
                's' => self.all_special() & 0o6000,
                't' => self.all_special() & 0o1000,
                _ => 0,
            }
        })
    }

    /// Which of the bits above 0777 belong to those who are meant.
    fn all_special(&self) -> u32 {
        let owners = [(0o700, 0o4000), (0o070, 0o2000)].into_iter().filter(|(whose, _)| self.whose & whose != 0);
        owners.fold(if self.whose == 0o777 { 0o1000 } else { 0 }, |bits, (_, bit)| bits | bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_change_a_mode_as_chmod_does() {
        let table: &[(&str, u32, bool, u32)] = &[
            ("755", 0o4600, false, 0o755),
            ("0644", 0o777, true, 0o644),
            ("7777", 0, false, 0o7777),
            ("u=rwX,go=rX", 0o600, false, 0o644),
            ("u=rwX,go=rX", 0o700, false, 0o755),
            ("u=rwX,go=rX", 0o700, true, 0o755),
            ("+x", 0o644, false, 0o755),
            ("+w", 0o444, false, 0o644),
            ("a+w", 0o444, false, 0o666),
            ("g=u", 0o640, false, 0o660),
            ("go-rwx", 0o777, false, 0o700),
            ("u+s", 0o755, false, 0o4755),
            ("g+s,o+t", 0o755, true, 0o2755),
            ("+t", 0o755, true, 0o1755),
            ("u=rw", 0o4755, false, 0o655),
            ("u=rwx", 0o4700, true, 0o4700),
            ("a=", 0o755, false, 0),
            ("u-x+w", 0o555, false, 0o655),
            ("o=g", 0o750, false, 0o755),
        ];
        for (words, mode, is_directory, result) in table {
            let found = Chmod::parse(words).unwrap().of(*mode, *is_directory);
            assert_eq!(found, *result, "{words} on {mode:o}: {found:o}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for words in ["", "999", "10000", "rwx", "u", "u+q", "u+x,", "+x g+x", "-1", "0o755"] {
            assert!(Chmod::parse(words).is_err(), "{words:?}");
        }
    }
}
