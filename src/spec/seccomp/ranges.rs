//! A line of numbers cut into ranges, each leading somewhere, and the shortest tree of questions that finds the range.
//!
//! Most calls are allowed and lie next to each other, so a few dozen ranges say what a list says in hundreds of lines.

use super::graph::{Graph, Place};

/// A range begins at its number and ends before the next one. The first begins at 0, the last ends with u32::MAX.
pub type Ranges = Vec<(u32, Place)>;

/// Single numbers, in order, laid over ranges.
pub fn overlay(ranges: &[(u32, Place)], single: &[(u32, Place)]) -> Ranges {
    let mut below = ranges.iter().peekable();
    let mut current = ranges[0].1;
    let mut result: Ranges = Vec::with_capacity(ranges.len() + 2 * single.len());
    for &(number, place) in single {
        while let Some(&(start, place)) = below.next_if(|(start, _)| *start <= number) {
            result.push((start, place));
            current = place;
        }
        result.push((number, place));
        result.extend(number.checked_add(1).map(|next| (next, current)));
    }
    result.extend(below);
    merged(result)
}

/// In order and without cuts between equal places. Of several places for one number the last holds.
pub fn merged(mut ranges: Ranges) -> Ranges {
    ranges.sort_by_key(|(start, _)| *start);
    let mut result: Ranges = Vec::with_capacity(ranges.len());
    for (n, &(start, place)) in ranges.iter().enumerate() {
        let hidden = ranges.get(n + 1).is_some_and(|(next, _)| *next == start);
        if !hidden && result.last().is_none_or(|(_, before)| *before != place) {
            result.push((start, place));
        }
    }
    result
}

impl Graph {
    /// Questions about the accumulator that end at the place of its range.
    pub fn search(&mut self, ranges: &Ranges) -> Place {
        let (ranges, exceptions) = set_apart(ranges);
        self.search_between(&ranges, &exceptions)
    }

    fn search_between(&mut self, ranges: &[(u32, Place)], exceptions: &[(u32, Place)]) -> Place {
        // Asking one exception after another is fine for a few; from many, half is first put aside by one question.
        if let &[(_, place)] = ranges {
            if exceptions.len() <= 3 {
                return exceptions.iter().rev().fold(place, |no, (number, yes)| self.if_equal(*number, *yes, no));
            }
            let (lower, upper) = exceptions.split_at(exceptions.len() / 2);
            let (lower_place, upper_place) = (self.search_between(ranges, lower), self.search_between(ranges, upper));
            return self.if_at_least(upper[0].0, upper_place, lower_place);
        }
        let middle = self.middle(ranges, exceptions);
        let start = ranges[middle].0;
        let (lower, upper) = exceptions.split_at(exceptions.partition_point(|(number, _)| *number < start));
        let upper = self.search_between(&ranges[middle..], upper);
        let lower = self.search_between(&ranges[..middle], lower);
        self.if_at_least(start, upper, lower)
    }

    /// Where to cut in two, so that about as many questions remain on either side.
    fn middle(&self, ranges: &[(u32, Place)], exceptions: &[(u32, Place)]) -> usize {
        let questions_below = |cut: usize| cut + exceptions.partition_point(|(number, _)| *number < ranges[cut].0);
        let all = ranges.len() + exceptions.len();
        (1..ranges.len()).min_by_key(|cut| (2 * questions_below(*cut)).abs_diff(all)).unwrap_or(1)
    }
}

/// A single number between two ranges of one place costs one question for equality, instead of two for its borders.
fn set_apart(ranges: &Ranges) -> (Ranges, Vec<(u32, Place)>) {
    let mut kept: Ranges = Vec::new();
    let mut exceptions = Vec::new();
    for (n, &(start, place)) in ranges.iter().enumerate() {
        if kept.last().is_some_and(|(_, before)| *before == place) {
            continue;
        }
        match (kept.last(), ranges.get(n + 1), ranges.get(n + 2)) {
            (Some((_, before)), Some((next, after)), _) if *next == start + 1 && before == after => exceptions.push((start, place)),
            _ => kept.push((start, place)),
        }
    }
    (kept, exceptions)
}
