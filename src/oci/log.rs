//! Where errors go: standard error for people, and the file behind `--log` for the engine that called, in the form that it reads.

use crate::error::{Error, Kind};
use crate::runtime::strict::rights::{self, LeftOut};
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::time;
use clap::ArgMatches;
use std::os::fd::AsFd;
use std::path::PathBuf;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone)]
pub struct Log {
    file: Option<PathBuf>,
    format: Format,
    debug: bool,
}

impl Log {
    pub fn new(matches: &ArgMatches) -> Log {
        let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
        Log { file: text("log").and_then(path_of), format: Format::of(text("log-format")), debug: matches.get_flag("debug") }
    }

    /// Where the words as a whole make no sense: the engine shall still read why.
    pub fn of_words(words: &[String]) -> Log {
        let value = |name: &str| {
            words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(name)? {
                "" => words.get(at + 1).map(String::as_str),
                rest => rest.strip_prefix('='),
            })
        };
        Log { file: value("--log").and_then(path_of), format: Format::of(value("--log-format")), debug: false }
    }

    /// The command's end. A log that cannot be written is no reason to hide the error.
    pub fn error(&self, error: &Error) {
        let text = for_engines(error);
        eprintln!("tare-oci: {text}");
        if let Some(hint) = error.hint_text() {
            eprintln!("hint: {hint}");
        }
        self.write("error", &text);
    }

    pub fn warning(&self, text: &str) {
        eprintln!("tare-oci: {text}");
        self.write("warning", text);
    }

    /// The specification wants a warning. What is not ambient is only logged: a program of buildah's gets every capability that
    /// it can use nevertheless, and a line at each step of a build would help nobody.
    pub fn left_out(&self, left_out: &LeftOut) {
        if let Some(names) = rights::names(left_out.lacking) {
            self.warning(&format!("{names} cannot be given: tare itself does not hold it here"));
        }
        if let Some(names) = rights::names(left_out.not_ambient) {
            self.write("warning", &format!("{names} cannot be ambient without being permitted and inheritable"));
        }
    }

    pub fn debug(&self, text: &str) {
        if self.debug {
            self.write("debug", text);
        }
    }

    pub fn write(&self, level: &str, text: &str) {
        let Some(path) = &self.file else { return };
        let line = line(self.format, level, text, time::now());
        let append = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_NOCTTY;
        if let Ok(fd) = file::create(path, append, 0o600) {
            let _ = file::write_all(fd.as_fd(), line.as_bytes());
        }
    }
}

impl Format {
    fn of(text: Option<&str>) -> Format {
        if text == Some("json") { Format::Json } else { Format::Text }
    }
}

/// In crun's form too, whose other places have no path.
fn path_of(text: &str) -> Option<PathBuf> {
    if is_elsewhere(text) { None } else { Some(PathBuf::from(text.strip_prefix("file:").unwrap_or(text))) }
}

/// Where crun writes logs and we do not.
pub fn is_elsewhere(text: &str) -> bool {
    ["journald:", "syslog:"].iter().any(|place| text.starts_with(place))
}

/// Engines learn from the words of their runtime whether a command was not found (exit code 127) or may not be executed (126).
fn for_engines(error: &Error) -> String {
    match error.kind() {
        Kind::CommandNotFound => format!("{error}: executable file not found in $PATH: no such file or directory"),
        Kind::CannotExecute if error.errno() == Some(Errno::EACCES) => format!("{error}: permission denied"),
        _ => error.to_string(),
    }
}

/// As runc writes it: engines look for `level` and `msg`.
fn line(format: Format, level: &str, text: &str, now: u64) -> String {
    let time = time::rfc3339(now);
    match format {
        Format::Json => format!("{}\n", serde_json::json!({ "level": level, "msg": text, "time": time })),
        Format::Text => format!("time={time:?} level={level} msg={text:?}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_find_level_and_message() {
        let json: serde_json::Value = serde_json::from_str(&line(Format::Json, "error", "no \"x\"", 1)).unwrap();
        assert_eq!((json["level"].as_str(), json["msg"].as_str()), (Some("error"), Some("no \"x\"")));
        assert_eq!(
            line(Format::Text, "error", "no \"x\"", 1_000_000_000),
            "time=\"1970-01-01T00:00:01Z\" level=error msg=\"no \\\"x\\\"\"\n"
        );
    }
}
