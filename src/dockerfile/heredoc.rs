//! `<<EOF`: which heredocs a line announces.

use super::expand;
use super::instruction::Heredoc;
use super::parse::flags;
use super::parse::words::{self, Json};

pub struct Announced {
    /// Its content is still below.
    pub heredoc: Heredoc,
    /// `<<-`: tabs at the beginning of its lines do not count.
    pub without_tabs: bool,
}

/// All that this line announces, each with its place in the line. Only RUN, COPY and ADD take them, and not in their exec form.
pub fn announced(line: &str) -> Vec<(usize, Announced)> {
    if !line.contains("<<") {
        return Vec::new();
    }
    let Some(rest) = takes_them(line) else { return Vec::new() };
    let before = line.len() - rest.len();
    expand::shell_words(rest).into_iter().filter_map(|(at, word)| Some((before + at, of_word(&word)?))).collect()
}

/// What stands behind the instruction and its flags, if heredocs may be there.
fn takes_them(line: &str) -> Option<&str> {
    let mut line = line;
    loop {
        let (name, rest) = line.trim_start().split_once(char::is_whitespace)?;
        let (_, behind) = flags::cut(rest);
        match name.to_ascii_uppercase().as_str() {
            "ONBUILD" => line = rest,
            "RUN" | "COPY" | "ADD" => return (!matches!(words::json(behind), Json::Words(_))).then_some(behind),
            _ => return None,
        }
    }
}

/// `<<EOF`, `3<<-"EOF"`; `None`: an ordinary word.
pub fn of_word(word: &str) -> Option<Announced> {
    let (descriptor, name) = word.split_once("<<")?;
    if !descriptor.bytes().all(|byte| byte.is_ascii_digit()) || name.contains('<') {
        return None;
    }
    let (name, without_tabs) = match name.strip_prefix('-') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let mut plain = expand::unquoted(name).ok()?;
    // Quotes, or an escape, mean that it is taken as it is.
    let expand = plain == [name];
    let name = plain.pop().filter(|name| plain.is_empty() && !name.is_empty())?;
    let descriptor = descriptor.parse().unwrap_or(0);
    Some(Announced { heredoc: Heredoc { name, content: String::new(), expand, descriptor }, without_tabs })
}
