//! How a start went: which step took how long, and who did it. Kept from every start (`trace::timeline`).

mod chrome;
mod svg;
mod text;

pub use chrome::chrome;
pub use svg::svg;
pub use text::text;

use crate::engine::find;
use crate::error::{Error, Result};
use crate::monitor;
use crate::paths::Paths;
use crate::record::Seen;
use crate::sys::socket;
use crate::trace::timeline::{self, Mark};
use crate::trace::{Step, Who};
use std::os::fd::AsFd;

/// A step from its begin to its end, in nanoseconds after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub who: Who,
    pub step: Step,
    pub from: u64,
    pub to: u64,
}

impl Span {
    pub fn took(&self) -> u64 {
        self.to - self.from
    }
}

pub struct Start {
    pub name: String,
    pub spans: Vec<Span>,
    /// Until the user's program runs, and its monitor knows it.
    pub whole: u64,
    /// It came so far, and failed.
    pub failed: bool,
}

/// Of a container that runs its monitor is asked; of one that has ended it is written down.
pub fn find(paths: &Paths, name: &str) -> Result<Start> {
    let seen = find::container(paths, name)?;
    let mut marks: Vec<Mark> = packed(paths, &seen).into_iter().filter_map(timeline::unpack).collect();
    // A record is a file, and a file can be damaged.
    marks.sort_by_key(|mark| mark.at);
    if marks.is_empty() {
        return Err(Error::failed(format!("there is no time line of container {}", seen.record.name))
            .because("it was never started, or not by `run` or `start`")
            .hint(format!("tare start {}", seen.record.name)));
    }
    let (spans, whole) = spans(&marks);
    let failed = !marks.iter().any(|mark| mark.step == Step::Watch);
    Ok(Start { name: seen.record.name, spans, whole, failed })
}

fn packed(paths: &Paths, seen: &Seen) -> Vec<u64> {
    let door = || socket::connect(&seen.files(paths).attach_socket()).ok();
    let told = seen.is_running().then(door).flatten().and_then(|door| monitor::timeline(door.as_fd()));
    told.or_else(|| seen.record.ended.as_ref().map(|ended| ended.timeline.clone())).unwrap_or_default()
}

/// A step lasts until the same process begins its next one, and the fork that makes reaper and command until the command goes on: by then
/// the reaper is another program. The start is over when the monitor begins to watch; where it failed, with
/// the last mark.
fn spans(marks: &[Mark]) -> (Vec<Span>, u64) {
    let watched = marks.iter().find(|mark| mark.step == Step::Watch).map(|mark| mark.at);
    let whole = watched.or_else(|| marks.last().map(|mark| mark.at)).unwrap_or_default();
    let of_start = |mark: &&Mark| mark.at <= whole && !matches!(mark.step, Step::Watch | Step::Attend | Step::AwaitStart);
    let mut spans = Vec::new();
    for (index, mark) in marks.iter().enumerate().filter(|(_, mark)| of_start(mark)) {
        let next = marks[index + 1..].iter().find(|later| follows(later.who, mark.who)).map_or(whole, |later| later.at);
        spans.push(Span { who: mark.who, step: mark.step, from: mark.at, to: next.min(whole) });
    }
    (spans, whole)
}

fn follows(later: Who, earlier: Who) -> bool {
    lane(later) == lane(earlier) || (lane(earlier), later) == (Who::Child, Who::Process)
}

/// The child is one process, before the new root and behind it.
fn lane(who: Who) -> Who {
    if who == Who::ChildInside { Who::Child } else { who }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn mark(at: u64, who: Who, step: Step) -> Mark {
        Mark { at, who, step }
    }

    pub fn example() -> Start {
        let marks = [
            mark(0, Who::Command, Step::FindImage),
            mark(300_000, Who::Command, Step::MakeMonitor),
            mark(500_000, Who::Monitor, Step::MakeGroup),
            mark(700_000, Who::Command, Step::Attend),
            mark(1_000_000, Who::Monitor, Step::CloneContainer),
            mark(2_000_000, Who::Child, Step::EnterRoot),
            mark(2_500_000, Who::ChildInside, Step::MountSystem),
            mark(3_000_000, Who::Monitor, Step::Watch),
            mark(9_000_000, Who::Monitor, Step::RememberEnd),
        ];
        let (spans, whole) = spans(&marks);
        Start { name: "web".to_owned(), spans, whole, failed: false }
    }

    #[test]
    fn a_step_lasts_until_the_same_process_begins_another() {
        let start = example();
        let took: Vec<(Step, u64)> = start.spans.iter().map(|span| (span.step, span.took() / 100_000)).collect();
        assert_eq!(
            took,
            [
                (Step::FindImage, 3),
                (Step::MakeMonitor, 4),
                (Step::MakeGroup, 5),
                (Step::CloneContainer, 20),
                (Step::EnterRoot, 5),
                (Step::MountSystem, 5)
            ]
        );
        assert_eq!(start.whole, 3_000_000);
    }

    #[test]
    fn a_start_that_failed_ends_with_its_last_mark() {
        let marks = [mark(0, Who::Command, Step::FindImage), mark(100, Who::Monitor, Step::MakeGroup)];
        assert_eq!(spans(&marks).1, 100);
    }
}
