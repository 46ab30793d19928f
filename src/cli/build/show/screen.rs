//! For a person at a terminal: a line for each step, and below those that run the last lines of what they say, drawn again as it grows.
//!
//! What is over stays and scrolls away. What is drawn again never fills more than the terminal, however many steps run at once.

use super::View;
use super::board::{Board, Line, Said, State};
use super::clean::{clean, fit, width};
use crate::build::Event;
use crate::cli::human;
use crate::cli::say::say_aside;
use crate::sys::{file, terminal};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
/// Of what a running step says.
const SHOWN: usize = 5;

#[derive(Default)]
pub struct Screen {
    /// How wide each line is that will be drawn again, at the cursor's back.
    open: Vec<usize>,
    /// Lines that stay, and are not yet drawn.
    stay: Vec<String>,
    drawn: Option<Instant>,
}

impl View for Screen {
    fn event(&mut self, board: &Board, event: &Event, _lines: &[Said]) {
        match event {
            Event::Done { step, .. } | Event::Failed { step, .. } => self.stay.extend(board.steps.get(step).map(step_line)),
            Event::Note(note) => self.stay.push(format!("{:>8}  {}", "", clean(note))),
            _ => {}
        }
    }

    fn pause(&self) -> Option<i32> {
        let passed = self.drawn.map_or(PAUSE, |drawn| drawn.elapsed());
        Some(PAUSE.saturating_sub(passed).as_millis() as i32 + 1)
    }

    fn tick(&mut self, board: &Board) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= PAUSE) {
            let (rows, columns) = size();
            self.draw(&open_lines(board, rows.saturating_sub(1), columns), columns);
        }
    }

    fn end(&mut self, _board: &Board) {
        self.draw(&[], size().1);
    }
}

impl Screen {
    fn draw(&mut self, open: &[String], columns: usize) {
        let mut text = String::new();
        // A terminal that has become narrower has broken lines in two.
        let rows: usize = self.open.iter().map(|wide| wide.div_ceil(columns).max(1)).sum();
        if rows > 0 {
            // Up to the first of them, and clear from there on (console_codes(4)).
            text += &format!("\x1b[{rows}A\x1b[J");
        }
        for line in self.stay.drain(..).map(|line| fit(&line, columns)).chain(open.iter().cloned()) {
            text += &line;
            text.push('\n');
        }
        self.open = open.iter().map(|line| width(line)).collect();
        self.drawn = Some(Instant::now());
        // A terminal that has gone is no reason to stop.
        say_aside(text.as_bytes());
    }
}

fn size() -> (usize, usize) {
    let size = terminal::size(file::standard_streams()[2]).unwrap_or_default();
    let or = |found: u16, usual: usize| if found == 0 { usual } else { usize::from(found) };
    // The last column stays free: some terminals go to the next line already there.
    (or(size.rows, 24), or(size.columns, 80).saturating_sub(1).max(1))
}

/// Those of the steps that run, and how far the whole is.
fn open_lines(board: &Board, rows: usize, columns: usize) -> Vec<String> {
    let running: Vec<&Line> = board.running().collect();
    let room = rows.saturating_sub(1);
    let shown = running.len().min(room);
    let each = (room - shown).checked_div(shown).unwrap_or(0).min(SHOWN);
    let mut lines = Vec::new();
    for line in &running[..shown] {
        lines.push(fit(&step_line(line), columns));
        let mut said: Vec<String> =
            line.tail.iter().map(|said| clean(&said.text)).chain(line.unfinished().map(|text| clean(&text))).collect();
        said.drain(..said.len().saturating_sub(each));
        lines.extend(said.iter().map(|said| fit(&format!("{:>8}  | {said}", ""), columns)));
    }
    let (over, all) = board.progress();
    // What there is to do is not known yet.
    if all == 0 {
        return lines;
    }
    let known = if board.known() > 0 { format!(", {} known", board.known()) } else { String::new() };
    lines.push(fit(&format!("{:>7.1}s  {over} of {all} steps{known}", board.since_begin().as_secs_f64()), columns));
    lines.truncate(rows.max(1));
    lines
}

/// `    3.2s  [build 2/4] RUN make`
fn step_line(line: &Line) -> String {
    let title = clean(&line.title());
    let moved = match line.moved.filter(|_| line.state == State::Running) {
        Some((bytes, Some(all))) => format!("  {} of {}", human::size(bytes), human::size(all)),
        Some((bytes, None)) => format!("  {}", human::size(bytes)),
        None => String::new(),
    };
    match line.state {
        State::Known => format!("{:>8}  {title}", "known"),
        State::Failed(_) => format!("{:>8}  {title}  ({:.1}s)", "FAILED", line.seconds()),
        _ => format!("{:>7.1}s  {title}{moved}", line.seconds()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Step;

    fn busy(steps: usize) -> Board {
        let mut board = Board::default();
        let all = (1..=steps).map(|number| Step { number, index: number, count: steps, text: format!("RUN {number}"), ..Step::default() });
        board.hear(&Event::Planned(all.collect()));
        for step in 1..=steps {
            board.hear(&Event::Begun { step });
            let bytes = (1..=30).map(|line| format!("line {line} of something that is long\n")).collect::<String>().into_bytes();
            board.hear(&Event::Output { step, is_error: false, bytes });
        }
        board
    }

    #[test]
    fn it_never_fills_more_than_the_terminal() {
        for (steps, rows, columns) in [(1, 24, 80), (4, 24, 20), (9, 5, 80), (30, 24, 3), (2, 1, 10)] {
            let lines = open_lines(&busy(steps), rows, columns);
            assert!(lines.len() <= rows && lines.iter().all(|line| width(line) <= columns), "{steps} {rows} {columns}: {lines:?}");
        }
        let lines = open_lines(&busy(1), 24, 80);
        assert_eq!(lines.len(), 1 + SHOWN + 1);
        assert!(lines[SHOWN].contains("| line 30 of") && lines[1].contains("| line 26 of"));
    }
}
