//! How a build goes on, shown: `board.rs` knows how far it is, a view writes it down in its own way.

pub mod board;
mod clean;
mod json;
mod plain;
mod raw_json;
mod screen;

use super::request::Progress;
use crate::build::Event;
use crate::cli::progress::can_draw;
use crate::sys::{file, terminal};
pub use board::Board;
pub use clean::clean;

/// One way of showing it, on standard error: standard output belongs to the result.
pub trait View {
    /// `board` has heard of the event already; `lines` are those of a step's output that became whole with it.
    fn event(&mut self, board: &Board, event: &Event, lines: &[board::Said]);
    /// After so many milliseconds it wants to draw again, whatever happens.
    fn pause(&self) -> Option<i32> {
        None
    }
    fn tick(&mut self, _board: &Board) {}
    /// Nothing more will come.
    fn end(&mut self, _board: &Board) {}
}

pub struct Show {
    pub board: Board,
    view: Box<dyn View>,
}

impl Show {
    pub fn new(wanted: Progress) -> Show {
        let view: Box<dyn View> = match wanted {
            Progress::Quiet => Box::new(Nothing),
            Progress::Json => Box::new(json::Json),
            Progress::RawJson => Box::new(raw_json::RawJson::default()),
            Progress::Tty if can_draw() => Box::new(screen::Screen::default()),
            Progress::Auto if can_draw() => Box::new(screen::Screen::default()),
            Progress::Tty | Progress::Auto | Progress::Plain => {
                Box::new(plain::Plain::new(terminal::is_terminal(file::standard_streams()[2])))
            }
        };
        Show { board: Board::default(), view }
    }

    pub fn event(&mut self, event: &Event) {
        let lines = self.board.hear(event);
        self.view.event(&self.board, event, &lines);
    }

    pub fn pause(&self) -> Option<i32> {
        self.view.pause()
    }

    pub fn tick(&mut self) {
        self.view.tick(&self.board);
    }

    pub fn end(&mut self) {
        self.view.end(&self.board);
    }
}

struct Nothing;

impl View for Nothing {
    fn event(&mut self, _board: &Board, _event: &Event, _lines: &[board::Said]) {}
}
