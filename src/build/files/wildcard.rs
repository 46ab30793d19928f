//! Names with `*`, `?` and `[…]` in them, as Go's filepath.Match reads them; a backslash takes the meaning from what follows it.

pub fn has_magic(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'*' | b'?' | b'[' => return true,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    false
}

/// One part of a path. A pattern that makes no sense matches nothing.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (pattern, name) = (String::from_utf8_lossy(pattern), String::from_utf8_lossy(name));
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where to go on after the last star, if what follows it does not fit here.
    let (mut p, mut n, mut star) = (0, 0, None);
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        let step = if n < name.len() { one(&pattern[p..], name[n]) } else { None };
        match (step, star) {
            _ if p == pattern.len() && n == name.len() => return true,
            (Some(length), _) => (p, n) = (p + length, n + 1),
            (None, Some((after, from))) if from < name.len() => {
                (p, n) = (after, from + 1);
                star = Some((after, from + 1));
            }
            _ => return false,
        }
    }
}

/// How much of the pattern this letter takes.
fn one(pattern: &[char], letter: char) -> Option<usize> {
    match *pattern.first()? {
        '?' => Some(1),
        '[' => class(pattern, letter),
        '\\' => (*pattern.get(1)? == letter).then_some(2),
        same => (same == letter).then_some(1),
    }
}

fn class(pattern: &[char], letter: char) -> Option<usize> {
    let is_not = pattern.get(1) == Some(&'^');
    let (mut at, mut is_in, mut is_first) = (if is_not { 2 } else { 1 }, false, true);
    loop {
        if pattern.get(at) == Some(&']') && !is_first {
            return (is_in != is_not).then_some(at + 1);
        }
        is_first = false;
        let (low, next) = bound(pattern, at)?;
        let (high, next) = if pattern.get(next) == Some(&'-') { bound(pattern, next + 1)? } else { (low, next) };
        is_in |= (low..=high).contains(&letter);
        at = next;
    }
}

fn bound(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match *pattern.get(at)? {
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        '-' | ']' => None,
        letter => Some((letter, at + 1)),
    }
}
