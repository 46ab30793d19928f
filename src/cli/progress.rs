//! What a person sees at a terminal while images come in: one line per layer, drawn again while it grows.
//!
//! The workers only count; a thread here looks at their counts ten times a second. What is ready stays and scrolls away, so
//! an image of hundreds of layers never needs more lines than there are workers.

use crate::cli::say::say_aside;
use crate::cli::{complain, human, interruption};
use crate::error::Result;
use crate::image::Progress;
use crate::image::progress::Part;
use crate::sys::{file, terminal, threads};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(100);

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Nothing,
    /// What moves, where standard error is a terminal. A pipe or a file gets not one byte of it.
    Moving,
    /// The same, and a pipe or a file gets a line for each part that is ready.
    Lines,
}

impl Show {
    pub fn moving(wanted: bool) -> Show {
        if wanted { Show::Moving } else { Show::Nothing }
    }
}

/// For images, whose workers can be told that nobody waits for them any more; then `said` is the last word. What of an image cannot be
/// as it was packed is told by whoever took it in.
pub fn shown_until_interrupted<T>(show: Show, said: &str, work: impl FnOnce(&Progress) -> Result<T>) -> Result<T> {
    let signals = interruption::catch();
    let (done, lost) = shown(show, |progress| {
        let done = interruption::heard(signals.as_ref(), progress, said, || work(progress));
        (done, progress.lost.told())
    });
    let done = done?;
    lost.iter().try_for_each(complain)?;
    Ok(done)
}

/// Does the work, and shows how far it is.
pub fn shown<T>(show: Show, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    let moving = can_draw();
    if show == Show::Nothing || (show == Show::Moving && !moving) {
        return work(&progress);
    }
    let (over, is_over) = channel::<()>();
    let progress = &progress;
    let draw = move || {
        let mut drawing = Drawing { moving, ..Drawing::default() };
        while is_over.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            drawing.draw(&progress.parts(), true);
        }
        drawing.draw(&progress.parts(), false);
    };
    let (_, done) = threads::beside(draw, || {
        let done = work(progress);
        drop(over);
        done
    });
    done
}

/// A terminal that can move its cursor.
pub fn can_draw() -> bool {
    terminal::is_terminal(file::standard_streams()[2]) && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[derive(Default)]
struct Drawing {
    moving: bool,
    /// Lines that will be drawn again, at the cursor's back.
    open: usize,
    /// Parts that are ready and were said to be.
    told: Vec<Arc<Part>>,
}

impl Drawing {
    fn draw(&mut self, parts: &[Arc<Part>], with_open: bool) {
        let width = terminal::size(file::standard_streams()[2]).map_or(80, |size| usize::from(size.columns));
        let mut text = String::new();
        if self.open > 0 {
            // Up to the first of them, and clear from there on (console_codes(4)).
            text += &format!("\x1b[{}A\x1b[J", self.open);
        }
        for part in parts {
            if part.is_ready() && !self.told.iter().any(|told| Arc::ptr_eq(told, part)) {
                text += &if self.moving { line(part, width) } else { ready(part) };
                self.told.push(part.clone());
            }
        }
        let is_open = |part: &&Arc<Part>| !part.is_ready() && (part.done() > 0 || part.is_waiting());
        let open: Vec<_> = parts.iter().filter(|part| with_open && self.moving && is_open(part)).collect();
        open.iter().for_each(|part| text += &line(part, width));
        self.open = open.len();
        // A terminal that has gone is no reason to stop.
        say_aside(text.as_bytes());
    }
}

/// `d4fc045c9e3a  [=========>          ]  47%  1.2GB of 2.5GB`; no longer than the terminal is wide, or it would take two lines.
fn line(part: &Part, width: usize) -> String {
    const BAR: u64 = 20;
    let done = part.done();
    let text = match part.total.filter(|total| *total > 0) {
        _ if part.is_ready() => match part.outcome() {
            Some(outcome) => format!("{:12}  {outcome}", part.name),
            None => format!("{:12}  ready  {}", part.name, human::size(done)),
        },
        _ if part.is_waiting() => format!("{:12}  waiting for another command that fetches it", part.name),
        None => format!("{:12}  {}", part.name, human::size(done)),
        Some(total) => {
            let done = done.min(total);
            let full = (done as u128 * u128::from(BAR) / u128::from(total)) as usize;
            let bar = format!("{:20}", "=".repeat(full) + if full < BAR as usize { ">" } else { "" });
            let percent = done as u128 * 100 / u128::from(total);
            let rate = part.rate().map(|rate| format!("  {}/s", human::size(rate))).unwrap_or_default();
            format!("{:12}  [{bar}] {percent:3}%  {} of {}{rate}", part.name, human::size(done), human::size(total))
        }
    };
    let end = text.len().min(width.saturating_sub(1));
    format!("{}\n", &text[..end])
}

/// In Docker's words, which scripts know.
fn ready(part: &Part) -> String {
    format!("{}: {}\n", part.name, part.outcome().unwrap_or("Pull complete"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_the_terminal() {
        let progress = Progress::default();
        let part = progress.begin("d4fc045c9e3a", Some(2_000_000));
        part.advance(1_000_000);
        assert_eq!(line(&part, 80), "d4fc045c9e3a  [==========>         ]  50%  1MB of 2MB\n");
        assert_eq!(line(&part, 20).len(), 20);
        part.finish();
        assert_eq!(line(&part, 80), "d4fc045c9e3a  ready  1MB\n");
    }
}
