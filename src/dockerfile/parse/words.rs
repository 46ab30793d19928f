//! The rest of a line as words: separated by blanks, or as a JSON array, or in quotes.

use serde_json::Value;

pub enum Json {
    Words(Vec<String>),
    /// An array, but of other things than texts.
    Others,
    /// A line for the shell, though it may have looked like an array.
    No,
}

/// `["a", "b"]`. What is damaged is no array, as it is in Docker.
pub fn json(text: &str) -> Json {
    if !text.trim_start().starts_with('[') {
        return Json::No;
    }
    let Ok(values) = serde_json::from_str::<Vec<Value>>(text) else { return Json::No };
    let words = values.into_iter().map(|value| match value {
        Value::String(word) => Some(word),
        _ => None,
    });
    words.collect::<Option<Vec<String>>>().map_or(Json::Others, Json::Words)
}

/// At blanks, whatever the quotes: each with its place in the text. Blanks of other scripts belong to a name.
pub fn split(text: &str) -> Vec<(usize, &str)> {
    let words = text.split_ascii_whitespace();
    words.map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word)).collect()
}

/// At blanks that stand neither in quotes nor behind an escape. Quotes and escapes stay: they are taken away with the variables.
pub fn quoted(text: &str, escape: char) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut began = None;
    let mut quote = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        if quote.is_none() && letter.is_whitespace() {
            words.extend(began.take().map(|began| (began, std::mem::take(&mut word))));
            continue;
        }
        began.get_or_insert(at);
        if letter == escape && quote != Some('\'') {
            // One at the very end means nothing.
            if let Some((_, meant)) = letters.next() {
                word.push(letter);
                word.push(meant);
            }
            continue;
        }
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            _ => {}
        }
        word.push(letter);
    }
    words.extend(began.map(|began| (began, word)));
    words.retain(|(_, word)| !word.is_empty());
    words
}
