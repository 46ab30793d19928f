//! `tare top`: the processes of a container, as `ps -ef` would show them; with options, as the host's `ps` does.

use crate::cli::say::say;
use crate::cli::{Context, table};
use crate::engine::{events, find, now, top};
use crate::error::{Context as _, Error, Result};
use crate::sys::process::{self, Look};
use crate::time;
use clap::{Arg, ArgMatches};
use std::collections::HashSet;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .override_usage("tare top CONTAINER [PS_OPTIONS...]")
        .arg(
            Arg::new("words")
                .value_names(["CONTAINER", "PS_OPTIONS"])
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .help("The container, then options for ps; -o must ask for pid"),
        )
        .after_help("Examples:\n  tare top web\n  tare top web -o pid,rss,args")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let words: Vec<&String> = matches.get_many::<String>("words").into_iter().flatten().collect();
    let Some((name, options)) = words.split_first() else { return Err(Error::usage("no container named")) };
    let seen = find::container(&context.paths, name)?;
    let pids = top::processes(&seen)?;
    let text = match options {
        [] => usual(&pids),
        options => as_ps_tells(options, &pids)?,
    };
    events::of_container(&context.paths, &seen.record, "top", &[]);
    say(&text);
    Ok(0)
}

fn usual(pids: &[i32]) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (now, up) = (now(), process::time_since_boot());
    let mut text = String::from("UID\tPID\tPPID\tC\tSTIME\tTTY\tTIME\tCMD\n");
    for one in pids.iter().filter_map(|pid| process::look(*pid)) {
        text += &line(&one, &user(&passwd, one.uid), now, up);
    }
    table::align(&text)
}

/// Moments of processes are told in hundredths of a second since boot.
fn line(one: &Look, user: &str, now: u64, up: u64) -> String {
    let age = up.saturating_sub(one.started);
    let started = time::rfc3339(now.saturating_sub(age.saturating_mul(10_000_000)));
    // `2026-11-21T07:02:09Z`: the time of a day, the day of a longer life.
    let started = if age < 24 * 3600 * 100 { &started[11..16] } else { &started[5..10] };
    let seconds = one.busy / 100;
    let terminal = one.terminal.map_or("?".to_owned(), |number| format!("pts/{number}"));
    format!(
        "{user}\t{}\t{}\t{}\t{started}\t{terminal}\t{:02}:{:02}:{:02}\t{}\n",
        one.pid,
        one.parent,
        (one.busy * 100).checked_div(age).unwrap_or(0),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        one.command.replace(['\t', '\n'], " "),
    )
}

/// As the host calls him: the container's own names would be claims.
fn user(passwd: &str, uid: u32) -> String {
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| uid.to_string())
}

fn as_ps_tells(options: &[&String], pids: &[i32]) -> Result<String> {
    let ran = std::process::Command::new("ps").args(options).output().context("cannot run the host's ps")?;
    if !ran.status.success() {
        return Err(Error::failed("ps does not take these options")
            .because(String::from_utf8_lossy(&ran.stderr).trim().lines().next().unwrap_or_default().to_owned()));
    }
    only(&String::from_utf8_lossy(&ran.stdout), &pids.iter().copied().collect())
        .ok_or_else(|| Error::usage("ps shows no column PID, by which the container's processes could be told").hint("add -o pid,…"))
}

/// The heading, and the lines of these processes.
fn only(text: &str, pids: &HashSet<i32>) -> Option<String> {
    let (heading, lines) = text.split_once('\n')?;
    let column = heading.split_whitespace().position(|word| word == "PID")?;
    let ours = |line: &&str| line.split_whitespace().nth(column).and_then(|word| word.parse().ok()).is_some_and(|pid| pids.contains(&pid));
    Some(std::iter::once(heading).chain(lines.lines().filter(ours)).map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_a_line() {
        let one = Look {
            pid: 7,
            parent: 1,
            uid: 1000,
            command: "sleep\t9".into(),
            started: 500,
            busy: 6100,
            terminal: Some(3),
            is_zombie: false,
        };
        let now = time::parse_rfc3339("2026-11-21T07:02:09Z").unwrap();
        assert_eq!(line(&one, "alice", now, 12_700), "alice\t7\t1\t50\t07:00\tpts/3\t00:01:01\tsleep 9\n");
        assert_eq!(
            line(&Look { terminal: None, ..one }, "alice", now, 500 + 100 * 3600 * 48),
            "alice\t7\t1\t0\t11-19\t?\t00:01:01\tsleep 9\n"
        );
        assert_eq!(user("root:x:0:0::/:/bin/sh\nalice:x:1000:1::/:/bin/sh\n", 1000), "alice");
        assert_eq!(user("broken\n:x\n", 5), "5");
    }

    #[test]
    fn of_the_host_s_processes_only_ours_are_shown() {
        let text = "  PID COMMAND\n    1 init\n   70 sleep\n    7 sh\n";
        assert_eq!(only(text, &HashSet::from([7])).as_deref(), Some("  PID COMMAND\n    7 sh\n"));
        assert_eq!(only("COMMAND\nsh\n", &HashSet::new()), None);
    }
}
