//! A template's text, cut into plain text and actions, and an action into its words.

use serde_json::Value;

/// Longer templates were not typed by a person.
const LONGEST: usize = 64 << 10;

#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    Action(&'a str),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A function or a keyword.
    Word(String),
    /// `.`, `.A.B`: a path from the current value.
    Path(Vec<String>),
    /// `$`, `$x.A`: a path from a variable.
    Variable(String, Vec<String>),
    /// `.A` behind a closing parenthesis.
    Further(Vec<String>),
    Literal(Value),
    Pipe,
    Open,
    Close,
    Comma,
    Declare,
    Assign,
}

/// Text and actions in turn. `{{-` and `-}}` take the white space beside them away.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let mut found = Vec::new();
    let (mut rest, mut trim_next) = (text, false);
    while let Some(start) = rest.find("{{") {
        let before = &rest[..start];
        let inside = &rest[start + 2..];
        let length = end_of_action(inside)?;
        let (mut action, after) = (&inside[..length], &inside[length + 2..]);
        let trim_before = action.starts_with("- ") || action.starts_with("-\n") || action.starts_with("-\t") || action.starts_with("-/*");
        let trim_after = action.ends_with(" -") || action.ends_with("\t-") || action.ends_with("\n-") || action.ends_with("*/-");
        if trim_before {
            action = &action[1..];
        }
        if trim_after {
            action = &action[..action.len() - 1];
        }
        push_text(&mut found, before, trim_next, trim_before);
        let action = action.trim();
        if !(action.starts_with("/*") && action.ends_with("*/")) {
            found.push(Piece::Action(action));
        }
        (rest, trim_next) = (after, trim_after);
    }
    push_text(&mut found, rest, trim_next, false);
    Ok(found)
}

fn push_text<'a>(found: &mut Vec<Piece<'a>>, text: &'a str, trim_start: bool, trim_end: bool) {
    let text = if trim_start { text.trim_start() } else { text };
    let text = if trim_end { text.trim_end() } else { text };
    if !text.is_empty() {
        found.push(Piece::Text(text));
    }
}

/// Where `}}` stands, outside of quotes and comments.
fn end_of_action(inside: &str) -> Result<usize, String> {
    let bytes = inside.as_bytes();
    let unclosed = || Err("an action {{ is not closed".to_owned());
    if inside.trim_start_matches('-').trim_start().starts_with("/*") {
        let Some(comment) = inside.find("*/") else { return unclosed() };
        return match inside[comment..].find("}}") {
            Some(end) => Ok(comment + end),
            None => unclosed(),
        };
    }
    let (mut at, mut quote) = (0, None);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"' | b'\''), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            (None, byte @ (b'"' | b'`' | b'\'')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    unclosed()
}

pub fn tokens(action: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = action;
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            _ if first.is_whitespace() => {
                rest = rest.trim_start();
                continue;
            }
            '|' => (Token::Pipe, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            ':' if rest.starts_with(":=") => (Token::Declare, 2),
            '=' => (Token::Assign, 1),
            '.' => {
                let (path, length) = path(rest)?;
                // Directly behind a parenthesis it goes on from what is inside.
                let follows = found.last() == Some(&Token::Close) && action[..action.len() - rest.len()].ends_with(')');
                (if follows && !path.is_empty() { Token::Further(path) } else { Token::Path(path) }, length)
            }
            '$' => {
                let name = name_length(&rest[1..]);
                let (path, length) = if rest[1 + name..].starts_with('.') { path(&rest[1 + name..])? } else { (Vec::new(), 0) };
                (Token::Variable(rest[1..1 + name].to_owned(), path), 1 + name + length)
            }
            '"' | '`' | '\'' => quoted(rest, first)?,
            '-' | '+' | '0'..='9' => number(rest)?,
            _ if first.is_alphabetic() || first == '_' => {
                let length = name_length(rest);
                (word(&rest[..length]), length)
            }
            _ => return Err(format!("unexpected {first:?} in {{{{{action}}}}}")),
        };
        found.push(token);
        rest = &rest[length..];
    }
    Ok(found)
}

fn word(text: &str) -> Token {
    match text {
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        "nil" => Token::Literal(Value::Null),
        _ => Token::Word(text.to_owned()),
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// `.`, `.A`, `.A.B`
fn path(text: &str) -> Result<(Vec<String>, usize), String> {
    let (mut names, mut at) = (Vec::new(), 0);
    while text[at..].starts_with('.') {
        let length = name_length(&text[at + 1..]);
        if length == 0 {
            return if names.is_empty() { Ok((names, 1)) } else { Err("a name is missing behind a point".to_owned()) };
        }
        names.push(text[at + 1..at + 1 + length].to_owned());
        at += 1 + length;
    }
    Ok((names, at))
}

fn number(text: &str) -> Result<(Token, usize), String> {
    let length = 1 + text[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').unwrap_or(text.len() - 1);
    let digits = &text[..length];
    let value = digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<f64>().map(Value::from));
    value.map(|value| (Token::Literal(value), length)).map_err(|_| format!("bad number {digits}"))
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => {
                // A single letter in Go is its number.
                let single = quote == '\'' && value.chars().count() == 1;
                let number = value.chars().next().map_or(0, |letter| letter as u32);
                return Ok((Token::Literal(if single { Value::from(number) } else { Value::String(value) }), at + 1));
            }
            '\\' if quote != '`' => match letters.next().map(|(_, letter)| letter) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some(same @ ('\\' | '"' | '\'')) => value.push(same),
                _ => return Err(format!("unknown escape in {text}")),
            },
            _ => value.push(letter),
        }
    }
    Err("a quote is not closed".to_owned())
}
