//! A table that stands still on a terminal while its numbers change.
//!
//! Each round is one write that goes over the last one line by line, so nothing flickers. The terminal's settings are not touched
//! and no other screen is opened: whatever ends us, ctrl-c or worse, there is nothing to put back. What was on the screen before
//! is scrolled up, not wiped away.

use crate::cli::say::{say_bytes, shown};
use crate::sys::file;
use crate::sys::terminal::{self, Size};

#[derive(Default)]
pub struct Screen {
    size: Option<Size>,
}

const TO_THE_TOP: &str = "\x1b[H";
const WIPE: &str = "\x1b[2J";
const WIPE_REST_OF_LINE: &str = "\x1b[K";
const WIPE_BELOW: &str = "\x1b[J";

impl Screen {
    pub fn paint(&mut self, text: &str) {
        let size = terminal::size(file::standard_streams()[1]).ok().filter(|size| size.rows > 1 && size.columns > 0);
        let size = size.unwrap_or(Size { rows: 24, columns: 80 });
        let begin = match self.size.replace(size) {
            None => "\n".repeat(usize::from(size.rows)),
            // The terminal has broken the lines anew.
            Some(before) if before != size => WIPE.to_owned(),
            Some(_) => String::new(),
        };
        say_bytes(format!("{begin}{TO_THE_TOP}{}{WIPE_BELOW}", lines(&shown(text), size)).as_bytes());
    }
}

/// As much as fits, with the cursor's line left free. A line that is too long goes on in the next.
fn lines(text: &str, size: Size) -> String {
    let (mut room, columns) = (usize::from(size.rows) - 1, usize::from(size.columns));
    let height = |line: &str| line.chars().count().div_ceil(columns).max(1);
    let fits = text.lines().map(height).sum::<usize>() <= room;
    room -= usize::from(!fits);
    let (mut painted, mut left_out) = (String::new(), 0);
    for line in text.lines() {
        match room.checked_sub(height(line)).filter(|_| left_out == 0) {
            Some(rest) => room = rest,
            None => {
                left_out += 1;
                continue;
            }
        }
        painted.push_str(line);
        // At the very edge a terminal would wipe away the last letter.
        if line.is_empty() || line.chars().count() % columns != 0 {
            painted.push_str(WIPE_REST_OF_LINE);
        }
        painted.push('\n');
    }
    if left_out > 0 {
        painted.push_str(&format!("… and {left_out} more{WIPE_REST_OF_LINE}\n"));
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let size = Size { rows: 4, columns: 10 };
        assert_eq!(lines("ab\ncd\n", size), "ab\x1b[K\ncd\x1b[K\n");
        assert_eq!(lines("ab\ncd\nef\n", size), "ab\x1b[K\ncd\x1b[K\nef\x1b[K\n");
        assert_eq!(lines("ab\ncd\nef\ngh\n", size), "ab\x1b[K\ncd\x1b[K\n… and 2 more\x1b[K\n");
        assert_eq!(lines("a line of two rows\ncd\n", size), "a line of two rows\x1b[K\ncd\x1b[K\n");
        assert_eq!(lines("0123456789\ncd\n", size), "0123456789\ncd\x1b[K\n");
        assert_eq!(lines("a line of two rows\ncd\nef\n", size), "a line of two rows\x1b[K\n… and 2 more\x1b[K\n");
    }
}
