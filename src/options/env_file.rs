//! `-e NAME[=VALUE]` and files of such lines.

use crate::error::{Error, Result};

/// More than this the kernel would refuse at execve anyway (a quarter of the stack, `ARG_MAX` in sysconf(3)).
pub const LONGEST_FILE: u64 = 2 << 20;

/// `NAME=VALUE` for the container. A bare `NAME` takes the value from `own`; without one it stays bare, which takes the
/// variable away from what the image sets.
pub fn parse(text: &str, own: impl Fn(&str) -> Option<String>) -> Result<String> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    if name.is_empty() {
        return Err(Error::usage("the variable has no name").hint("write NAME=VALUE"));
    }
    if text.contains('\0') {
        return Err(Error::usage("a variable cannot hold a NUL byte"));
    }
    Ok(if text.contains('=') { text.to_owned() } else { own(name).map_or_else(|| name.to_owned(), |value| format!("{name}={value}")) })
}

/// The lines of an `--env-file`; a bare name that `own` does not know is left out.
pub fn parse_file(text: &str, own: impl Fn(&str) -> Option<String>) -> Result<Vec<String>> {
    let variables = lines(text)?.into_iter();
    Ok(variables.filter_map(|(name, value)| Some(format!("{name}={}", value.or_else(|| own(&name))?))).collect())
}

/// Names and values of a file of `NAME[=VALUE]` lines. Nothing is unquoted and nothing trimmed from a value: it is no shell.
pub(super) fn lines(text: &str) -> Result<Vec<(String, Option<String>)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| Error::usage(format!("line {}: {why}", index + 1));
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line.trim_end(), None),
        };
        if name.is_empty() {
            return Err(wrong("there is no name before ="));
        }
        if name.contains(char::is_whitespace) {
            return Err(wrong(&format!("the name {name:?} has a space in it")));
        }
        if line.contains('\0') {
            return Err(wrong("there is a NUL byte in it"));
        }
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root".to_owned())
    }

    #[test]
    fn a_bare_name_takes_our_own_value() {
        assert_eq!(parse("HOME", own).unwrap(), "HOME=/root");
        assert_eq!(parse("NOPE", own).unwrap(), "NOPE");
        assert_eq!(parse("A=", own).unwrap(), "A=");
        assert_eq!(parse("A=b=c", own).unwrap(), "A=b=c");
        assert!(parse("=x", own).is_err());
        assert!(parse("", own).is_err());
    }

    #[test]
    fn a_file_is_no_shell_script() {
        let text = "\u{feff}# comment\n\nA=1 # kept\n  B=\"q\" \nHOME\nNOPE\nC=\r\n";
        assert_eq!(parse_file(text, own).unwrap(), ["A=1 # kept", "B=\"q\" ", "HOME=/root", "C="]);
    }

    #[test]
    fn the_wrong_line_is_named() {
        assert!(parse_file("A=1\nB C=2\n", own).unwrap_err().to_string().starts_with("line 2"));
        assert!(parse_file("=2\n", own).unwrap_err().to_string().starts_with("line 1"));
    }
}
