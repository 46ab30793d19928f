//! JSON as somebody else has written it, with line breaks for people: the order of its words and every number stay.

use crate::error::is_obeyed;

/// Nobody reads what is deeper, and text grows with each step.
const DEEPEST: usize = 16;

/// `text` must be JSON. What a terminal would obey is written as JSON writes it, which means the same.
pub fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut opened) = (0usize, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(letter, '}' | ']');
        depth -= usize::from(closes && depth > 0);
        // An empty list stays on its line.
        if closes != opened {
            line_break(&mut out, depth);
        }
        opened = matches!(letter, '{' | '[');
        depth += usize::from(opened);
        out.push(letter);
        match letter {
            ',' => line_break(&mut out, depth),
            ':' => out.push(' '),
            '"' => copy_string(&mut letters, &mut out),
            _ => {}
        }
    }
    out
}

fn line_break(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n('\t', depth.min(DEEPEST)));
}

/// To its closing quotation mark.
fn copy_string(letters: &mut std::str::Chars, out: &mut String) {
    while let Some(letter) = letters.next() {
        match letter {
            _ if is_obeyed(letter) => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
        match letter {
            '"' => return,
            '\\' => out.extend(letters.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_and_nothing_else_changes() {
        let text = r#"{"z":[1.50,{"a":"x, {\"y\":"}],"b":{},"c":[ ],"d":null}"#;
        let lines =
            "{\n\t\"z\": [\n\t\t1.50,\n\t\t{\n\t\t\t\"a\": \"x, {\\\"y\\\":\"\n\t\t}\n\t],\n\t\"b\": {},\n\t\"c\": [],\n\t\"d\": null\n}";
        assert_eq!(indent(text), lines);
        assert_eq!(indent(lines), lines);
        assert_eq!(indent("\"a\u{9b}b\u{202e}\""), "\"a\\u009bb\\u202e\"");
    }
}
