//! What others wrote, fit for a terminal: nothing that it would obey, and no wider than it is.

use crate::error::is_obeyed;

/// One line as a terminal would leave it: colours are gone, what a carriage return has written over too, and what else would be obeyed
/// is written out.
pub fn clean(line: &str) -> String {
    let line = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // ESC [ parameters letter: a colour, or where the cursor goes (ECMA-48).
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                for letter in letters.by_ref() {
                    if ('\u{40}'..='\u{7e}').contains(&letter) {
                        break;
                    }
                }
            }
            '\t' => text.push_str(&" ".repeat(8 - width(&text) % 8)),
            _ if is_obeyed(letter) => text.extend(letter.escape_default()),
            _ => text.push(letter),
        }
    }
    text
}

/// Cut so that it fills no more columns than these.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |letter: &char| {
        taken += columns_of(*letter);
        taken < columns
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    if columns > 0 {
        cut.push('…');
    }
    cut
}

pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The letters of East Asia and pictures are two columns wide, marks on other letters none.
fn columns_of(letter: char) -> usize {
    match u32::from(letter) {
        0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_it() {
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m"), "red");
        assert_eq!(clean("10%\r20%\r"), "20%");
        assert_eq!(clean("a\tb"), "a       b");
        assert_eq!(clean("\u{1b}]0;title\u{7}x"), "\\u{1b}]0;title\\u{7}x");
        assert_eq!(clean("\u{1b}[2J\u{1b}["), "");
        assert_eq!(clean("a\u{9b}31mb\u{8}"), "a\\u{9b}31mb\\u{8}");
    }

    #[test]
    fn a_line_fits_whatever_its_letters_are() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
        assert_eq!(fit("abc", 0), "");
        for columns in 0..9 {
            assert!(width(&fit("日本語 text", columns)) <= columns);
        }
    }
}
