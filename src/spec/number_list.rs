//! Lists of numbers as the kernel writes them, `0-2,4`: processors and nodes of memory (the "List format" of cpuset(7)).

/// No machine has more processors, and no list of a kernel's is longer.
const HIGHEST: u32 = 65_535;

/// Each part a first and a last number, in rising order, none touching the next: so equal sets are equal lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberList(Vec<(u32, u32)>);

impl NumberList {
    /// `None`: not such a list. Strict: no blanks, no signs, nothing empty, no range that runs backwards.
    pub fn parse(text: &str) -> Option<NumberList> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().ok().filter(|number| *number <= HIGHEST) } else { None }
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range: (u32, u32) = (number(first)?, number(last)?);
            if range.0 > range.1 {
                return None;
            }
            ranges.push(range);
        }
        Some(NumberList(joined(ranges)))
    }

    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// A bit for each number, the lowest first.
    pub fn bits(&self) -> Vec<u8> {
        let mut bits = Vec::new();
        for number in self.numbers().map(|number| number as usize) {
            bits.resize(bits.len().max(number / 8 + 1), 0);
            bits[number / 8] |= 1 << (number % 8);
        }
        bits
    }

    /// The first number that is not in `other`.
    pub fn first_missing_in(&self, other: &NumberList) -> Option<u32> {
        let holds = |number: u32| other.0.iter().any(|(first, last)| (*first..=*last).contains(&number));
        self.numbers().find(|number| !holds(*number))
    }
}

impl std::fmt::Display for NumberList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

fn joined(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> NumberList {
        NumberList::parse(text).unwrap_or_else(|| panic!("{text} was refused"))
    }

    #[test]
    fn equal_sets_are_written_alike() {
        for (text, written) in [("0", "0"), ("0-2,4", "0-2,4"), ("4,0,1,2", "0-2,4"), ("1,1,0-1", "0-1"), ("0-3,2-5", "0-5"), ("07", "7")] {
            assert_eq!(list(text).to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", ",", "0,", "a", "1-", "-1", "2-1", "0 1", "+1", "0-1-2", "65536", "99999999999", "0x1", "all", "0\n"] {
            assert_eq!(NumberList::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_that_is_not_there_is_found() {
        assert_eq!(list("0-1").first_missing_in(&list("0-3")), None);
        assert_eq!(list("0-1,5").first_missing_in(&list("0-3,6")), Some(5));
        assert_eq!(list("0-65535").first_missing_in(&list("0-1")), Some(2));
    }
}
