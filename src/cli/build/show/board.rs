//! What is known of a build that goes on: its steps, how far each is, and the last lines of what each has said.

use crate::build::{Event, Step};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// So many lines are told again where a step has failed.
pub const TAIL: usize = 20;
/// A line without an end is one at this length.
const LONGEST: usize = 8 << 10;

#[derive(Default)]
pub struct Board {
    pub steps: BTreeMap<usize, Line>,
    begun: Option<Instant>,
}

/// A step.
#[derive(Default)]
pub struct Line {
    pub step: Step,
    pub state: State,
    begun: Option<Instant>,
    pub tail: VecDeque<Said>,
    unfinished: Vec<u8>,
    /// Bytes moved, and of how many.
    pub moved: Option<(u64, Option<u64>)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Waiting,
    Running,
    Known,
    Done(u64),
    Failed(u64),
}

/// One line of a step's output.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Seconds since the step began.
    pub at: f64,
    pub text: String,
}

impl Board {
    /// Gives the lines that are whole now.
    pub fn hear(&mut self, event: &Event) -> Vec<Said> {
        self.begun.get_or_insert_with(Instant::now);
        match event {
            Event::Planned(steps) => {
                self.steps = steps.iter().map(|step| (step.number, Line { step: step.clone(), ..Line::default() })).collect();
            }
            Event::Begun { step } => {
                let line = self.line(*step);
                (line.state, line.begun) = (State::Running, Some(Instant::now()));
            }
            Event::Cached { step } => self.line(*step).state = State::Known,
            Event::Output { step, bytes, .. } => return self.line(*step).take(bytes),
            Event::Moved { step, bytes, of } => self.line(*step).moved = Some((*bytes, *of)),
            Event::Done { step, milliseconds } => {
                let line = self.line(*step);
                if line.state != State::Known {
                    line.state = State::Done(*milliseconds);
                }
                return line.rest();
            }
            Event::Failed { step, milliseconds } => {
                let line = self.line(*step);
                line.state = State::Failed(*milliseconds);
                return line.rest();
            }
            Event::Note(_) => {}
        }
        Vec::new()
    }

    /// One that was not planned (ONBUILD of a base) is known from when it begins.
    fn line(&mut self, number: usize) -> &mut Line {
        self.steps.entry(number).or_insert_with(|| Line { step: Step { number, ..Step::default() }, ..Line::default() })
    }

    pub fn since_begin(&self) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| begun.elapsed())
    }

    pub fn running(&self) -> impl Iterator<Item = &Line> {
        self.steps.values().filter(|line| line.state == State::Running)
    }

    pub fn failed(&self) -> Option<&Line> {
        self.steps.values().find(|line| matches!(line.state, State::Failed(_)))
    }

    pub fn known(&self) -> usize {
        self.steps.values().filter(|line| line.state == State::Known).count()
    }

    /// All that could be known: FROM does nothing.
    pub fn work(&self) -> usize {
        self.steps.values().filter(|line| !line.is_from()).count()
    }

    /// Those that are over, and all.
    pub fn progress(&self) -> (usize, usize) {
        let over = self.steps.values().filter(|line| !matches!(line.state, State::Waiting | State::Running)).count();
        (over, self.steps.len())
    }
}

impl Line {
    /// `[build 2/4] RUN make`
    pub fn title(&self) -> String {
        let Step { stage, index, count, text, .. } = &self.step;
        let gap = if stage.is_empty() { "" } else { " " };
        let first = text.lines().next().unwrap_or_default();
        let more = if text.lines().nth(1).is_some() { " …" } else { "" };
        format!("[{stage}{gap}{index}/{count}] {first}{more}")
    }

    /// The first of its stage.
    pub fn is_from(&self) -> bool {
        self.step.index == 1
    }

    pub fn seconds(&self) -> f64 {
        match self.state {
            State::Done(milliseconds) | State::Failed(milliseconds) => milliseconds as f64 / 1000.0,
            _ => self.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64()),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut whole = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => whole.extend(self.one()),
                _ => self.unfinished.push(*byte),
            }
            if self.unfinished.len() >= LONGEST {
                whole.extend(self.one());
            }
        }
        whole
    }

    /// What had no end when the step ended.
    fn rest(&mut self) -> Vec<Said> {
        if self.unfinished.is_empty() { Vec::new() } else { self.one().into_iter().collect() }
    }

    fn one(&mut self) -> Option<Said> {
        let bytes = std::mem::take(&mut self.unfinished);
        let text = String::from_utf8_lossy(&bytes);
        let said = Said { at: self.seconds(), text: text.strip_suffix('\r').unwrap_or(&text).to_owned() };
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(said.clone());
        Some(said)
    }

    /// A line that is still being written: a question, or a bar that grows.
    pub fn unfinished(&self) -> Option<String> {
        (!self.unfinished.is_empty()).then(|| String::from_utf8_lossy(&self.unfinished).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Event {
        Event::Output { step: 1, is_error: false, bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn output_becomes_lines_wherever_it_is_cut() {
        let mut board = Board::default();
        board.hear(&Event::Planned(vec![Step { number: 1, index: 1, count: 1, text: "RUN x".into(), ..Step::default() }]));
        board.hear(&Event::Begun { step: 1 });
        assert!(board.hear(&output("on")).is_empty());
        let lines: Vec<String> = board.hear(&output("e\r\ntwo\nth")).into_iter().map(|said| said.text).collect();
        assert_eq!(lines, ["one", "two"]);
        let rest = board.hear(&Event::Failed { step: 1, milliseconds: 1500 });
        assert_eq!((rest[0].text.as_str(), rest[0].at), ("th", 1.5));
        assert_eq!(board.failed().unwrap().tail.len(), 3);
        (0..50).for_each(|_| drop(board.hear(&output("x\n"))));
        assert_eq!(board.failed().unwrap().tail.len(), TAIL);
    }

    #[test]
    fn a_known_step_stays_known() {
        let mut board = Board::default();
        for event in [Event::Begun { step: 1 }, Event::Cached { step: 1 }, Event::Done { step: 1, milliseconds: 0 }] {
            board.hear(&event);
        }
        assert_eq!((board.known(), board.progress()), (1, (1, 1)));
    }
}
