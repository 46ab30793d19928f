//! `tare run`: a container from an image, started, and shown.

use crate::cli::create::say_copy;
use crate::cli::id_file::IdFile;
use crate::cli::run_flags::{self, Parsed};
use crate::cli::say::{say_aside, say_line};
use crate::cli::{Context, explain, pull};
use crate::engine::create::{self, Request};
use crate::engine::{events, find, join, launch, networks, repair};
use crate::error::{Error, Result};
use crate::monitor::attend::{self, How, Outcome};
use crate::monitor::protocol::Wants;
use crate::options::without::Part;
use crate::paths::ContainerPaths;
use crate::store::version;
use crate::sys::terminal;
use crate::trace::{self, Step};
use clap::ArgMatches;
use std::ops::ControlFlow;
use std::os::fd::AsFd;

pub fn define(command: clap::Command) -> clap::Command {
    run_flags::define(command).after_help("Examples:\n  tare run -it --rm alpine sh\n  tare run -d --name web -m 64m busybox httpd -f\n  tare run --rm -v \"$PWD\":/work -w /work alpine ls\n\nA switch is turned off by =false: --init=false")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    stay_out_of_reach()?;
    show(context, run_flags::parse("run", matches)?)
}

/// The same without clap, where the line is right.
pub fn quick(context: &Context, words: &[String]) -> Option<Result<i32>> {
    if let Err(error) = stay_out_of_reach() {
        return Some(Err(error));
    }
    run_flags::parse_words("run", words).map(|parsed| show(context, parsed?))
}

/// With the pid namespace of another container its processes see our child from birth on: it must be no file that they could write
/// (CVE-2019-5736). Done before the line is read, because some of what it names can be read only once (`--env-file <(…)`).
fn stay_out_of_reach() -> Result<()> {
    let is_pid = |word: std::ffi::OsString| word == "--pid" || word.as_encoded_bytes().starts_with(b"--pid=");
    if std::env::args_os().any(is_pid) { crate::runtime::own_program::be_read_only() } else { Ok(()) }
}

fn show(context: &Context, parsed: Parsed) -> Result<i32> {
    version::check(&context.paths)?;
    let parsed = match explain::run::if_asked(context, parsed)? {
        ControlFlow::Break(code) => return Ok(code),
        ControlFlow::Continue(parsed) => parsed,
    };
    let has_terminal = parsed.wishes.terminal;
    if has_terminal && parsed.attach.stdin && !parsed.detach && !terminal::is_terminal(std::io::stdin().as_fd()) {
        return Err(Error::usage("the input device is not a terminal").hint("leave -t out, or run it in a terminal"));
    }
    let wants = match parsed.detach {
        true => Wants::default(),
        false => Wants { stdin: parsed.attach.stdin, stdout: parsed.attach.stdout, stderr: parsed.attach.stderr },
    };
    let is_removed = parsed.wishes.remove;
    let without = parsed.wishes.without.clone();
    let publishes = !parsed.wishes.ports.is_empty() || parsed.wishes.publish_all;
    trace::timeline::keep();
    trace::begin(Step::FindImage);
    let image = pull::image_for(context, &parsed)?;
    let mut id_file = IdFile::take(parsed.id_file)?;
    let request = Request { image: parsed.image, name: parsed.name, wishes: parsed.wishes, launched: true, on_copy: say_copy, place: None };
    let made = create::create(&context.paths, request, &image)?;
    let (id, files) = (made.record.id.clone(), made.files.clone());
    if let Some(file) = &mut id_file {
        file.write(&id)?;
        // A container that cannot start and is not to be kept is nowhere, and so is what names it.
        if !is_removed {
            file.keep();
        }
    }
    if !parsed.detach {
        events::of_container(&context.paths, &made.record, "attach", &[]);
    }
    let monitor = launch::launch(&context.paths, made, wants)?;
    id_file.iter_mut().for_each(IdFile::keep);
    tell_what_is_left_out(&without);
    if publishes {
        tell_hindrances(&files);
    }
    if parsed.detach {
        say_line!("{id}");
        return Ok(0);
    }
    let how = How { terminal: has_terminal, wants, sig_proxy: parsed.sig_proxy && !has_terminal, detach_keys: parsed.detach_keys };
    trace::begin(Step::Attend);
    let outcome = attend::attend(monitor, &how)?;
    if let Outcome::Lost = outcome {
        repair::sweep(&context.paths);
    }
    shown(context, &id, outcome)
}

/// What its container can see or do now, and where to look.
fn tell_what_is_left_out(parts: &[Part]) {
    for part in parts {
        let (can, attempt) = part.tells();
        say_aside(format!("tare: without {}: {can}\n      try: {attempt}\n", part.name()).as_bytes());
    }
}

/// A published port that nobody reaches, or that hides who calls, is better told than found out.
pub fn tell_hindrances(files: &ContainerPaths) {
    let detour = join::written(files).and_then(|joined| joined.detour);
    for hindrance in networks::hindrances(detour.as_deref()) {
        say_aside(format!("tare: warning: {hindrance}\n").as_bytes());
    }
}

/// The exit code of a command that showed a container.
pub fn shown(context: &Context, id: &str, outcome: Outcome) -> Result<i32> {
    match outcome {
        Outcome::Exited(code) => Ok(code),
        Outcome::Detached => {
            if let Ok(Some(seen)) = find::by_id(&context.paths, id) {
                events::of_container(&context.paths, &seen.record, "detach", &[]);
            }
            Ok(0)
        }
        Outcome::Lost => Err(Error::failed("the container's monitor is lost")
            .hint("it was killed, and the container with it: tare ps -a shows what is left")),
    }
}
