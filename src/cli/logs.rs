//! `tare logs`: what a container has written, its stdout on ours and its stderr on ours.

use crate::cli::Context;
use crate::engine::find;
use crate::error::{Context as _, Error, Result};
use crate::monitor::log_reader::{self, Entry};
use crate::monitor::protocol::Stream;
use crate::store;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::{self, BufWriter, StdoutLock, Write};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("follow").short('f').long("follow").action(ArgAction::SetTrue).help("Go on until the container ends"))
        .arg(Arg::new("timestamps").short('t').long("timestamps").action(ArgAction::SetTrue).help("Show when each line was written"))
        .arg(
            Arg::new("tail")
                .short('n')
                .long("tail")
                .value_name("LINES")
                .default_value("all")
                .allow_hyphen_values(true)
                .help("Only the last lines"),
        )
        .after_help("Example: tare logs -f --tail 10 web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("container").map_or("", String::as_str);
    let tail = parse_tail(matches.get_one::<String>("tail").map_or("all", String::as_str))?;
    let seen = find::container(&context.paths, name)?;
    let files = seen.files(&context.paths);
    let alive = files.alive();
    let still_runs = || store::is_held(&alive).unwrap_or(false);
    let still_runs: Option<&dyn Fn() -> bool> = if matches.get_flag("follow") { Some(&still_runs) } else { None };
    let mut printer = Printer::new(matches.get_flag("timestamps"), still_runs.is_some());
    let shown = log_reader::read(&files.log(), tail, still_runs, &mut |entry| printer.print(&entry)).and_then(|()| printer.out.flush());
    match shown {
        // As if we had died of SIGPIPE, like any program before `| head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(141),
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

struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    with_time: bool,
    /// Somebody is watching: nothing waits in a buffer.
    live: bool,
    /// Whether the next entry of the stream begins a line.
    at_start: [bool; 2],
}

impl Printer {
    fn new(with_time: bool, live: bool) -> Self {
        Printer { out: BufWriter::with_capacity(64 << 10, io::stdout().lock()), with_time, live, at_start: [true; 2] }
    }

    fn print(&mut self, entry: &Entry) -> io::Result<()> {
        let at_start = std::mem::replace(&mut self.at_start[entry.stream as usize], entry.ends_line());
        let time = if self.with_time && at_start { format!("{} ", entry.time) } else { String::new() };
        match entry.stream {
            Stream::Stdout => {
                self.out.write_all(time.as_bytes())?;
                self.out.write_all(&entry.bytes)?;
                if self.live { self.out.flush() } else { Ok(()) }
            }
            Stream::Stderr => {
                // In the order in which they were written, where both go to one terminal.
                self.out.flush()?;
                io::stderr().write_all(&[time.as_bytes(), &entry.bytes].concat())
            }
        }
    }
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
}
