//! `WWW-Authenticate`: how a registry says what it wants to see (RFC 9110, 11.6.1).

/// One way in: its scheme in small letters, and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// All challenges of one header; what makes no sense is left out.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header;
    while let Some((word, after)) = token(rest) {
        match after.trim_start().strip_prefix('=') {
            // A parameter of the scheme before it.
            Some(value) => {
                let (value, after) = value_of(value.trim_start());
                if let Some(challenge) = found.last_mut() {
                    challenge.parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            None => {
                found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
                rest = after;
            }
        }
    }
    found
}

/// The next word, past blanks and commas.
fn token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    let end = text.find([' ', '\t', ',', '=']).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenges_of_registries_are_read() {
        let all = parse(r#"Bearer realm="https://auth.example/token",service="reg, istry",scope="repository:a/b:pull""#);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].scheme.as_str(), all[0].get("service")), ("bearer", Some("reg, istry")));
        assert_eq!(all[0].get("scope"), Some("repository:a/b:pull"));
        let all = parse(r#"Negotiate, Basic realm="x \"y\"", BEARER Realm = plain"#);
        assert_eq!(all.iter().map(|one| one.scheme.as_str()).collect::<Vec<_>>(), ["negotiate", "basic", "bearer"]);
        assert_eq!((all[1].get("realm"), all[2].get("realm")), (Some("x \"y\""), Some("plain")));
    }

    #[test]
    fn nonsense_is_no_challenge_and_comes_to_an_end() {
        for nonsense in ["", ",,,", "=", "==x", "\"", "a=\"", "Bearer realm=\"x\\", "=\"a\"=\"b\"", "\u{fc}=1"] {
            assert!(parse(nonsense).iter().all(|one| one.get("realm").is_none_or(|realm| realm.len() < 20)), "{nonsense:?}");
        }
    }
}
