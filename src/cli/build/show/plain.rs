//! Line by line, in the form of BuildKit, which people and scripts know.

use super::board::{Board, Line, Said, State};
use super::{View, clean};
use crate::build::Event;
use crate::cli::say::say_aside;

#[derive(Default)]
pub struct Plain {
    /// A person looks: nothing of the output is obeyed. A file or a pipe gets it as it is.
    is_terminal: bool,
    /// Whose lines came last.
    last: Option<usize>,
}

impl Plain {
    pub fn new(is_terminal: bool) -> Plain {
        Plain { is_terminal, last: None }
    }

    fn text(&self, text: &str) -> String {
        if self.is_terminal { clean(text) } else { text.to_owned() }
    }

    /// Which step the next lines belong to, where it is another than before.
    fn turn_to(&mut self, board: &Board, step: usize) -> String {
        if self.last == Some(step) {
            return String::new();
        }
        let was_cut = self.last.and_then(|last| board.steps.get(&last)).filter(|line| line.state == State::Running);
        let mut text = was_cut.map(|line| format!("#{} ...\n", line.step.number)).unwrap_or_default();
        if self.last.is_some() {
            text.push('\n');
        }
        self.last = Some(step);
        let title = board.steps.get(&step).map(|line| line.title()).unwrap_or_default();
        text + &format!("#{step} {}\n", clean(&title))
    }
}

impl View for Plain {
    fn event(&mut self, board: &Board, event: &Event, lines: &[Said]) {
        let (step, end) = match event {
            Event::Begun { step } | Event::Output { step, .. } => (*step, String::new()),
            Event::Cached { step } => (*step, format!("#{step} CACHED\n")),
            Event::Done { step, .. } if board.steps.get(step).is_some_and(|line| line.state == State::Known) => return,
            Event::Done { step, milliseconds } => (*step, format!("#{step} DONE {:.1}s\n", *milliseconds as f64 / 1000.0)),
            Event::Failed { step, milliseconds } => (*step, format!("#{step} ERROR {:.1}s\n", *milliseconds as f64 / 1000.0)),
            Event::Note(note) => {
                say_aside(format!("{}\n", clean(note)).as_bytes());
                return;
            }
            Event::Planned(_) | Event::Moved { .. } => return,
        };
        // FROM may wait for another stage, and says nothing meanwhile.
        if matches!(event, Event::Begun { .. }) && board.steps.get(&step).is_some_and(Line::is_from) {
            return;
        }
        if matches!(event, Event::Output { .. }) && lines.is_empty() {
            return;
        }
        let mut text = self.turn_to(board, step);
        text.extend(lines.iter().map(|said| format!("#{step} {:.3} {}\n", said.at, self.text(&said.text))));
        // A reader that has gone is no reason to stop.
        say_aside((text + &end).as_bytes());
    }

    fn end(&mut self, _board: &Board) {
        if self.last.take().is_some() {
            say_aside(b"\n");
        }
    }
}
