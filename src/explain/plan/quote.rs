//! Words for a shell: what means something to it is put in quotes.

/// As one word, whatever is in it.
pub fn word(text: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    match !text.is_empty() && text.bytes().all(harmless) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Between double quotes, behind a variable: `"$root/a b"`.
pub fn inside(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\\"$`".contains(letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

/// A file's content behind `<<`: its end is a word that stands nowhere in it.
pub fn document(content: &str) -> String {
    let mut end = "END".to_owned();
    while content.lines().any(|line| line == end) {
        end.push('_');
    }
    let line_break = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    format!("<<'{end}'\n{content}{line_break}{end}")
}

/// A comment may have no line break, or what follows would be a command.
pub fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(word("a=b/c"), "a=b/c");
        assert_eq!(word(""), "''");
        assert_eq!(word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(word("a\nb"), "'a\nb'");
        assert_eq!(inside(r#"a "$b` c"#), r#"a \"\$b\` c"#);
    }

    #[test]
    fn a_document_is_ended_by_none_of_its_lines() {
        assert_eq!(document("a\n"), "<<'END'\na\nEND");
        assert_eq!(document("END\nEND_"), "<<'END__'\nEND\nEND_\nEND__");
        assert_eq!(comment("a\nrm -rf /"), "a rm -rf /");
    }
}
