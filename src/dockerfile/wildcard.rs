//! `*`, `?`, `[a-c]` in the names of files that COPY and ADD take, by the rules of Go's `filepath.Match`.

use crate::error::{Error, Result};

/// Whether it means anything else than itself.
pub fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', '\\'])
}

/// Whether the whole name fits. A star and a question mark fit no slash.
pub fn matches(pattern: &str, name: &str) -> Result<bool> {
    let parts = parse(pattern)?;
    let name: Vec<char> = name.chars().collect();
    Ok(fits(&parts, &name))
}

/// What the words of a pattern's language mean, apart from what is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Any letters but slashes.
    Star,
    /// One letter, no slash.
    One,
    Letter(char),
    /// One of these ranges, or none of them.
    Class(Vec<(char, char)>, bool),
}

impl Part {
    pub(super) fn fits(&self, letter: char) -> bool {
        match self {
            Part::Star | Part::One => letter != '/',
            Part::Letter(expected) => letter == *expected,
            Part::Class(ranges, is_none) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != *is_none,
        }
    }
}

fn parse(pattern: &str) -> Result<Vec<Part>> {
    let bad = || Error::usage(format!("{pattern:.100?} is no pattern")).hint("a [ needs its ], and a \\ something behind it");
    let mut parts = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if parts.last() == Some(&Part::Star) => {}
            '*' => parts.push(Part::Star),
            '?' => parts.push(Part::One),
            '[' => parts.push(class(&mut letters).ok_or_else(bad)?),
            '\\' => parts.push(Part::Letter(letters.next().ok_or_else(bad)?)),
            letter => parts.push(Part::Letter(letter)),
        }
    }
    Ok(parts)
}

/// Behind the opening bracket. `None`: it is damaged.
pub(super) fn class(letters: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> Option<Part> {
    let is_none = letters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && letters.next_if_eq(&']').is_some() {
            return Some(Part::Class(ranges, is_none));
        }
        let low = class_letter(letters)?;
        let high = if letters.next_if_eq(&'-').is_some() { class_letter(letters)? } else { low };
        ranges.push((low, high));
    }
}

fn class_letter(letters: &mut impl Iterator<Item = char>) -> Option<char> {
    match letters.next()? {
        '-' | ']' => None,
        '\\' => letters.next(),
        letter => Some(letter),
    }
}

/// Where a star took too little, the last one takes one letter more: no earlier one has to be tried again.
fn fits(parts: &[Part], name: &[char]) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        match parts.get(part) {
            Some(Part::Star) => {
                last_star = Some((part, at));
                part += 1;
                continue;
            }
            Some(one) if name.get(at).is_some_and(|letter| one.fits(*letter)) => {
                (part, at) = (part + 1, at + 1);
                continue;
            }
            None if at == name.len() => return true,
            _ => {}
        }
        match last_star {
            Some((star, from)) if name.get(from).is_some_and(|letter| Part::Star.fits(*letter)) => {
                last_star = Some((star, from + 1));
                (part, at) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_as_in_go() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
            ("", "", true),
            ("**", "a", true),
            ("?", "", false),
            ("a[^x]b", "a/b", true),
        ] {
            assert_eq!(matches(pattern, name).unwrap(), expected, "{pattern} {name}");
        }
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "a[b"] {
            assert!(matches(pattern, "a").is_err(), "{pattern}");
        }
        assert!(matches(&format!("{}b", "*a".repeat(1000)), &"a".repeat(1000)).is_ok_and(|fits| !fits));
        assert!(has_magic("a?") && has_magic("\\a") && !has_magic("a.b/c]"));
    }
}
