//! When each step of a start began: a page of memory that the command shares with all processes that come of it.
//!
//! Marking costs a look at the clock, which is no call, and a store. The page is the monitor's as long as the container runs, and is written
//! down with how it ended.

use crate::sys::clock;
use crate::sys::shared::{self, Place};
use crate::trace::{Step, Who};
use std::sync::atomic::Ordering;

static PAGE: Place = Place::empty();

/// How many marks there are.
const COUNT: usize = 0;
/// When the first was made, in nanoseconds since the machine's start.
const BEGIN: usize = 1;
const FIRST: usize = 2;

/// A step, who began it, and how many nanoseconds after the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub at: u64,
    pub who: Who,
    pub step: Step,
}

/// From here on what this process and its children do is kept, apart from what was kept before. One call: mmap(2). Without memory
/// nothing is.
pub fn keep() {
    super::forget();
    if let Ok(page) = shared::page() {
        PAGE.put(page);
    }
}

/// What comes is another start.
pub fn begin_again() {
    if let Some(page) = PAGE.page() {
        page[COUNT].store(0, Ordering::Relaxed);
    }
}

pub(super) fn mark(who: Who, step: Step) {
    let Some(page) = PAGE.page() else { return };
    let now = clock::since_boot();
    let index = page[COUNT].fetch_add(1, Ordering::Relaxed);
    if index == 0 {
        page[BEGIN].store(now, Ordering::Relaxed);
    }
    let at = now.saturating_sub(page[BEGIN].load(Ordering::Relaxed));
    // What comes when the page is full is not part of a start.
    if let Some(slot) = usize::try_from(index).ok().and_then(|index| page.get(FIRST + index)) {
        slot.store(pack(at, who, step), Ordering::Relaxed);
    }
}

/// So far, in the order in which they began, packed as numbers. Empty where nothing is kept.
pub fn packed() -> Vec<u64> {
    let Some(page) = PAGE.page() else { return Vec::new() };
    let count = usize::try_from(page[COUNT].load(Ordering::Relaxed)).unwrap_or(usize::MAX).min(shared::WORDS - FIRST);
    let mut marks: Vec<u64> =
        page[FIRST..FIRST + count].iter().map(|slot| slot.load(Ordering::Relaxed)).filter(|mark| *mark != 0).collect();
    marks.sort_unstable();
    marks
}

fn pack(at: u64, who: Who, step: Step) -> u64 {
    at << 16 | (who as u64) << 8 | u64::from(step.number())
}

/// `None`: no mark of ours.
pub fn unpack(packed: u64) -> Option<Mark> {
    let [step, who, ..] = packed.to_le_bytes();
    Some(Mark { at: packed >> 16, who: Who::from_number(who), step: Step::from_number(step)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_number_and_sorts_by_time() {
        let early = pack(1_000, Who::Stage, Step::WriteImage);
        let late = pack(1_001, Who::Command, Step::FindImage);
        assert!(early < late);
        assert_eq!(unpack(early), Some(Mark { at: 1_000, who: Who::Stage, step: Step::WriteImage }));
        assert_eq!(unpack(0), None);
    }

    #[test]
    fn what_is_marked_is_kept_up_to_the_end_of_the_page() {
        assert!(packed().is_empty());
        keep();
        for _ in 0..shared::WORDS * 2 {
            mark(Who::Command, Step::FindImage);
        }
        assert_eq!(packed().len(), shared::WORDS - FIRST);
        begin_again();
        mark(Who::Monitor, Step::MakeGroup);
        let marks: Vec<Mark> = packed().into_iter().filter_map(unpack).collect();
        assert_eq!(marks, [Mark { at: 0, who: Who::Monitor, step: Step::MakeGroup }]);
    }
}
