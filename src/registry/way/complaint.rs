//! What a registry, or who gives its tokens, says about a refusal, in its own words: bounded, and without what a terminal would obey.

use crate::registry::way::http::Answer;
use crate::registry::way::short;
use crate::registry::who::challenge;
use serde_json::Value;

const LONGEST: u64 = 16 << 10;

pub fn complaint(answer: Answer) -> String {
    let status = answer.status();
    let in_header = in_header(&answer);
    let text = short::beginning(answer, LONGEST);
    match in_body(&text).or(in_header) {
        Some(said) => harmless(said.trim_end_matches('.')),
        None => format!("it answers {status}"),
    }
}

/// Registries have a list of errors; those who give tokens have words of their own.
fn in_body(text: &str) -> Option<String> {
    let said: Value = serde_json::from_str(text).ok()?;
    let place = said.get("errors").and_then(|errors| errors.get(0)).unwrap_or(&said);
    let word = |name: &str| place.get(name).and_then(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned);
    ["message", "code", "details", "error_description", "error"].into_iter().find_map(word)
}

fn in_header(answer: &Answer) -> Option<String> {
    let headers = answer.headers().get_all("www-authenticate").iter().filter_map(|header| header.to_str().ok());
    headers.flat_map(challenge::parse).find_map(|one| one.get("error_description").or(one.get("error")).map(str::to_owned))
}

pub fn harmless(text: &str) -> String {
    text.chars().take(300).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_all_of_them_are_found() {
        for (text, said) in [
            (r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#, Some("not you")),
            (r#"{"errors":[{"code":"DENIED","message":""}]}"#, Some("DENIED")),
            (r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password")),
            (r#"{"error":"invalid_grant","error_description":"it is old"}"#, Some("it is old")),
            (r#"{"errors":[]}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(in_body(text).as_deref(), said, "{text}");
        }
    }
}
