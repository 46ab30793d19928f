//! What runs: the command, its environment, its user, its end.

use super::words::{Flag, Flags, blame, list, read_file, switch, value};
use crate::error::{Error, Result};
use crate::options::{Wishes, env_file, groups, systemd, ulimits, users};
use crate::sys::signal;

pub const FLAGS: &[Flag] = &[
    switch("interactive", Some('i'), "Keep stdin open"),
    switch("tty", Some('t'), "Give the container a terminal"),
    list("env", Some('e'), "NAME=VALUE", "Set a variable; NAME alone takes its value from here"),
    list("env-file", None, "FILE", "Read variables from a file"),
    value("workdir", Some('w'), "DIR", "Working directory inside"),
    value("user", Some('u'), "USER[:GROUP]", "User inside, by name or number"),
    list("group-add", None, "GROUP", "A further group of the user, by name or number"),
    value("entrypoint", None, "COMMAND", "Run this instead of the image's entrypoint"),
    switch("init", None, "Our reaper as pid 1 (default: unless the image brings an init)"),
    value("systemd", None, "true|false|always", "Give it what systemd wants (default true: where it is the command)"),
    value("stop-signal", None, "SIGNAL", "Signal that asks the container to end"),
    value("stop-timeout", None, "SECONDS", "Time it has before it is killed"),
    list("ulimit", None, "NAME=SOFT[:HARD]", "Limit of each process"),
    value("oom-score-adj", None, "NUMBER", "When memory runs out: 1000 is ended first, -1000 never"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.entrypoint = flags.text("entrypoint").map(|text| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] });
    wishes.env = env(flags)?;
    wishes.user = flags.parse("user", |user| users::parse(user).map(|_| user.to_owned()))?.filter(|user| !user.is_empty());
    wishes.groups = flags.parse_all("group-add", groups::parse)?;
    wishes.workdir = flags.parse("workdir", workdir)?;
    wishes.stop_signal = flags.parse("stop-signal", |text| signal::parse(text).map(|_| text.to_owned()))?;
    wishes.stop_timeout = flags.parse("stop-timeout", stop_timeout)?;
    wishes.init = flags.switch("init")?;
    wishes.systemd = flags.parse("systemd", systemd::parse)?.unwrap_or_default();
    wishes.interactive = flags.on("interactive")?;
    wishes.terminal = flags.on("tty")?;
    wishes.oom_score_adj = flags.parse("oom-score-adj", oom_score_adj)?;
    for ulimit in flags.parse_all("ulimit", ulimits::parse)? {
        ulimits::add(&mut wishes.ulimits, ulimit);
    }
    Ok(())
}

fn env(flags: &Flags) -> Result<Vec<String>> {
    let own = |name: &str| std::env::var(name).ok();
    let mut env = Vec::new();
    for file in flags.all("env-file") {
        let text = read_file("env-file", file, env_file::LONGEST_FILE)?;
        env.extend(env_file::parse_file(&text, own).map_err(|e| blame("env-file", file, e))?);
    }
    env.extend(flags.parse_all("env", |text| env_file::parse(text, own))?);
    Ok(env)
}

fn workdir(text: &str) -> Result<String> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err(Error::usage("not an absolute path").hint("the directory is one inside the container, beginning with /"));
    }
    Ok(text.to_owned())
}

/// -1 waits for ever, which 136 years come close to.
fn stop_timeout(text: &str) -> Result<u32> {
    match text {
        "-1" => Ok(u32::MAX),
        _ => text.parse().map_err(|_| Error::usage("not a number of seconds").hint("-1 means to wait for ever")),
    }
}

/// The kernel's bounds (proc_pid_oom_score_adj(5)).
fn oom_score_adj(text: &str) -> Result<i32> {
    match text.parse::<i32>() {
        Ok(score @ -1000..=1000) => Ok(score),
        _ => Err(Error::usage("not a number from -1000 to 1000")),
    }
}
