//! A line as bash has it before the cursor, cut into the words that the program would get.
//!
//! bash itself cuts at `=` and `:` too when it completes, so `--network=h` and `alpine:3` would be three words each.

/// The last word is the unfinished one; it is empty behind a space.
pub fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut letters = line.trim_start().chars();
    let mut between = false;
    while let Some(letter) = letters.next() {
        if quote.is_none() && letter.is_whitespace() {
            between = true;
            continue;
        }
        if std::mem::take(&mut between) {
            words.push(String::new());
        }
        let Some(word) = words.last_mut() else { break };
        match (letter, quote) {
            ('\\', None | Some('"')) => word.extend(letters.next()),
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if open == letter => quote = None,
            _ => word.push(letter),
        }
    }
    if between {
        words.push(String::new());
    }
    words
}

/// The part of a word that bash keeps: it replaces only what stands behind the last of its breaks.
pub fn before_last_break<'a>(word: &'a str, breaks: &str) -> &'a str {
    let is_break = |letter: char| matches!(letter, '=' | ':') && breaks.contains(letter);
    word.rfind(is_break).map_or("", |at| &word[..=at])
}
