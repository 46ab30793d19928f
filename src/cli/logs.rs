//! `tare logs`: what a container has written, its stdout on ours and its stderr on ours.

use crate::cli::{Context, say};
use crate::engine::{find, log_keeping, now};
use crate::error::{Context as _, Error, Result};
use crate::monitor::log::entry::Entry;
use crate::monitor::log::read::{self, Met, Period, Wanted};
use crate::monitor::protocol::Stream;
use crate::options::logs::rotation;
use crate::store;
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::{self, ErrorKind};

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    let value = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).allow_hyphen_values(true).help(help)
    };
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(switch("follow", "Go on until the container ends").short('f'))
        .arg(switch("timestamps", "Show when each line was written").short('t'))
        .arg(switch("details", "Show what --log-opt labels, env and tag put beside each line"))
        .arg(value("tail", "LINES", "Only the last lines").short('n').default_value("all"))
        .arg(value("since", "TIME", "Only what was written since then: 10m, 2026-11-21T07:02:09Z, or seconds since 1970"))
        .arg(value("until", "TIME", "Only what was written until then"))
        .after_help("Examples:\n  tare logs -f --tail 10 web\n  tare logs --since 10m -t web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let name = text("container").unwrap_or("");
    let tail = parse_tail(text("tail").unwrap_or("all"))?;
    let period = Period { since: moment("since", text("since"))?, until: moment("until", text("until"))? };
    let seen = find::container(&context.paths, name)?;
    log_keeping::check_kept(&seen)?;
    let files = seen.files(&context.paths);
    let alive = files.alive();
    let still_runs = || store::is_held(&alive).unwrap_or(false);
    let still_runs: Option<&dyn Fn() -> bool> = if matches.get_flag("follow") { Some(&still_runs) } else { None };
    let mut printer = Printer { with_time: matches.get_flag("timestamps"), with_details: matches.get_flag("details"), ..Printer::new() };
    let wanted = Wanted { files: rotation(&seen.record.wishes.log).max_files, tail, period, still_runs };
    match read::read(&files.log(), &wanted, &mut |met| printer.meet(met)) {
        // Nobody listens any more; the exit code will tell.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(0),
        other => other.map(|()| 0).with_context(|| format!("cannot show the log of container {name}")),
    }
}

/// `None`: all lines. A negative number means that too, as with Docker.
fn parse_tail(text: &str) -> Result<Option<u64>> {
    match text.parse::<i64>() {
        _ if text == "all" => Ok(None),
        Ok(lines) => Ok(u64::try_from(lines).ok()),
        Err(_) => Err(Error::usage(format!("--tail {text}")).because("not a number of lines").hint("a number, or all")),
    }
}

fn moment(flag: &str, text: Option<&str>) -> Result<Option<u64>> {
    let parse = |text| time::parse_moment(text, now()).map_err(|e| e.context(format!("invalid value {text:?} for --{flag}")));
    text.map(parse).transpose()
}

struct Printer {
    with_time: bool,
    with_details: bool,
    /// Whether the next entry of the stream begins a line.
    at_start: [bool; 2],
    /// What is shown next, and on which stream. It is shown when there is enough of it, when the other stream's turn comes (the order
    /// in which they were written is kept, where both go to one terminal), and when there is no more for now.
    held: Vec<u8>,
    stream: Stream,
}

const ENOUGH: usize = 64 << 10;

impl Printer {
    fn new() -> Self {
        Printer { with_time: false, with_details: false, at_start: [true; 2], held: Vec::new(), stream: Stream::Stdout }
    }

    fn meet(&mut self, met: Met) -> io::Result<()> {
        match met {
            Met::Entry(entry) => self.hold(&entry),
            Met::Rest => self.show(),
            Met::Gap => {
                self.show()?;
                say::say_aside(b"tare: lines are missing here: the container wrote them faster than they were read\n");
                Ok(())
            }
        }
    }

    fn hold(&mut self, entry: &Entry) -> io::Result<()> {
        if entry.stream != self.stream || self.held.len() >= ENOUGH {
            self.show()?;
            self.stream = entry.stream;
        }
        if std::mem::replace(&mut self.at_start[entry.stream as usize], entry.ends_line()) {
            if self.with_time {
                self.held.extend_from_slice(format!("{} ", entry.time).as_bytes());
            }
            if self.with_details {
                self.held.extend_from_slice(details(entry).as_bytes());
            }
        }
        self.held.extend_from_slice(&entry.bytes);
        Ok(())
    }

    fn show(&mut self) -> io::Result<()> {
        let is_heard = match self.stream {
            Stream::Stdout => say::say_bytes(&self.held),
            Stream::Stderr => say::say_aside(&self.held),
        };
        self.held.clear();
        if is_heard { Ok(()) } else { Err(ErrorKind::BrokenPipe.into()) }
    }
}

/// `a=1,b=2 `, as Docker shows them; a space alone where there is nothing, so that the line always begins behind the first one.
fn details(entry: &Entry) -> String {
    let pairs: Vec<String> = entry.attributes.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join(",") + " "
}

/// So that what stands in a value is not taken for the end of it: all but letters, digits and `-_.~` as in a URL's query.
fn escape(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_lines_or_all() {
        assert_eq!(parse_tail("all").unwrap(), None);
        assert_eq!(parse_tail("-1").unwrap(), None);
        assert_eq!(parse_tail("0").unwrap(), Some(0));
        assert_eq!(parse_tail("12").unwrap(), Some(12));
        assert!(parse_tail("many").is_err() && parse_tail("").is_err());
    }

    #[test]
    fn details_can_be_told_from_the_line() {
        let attributes = [("b", "x y,z=1"), ("a.c", "é")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let entry = Entry { stream: Stream::Stdout, time: String::new(), bytes: Vec::new(), attributes };
        assert_eq!(details(&entry), "a.c=%C3%A9,b=x+y%2Cz%3D1 ");
    }
}
