//! What goes to standard output and was written by somebody else: labels, commands, the history of an image.
//!
//! A terminal obeys what it is shown. A program that reads gets every byte as it is; a person sees what else would have been obeyed.

use std::io::{IsTerminal, Write};

/// A reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) {
    let mut out = std::io::stdout();
    let _ = if out.is_terminal() { out.write_all(shown(text).as_bytes()) } else { out.write_all(text.as_bytes()) };
}

/// Control characters (also the second set, which begins at U+0080) in the form of JSON, so that JSON means the same as before.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            _ if letter.is_control() => shown.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out_and_json_stays_json() {
        assert_eq!(shown("a\u{1b}[31m\tb\nä"), "a\\u001b[31m\tb\nä");
        let label = "\u{9b}31m\u{7f}";
        let json = shown(&serde_json::to_string(label).unwrap());
        assert!(json.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), label);
    }
}
