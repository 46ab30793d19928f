//! For people: who, then his steps with number, title and reason; in full with the calls of each.
//!
//! ```text
//! command, process 4711
//!      0.1 ms   1  find the image
//!                  an image is a list of layers, and words that say what to execute in them
//!   monitor, process 4713
//!      2.0 ms   4  make a control group
//! ```

use super::Teller;
use crate::explain::calls;
use crate::explain::observe::{Happened, Seen};
use crate::trace::{Step, Who};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

pub struct Text {
    /// With the calls.
    is_full: bool,
    has_colours: bool,
    /// Of the terminal; reasons are broken where it ends. Elsewhere they stay whole.
    columns: Option<usize>,
    /// Whose line was the last.
    speaker: Option<(i32, Who)>,
    /// What only served the others, by process, since something was told of it.
    small: BTreeMap<i32, BTreeMap<String, usize>>,
    /// The reason of a step is told once.
    told: Vec<Step>,
    steps: usize,
    calls: usize,
    processes: Vec<i32>,
}

/// Before a title: time and number.
const INDENT: usize = 16;

impl Text {
    pub fn new(is_full: bool, has_colours: bool, columns: Option<usize>) -> Text {
        Text {
            is_full,
            has_colours,
            columns,
            speaker: None,
            small: BTreeMap::new(),
            told: Vec::new(),
            steps: 0,
            calls: 0,
            processes: Vec::new(),
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.has_colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        if self.has_colours { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Who speaks now, where it is another than before.
    fn speaks(&mut self, seen: &Seen) -> String {
        if self.speaker == Some((seen.pid, seen.who)) {
            return String::new();
        }
        self.speaker = Some((seen.pid, seen.who));
        let kind = if seen.is_thread { "thread" } else { "process" };
        format!("{}{}\n", "  ".repeat(seen.depth), self.bold(&format!("{}, {kind} {}", seen.who.name(), seen.pid)))
    }

    /// Those that only served since the last line of this process.
    fn small(&mut self, seen: &Seen) -> String {
        let Some(names) = self.small.remove(&seen.pid) else { return String::new() };
        let speaks = self.speaks(seen);
        let count: usize = names.values().sum();
        let named: Vec<String> =
            names.iter().map(|(name, count)| if *count == 1 { name.clone() } else { format!("{name} {count}") }).collect();
        let text = self.dim(&format!("and {count} that serve these: {}", named.join(", ")));
        format!("{speaks}{}{}{text}\n", "  ".repeat(seen.depth), " ".repeat(INDENT))
    }

    fn step(&mut self, seen: &Seen, at: Duration, step: Step) -> String {
        let is_first = !self.told.contains(&step);
        // In short it is enough to have heard of it.
        if !is_first && !self.is_full {
            return String::new();
        }
        let mut text = if self.is_full { self.small(seen) } else { String::new() };
        text += &self.speaks(seen);
        self.steps += usize::from(is_first);
        let margin = "  ".repeat(seen.depth);
        let number = if usize::from(step.number()) <= Step::OF_A_START { step.number().to_string() } else { "·".to_owned() };
        let again = if is_first { "" } else { " (again)" };
        let _ = writeln!(text, "{margin}{:>8.1} ms {number:>3}  {}{again}", at.as_secs_f64() * 1000.0, self.bold(step.title()));
        if is_first {
            self.told.push(step);
            let indent = format!("{margin}{}", " ".repeat(INDENT));
            for line in broken(step.why(), self.columns.map(|columns| columns.saturating_sub(indent.len()))) {
                let _ = writeln!(text, "{indent}{}", self.dim(&line));
            }
        }
        text
    }

    fn line(&mut self, seen: &Seen, words: &str) -> String {
        format!("{}{}{}{words}\n", self.speaks(seen), "  ".repeat(seen.depth), " ".repeat(INDENT))
    }
}

impl Teller for Text {
    fn tell(&mut self, seen: &Seen, at: Duration, happened: Happened) -> String {
        if !seen.is_thread && !self.processes.contains(&seen.pid) {
            self.processes.push(seen.pid);
        }
        match happened {
            Happened::Step(step) => self.step(seen, at, step),
            Happened::Called { call, answer, took } if call.is_telling => {
                self.calls += 1;
                if !self.is_full {
                    return String::new();
                }
                let answer = calls::answer(answer);
                let took = self.dim(&format!("{} µs", took.as_micros()));
                self.line(seen, &format!("{} = {answer}  {took}", with_short_ids(&call.text())))
            }
            Happened::Called { call, .. } => {
                if self.is_full {
                    *self.small.entry(seen.pid).or_default().entry(call.name.clone()).or_default() += 1;
                }
                String::new()
            }
            Happened::Became(program) => {
                let small = self.small(seen);
                let words = if program == "tare-init" {
                    format!("process {} is the reaper now", seen.pid)
                } else {
                    format!("process {} is the program {program} now, and nobody looks at it any more", seen.pid)
                };
                small + &self.line(seen, &words)
            }
            Happened::Ended { .. } => self.small(seen),
        }
    }

    fn end(&mut self) -> String {
        let counted = |count: usize, what: &str, many: &str| format!("{count} {}", if count == 1 { what } else { many });
        let end = format!(
            "{} by {}, {} that say what is done; being looked at makes each of them slower\n",
            counted(self.steps, "step", "steps"),
            counted(self.processes.len(), "process", "processes"),
            counted(self.calls, "call", "calls")
        );
        match self.told.contains(&Step::CloneContainer) {
            true => end + "numbers that are missing had nothing to do; · is what comes beside or after a start\n",
            false => end,
        }
    }
}

/// At blanks, so that no line is longer; a longer word stays whole.
fn broken(text: &str, columns: Option<usize>) -> Vec<String> {
    let Some(columns) = columns else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Ids and digests of 64 digits as `ps` shows them, by their first twelve: whole ones would hide what differs.
fn with_short_ids(text: &str) -> String {
    const ID: usize = 64;
    const SHORT: usize = 12;
    let is_digit = |letter: char| letter.is_ascii_hexdigit() && !letter.is_ascii_uppercase();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(is_digit) {
        let digits = rest[begin..].find(|letter| !is_digit(letter)).unwrap_or(rest.len() - begin);
        let kept = if digits == ID { SHORT } else { digits };
        shown += &rest[..begin + kept];
        shown += if digits == ID { "…" } else { "" };
        rest = &rest[begin + digits..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::calls::Call;

    fn seen(pid: i32, who: Who, depth: usize) -> Seen {
        Seen { pid, who, step: Some(Step::MakeGroup), depth, is_thread: false }
    }

    fn called<'a>(call: &'a Call, answer: i64) -> Happened<'a> {
        Happened::Called { call, answer, took: Duration::from_micros(21) }
    }

    #[test]
    fn in_full_each_call_stands_below_its_step() {
        let mut text = Text::new(true, false, None);
        let monitor = seen(7, Who::Monitor, 1);
        let mkdir = Call { name: "mkdir".into(), is_telling: true, arguments: vec!["\"/a\"".into(), "0o755".into()] };
        let close = Call { name: "close".into(), is_telling: false, arguments: Vec::new() };
        let told = [
            text.tell(&monitor, Duration::from_micros(2040), Happened::Step(Step::MakeGroup)),
            text.tell(&monitor, Duration::from_micros(2100), called(&mkdir, -17)),
            text.tell(&monitor, Duration::from_micros(2200), called(&close, 0)),
            text.tell(&monitor, Duration::from_micros(2300), Happened::Ended { code: 0 }),
        ];
        let lines: Vec<&str> = told.iter().flat_map(|told| told.lines()).collect();
        assert_eq!(lines[0], "  monitor, process 7");
        assert_eq!(lines[1], "       2.0 ms   4  make a control group");
        assert!(lines[2].starts_with("                  a group holds every process"), "{}", lines[2]);
        assert_eq!(lines[3], "                  mkdir(\"/a\", 0o755) = EEXIST  21 µs");
        assert_eq!(lines[4], "                  and 1 that serve these: close");
    }

    #[test]
    fn reasons_are_broken_at_blanks() {
        assert_eq!(broken("one two three", Some(7)), ["one two", "three"]);
        assert_eq!(broken("extraordinary as it is", Some(5)), ["extraordinary", "as it", "is"]);
        assert_eq!(broken("one two three", None), ["one two three"]);
    }

    #[test]
    fn ids_are_short_and_everything_else_stays() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(with_short_ids(&format!("a {id}/x/{id} fee")), "a 0123456789ab…/x/0123456789ab… fee");
        assert_eq!(with_short_ids("abcé 12"), "abcé 12");
    }

    #[test]
    fn in_short_there_are_no_calls_and_the_speaker_is_named_when_he_changes() {
        let mut text = Text::new(false, false, None);
        let mkdir = Call { name: "mkdir".into(), is_telling: true, arguments: Vec::new() };
        let at = Duration::ZERO;
        let first = text.tell(&seen(7, Who::Monitor, 1), at, Happened::Step(Step::MakeGroup));
        assert_eq!(text.tell(&seen(7, Who::Monitor, 1), at, called(&mkdir, 0)), "");
        let second = text.tell(&seen(7, Who::Monitor, 1), at, Happened::Step(Step::SetLimits));
        let third = text.tell(&seen(8, Who::Child, 2), at, Happened::Step(Step::CutMounts));
        assert!(first.contains("monitor") && !second.contains("monitor") && third.contains("first process, outside, process 8"));
        assert!(text.end().starts_with("3 steps by 2 processes, 1 call that"));
    }
}
