//! `tare run`: a container from an image, started, and shown.

use crate::cli::Context;
use crate::cli::run_flags::{self, Parsed};
use crate::engine::create::{self, Request};
use crate::engine::launch;
use crate::error::{Error, Result};
use crate::monitor::attend::{self, How, Outcome};
use crate::monitor::protocol::Wants;
use crate::sys::terminal;
use clap::ArgMatches;
use std::os::fd::AsFd;

pub fn define(command: clap::Command) -> clap::Command {
    run_flags::define(command).after_help("Examples:\n  tare run -it --rm alpine sh\n  tare run -d --name web -m 64m busybox httpd -f\n  tare run --rm -v \"$PWD\":/work -w /work alpine ls\n\nA switch is turned off by =false: --init=false")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    show(context, run_flags::parse("run", matches)?)
}

/// The same without clap, where the line is right.
pub fn quick(context: &Context, words: &[String]) -> Option<Result<i32>> {
    run_flags::parse_words("run", words).map(|parsed| show(context, parsed?))
}

fn show(context: &Context, parsed: Parsed) -> Result<i32> {
    let has_terminal = parsed.wishes.terminal;
    if has_terminal && parsed.attach.stdin && !parsed.detach && !terminal::is_terminal(std::io::stdin().as_fd()) {
        return Err(Error::usage("the input device is not a terminal").hint("leave -t out, or run it in a terminal"));
    }
    let wants = match parsed.detach {
        true => Wants::default(),
        false => Wants { stdin: parsed.attach.stdin, stdout: parsed.attach.stdout, stderr: parsed.attach.stderr },
    };
    let made = create::create(&context.paths, Request { image: parsed.image, name: parsed.name, wishes: parsed.wishes, launched: true })?;
    let id = made.record.id.clone();
    let monitor = launch::launch(&context.paths, made, wants)?;
    if parsed.detach {
        println!("{id}");
        return Ok(0);
    }
    let how = How { terminal: has_terminal, wants, sig_proxy: parsed.sig_proxy && !has_terminal, detach_keys: parsed.detach_keys };
    shown(attend::attend(monitor, &how)?)
}

/// The exit code of a command that showed a container.
pub fn shown(outcome: Outcome) -> Result<i32> {
    match outcome {
        Outcome::Exited(code) => Ok(code),
        Outcome::Detached => Ok(0),
        Outcome::Lost => Err(Error::failed("the container's monitor is lost").hint("tare ps -a shows what became of it")),
    }
}
