//! What is known of a container: gathered once, so that every rule looks at the same moment.

use super::files::Files;
use super::person::Person;
use super::program::{self, Program, Surroundings};
use crate::engine::now;
use crate::explain::live::group::{self, Limits as GroupLimits, Use};
use crate::explain::live::mounts::Mounted;
use crate::explain::live::{mounts, namespaces, status};
use crate::monitor::log::read::{self, Met, Period, Wanted};
use crate::options::logs::rotation;
use crate::options::{LogDriver, Seccomp, Wishes};
use crate::paths::Paths;
use crate::record::health::Health;
use crate::record::{Ended, Seen, Status};
use crate::spec::capabilities;
use crate::spec::capabilities::names::EVERY;
use crate::store;
use oci_spec::runtime::Spec;

/// So much of the output is looked at, and so long a line.
const LINES: u64 = 30;
const LONGEST: usize = 400;

#[derive(Clone, Debug)]
pub struct Evidence {
    pub name: String,
    pub image: String,
    pub args: Vec<String>,
    pub user: String,
    pub status: Status,
    pub wishes: Wishes,
    /// How the last run ended, or why it never began.
    pub ended: Option<Ended>,
    /// Of the run that goes on. Nanoseconds since 1970.
    pub started: Option<u64>,
    pub restarts: u32,
    pub health: Option<Health>,
    /// Of what it wrote last, oldest first. `None`: it is kept nowhere.
    pub output: Option<Vec<String>>,
    /// What its command is, as its files have it; looked at where it may matter.
    pub program: Option<Program>,
    /// A program that a shell in it did not find: then it is that one.
    pub not_found: Option<String>,
    /// The kernel's answer for that program was EACCES, and not that it is not there.
    pub was_denied: bool,
    pub group: Option<(GroupLimits, Use)>,
    /// What it sees mounted: live, or as it was asked for.
    pub mounts: Vec<Mounted>,
    /// A mask: those within its reach.
    pub capabilities: u64,
    /// The machine has one that counts what groups have of memory.
    pub memory_is_counted: bool,
    pub architecture: &'static str,
    pub reaper: bool,
    pub now: u64,
}

impl Evidence {
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused)
    }
    /// The last run came to its end, and was not only an attempt.
    pub fn ran(&self) -> Option<&Ended> {
        self.ended.as_ref().filter(|ended| ended.started != 0)
    }
    /// No signal and no error of ours: the command has chosen it.
    pub fn is_its_own_code(&self) -> bool {
        self.ran().is_some_and(|ended| ended.error.is_empty() && ended.signal.is_none())
    }
    /// Then what it wrote on the way needs no reason.
    pub fn went_well(&self) -> bool {
        !self.is_running() && self.ran().is_some_and(|ended| ended.exit_code == 0)
    }
    /// The latest line that holds any of these words, whatever its case.
    pub fn line_with(&self, words: &[&str]) -> Option<&str> {
        let has = |line: &&String| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(&word.to_lowercase()))
        };
        self.output.as_ref()?.iter().rev().find(has).map(String::as_str)
    }
    pub fn last_line(&self) -> Option<&str> {
        self.output.as_ref()?.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty())
    }
    pub fn has_seccomp(&self) -> bool {
        !self.wishes.privileged && self.wishes.seccomp != Seccomp::Unconfined
    }
}

pub fn gather(paths: &Paths, seen: &Seen) -> Evidence {
    let record = &seen.record;
    let live = seen.live.as_ref().filter(|live| live.waiting.is_none());
    let files = seen.files(paths);
    let spec: Option<Spec> = store::read_json(&files.config()).ok().flatten();
    let first = namespaces::first_process(seen);
    let ended = record.ended.clone();
    let group = group::of(seen);
    let controllers = crate::kernel::facts().controllers;
    let mut evidence = Evidence {
        name: record.name.clone(),
        image: record.image.clone(),
        args: record.args.clone(),
        user: record.user.clone(),
        status: seen.status,
        wishes: record.wishes.clone(),
        started: live.map(|live| live.started),
        restarts: seen.live.as_ref().map_or(ended.as_ref().map_or(0, |ended| ended.restarts), |live| live.restarts),
        ended,
        health: seen.health().cloned(),
        output: output(seen, &files.log()),
        program: None,
        not_found: None,
        was_denied: false,
        group,
        mounts: first.map(mounts::of).unwrap_or_else(|| spec.as_ref().map(wished).unwrap_or_default()),
        capabilities: first.and_then(status::of).map_or_else(|| wished_capabilities(&record.wishes), |status| status.bounding),
        memory_is_counted: controllers.iter().any(|controller| controller == "memory"),
        architecture: std::env::consts::ARCH,
        reaper: record.reaper,
        now: now(),
    };
    if is_about_its_program(&evidence) {
        let files = Files::of(paths, seen);
        let mut surroundings = surroundings(spec.as_ref(), evidence.architecture);
        if record.owners.is_none() {
            let user = spec.as_ref().and_then(|spec| spec.process().as_ref()).map(|process| process.user().clone());
            let groups = user.and_then(|user| user.additional_gids().clone()).unwrap_or_default();
            surroundings.person = Person::find(&files, &record.user, &groups, evidence.capabilities);
        }
        let told = |line: &String| Some((program::word_in(line)?, is_denied(line)));
        let word = evidence.output.iter().flatten().rev().find_map(told).filter(|_| evidence.is_its_own_code());
        evidence.was_denied = match &word {
            Some((_, was_denied)) => *was_denied,
            None => evidence.ended.as_ref().is_some_and(|ended| is_denied(&ended.error)),
        };
        evidence.not_found = word.map(|(word, _)| word);
        let word = evidence.not_found.as_ref().or(record.args.first());
        evidence.program = word.map(|word| program::look(&files, word, &surroundings));
    }
    evidence
}

/// As a shell says EACCES, and tare, which adds a hint.
fn is_denied(line: &str) -> bool {
    line.to_lowercase().contains(": permission denied")
}

/// 126 and 127, of ours or of a loader.
fn is_about_its_program(evidence: &Evidence) -> bool {
    let ended = evidence.ended.as_ref();
    !evidence.is_running() && ended.is_some_and(|ended| [126, 127].contains(&ended.exit_code))
}

fn surroundings(spec: Option<&Spec>, architecture: &'static str) -> Surroundings {
    let process = spec.and_then(|spec| spec.process().as_ref());
    let directory = process.map_or("/".to_owned(), |process| process.cwd().display().to_string());
    Surroundings {
        environment: process.and_then(|process| process.env().clone()).unwrap_or_default(),
        directory,
        architecture,
        person: None,
    }
}

fn wished_capabilities(wishes: &Wishes) -> u64 {
    if wishes.privileged { EVERY } else { capabilities::after_changes(&wishes.cap_add, &wishes.cap_drop).unwrap_or(EVERY) }
}

/// As `config.json` says it, in the words of the kernel's list.
fn wished(spec: &Spec) -> Vec<Mounted> {
    let of = |mount: &oci_spec::runtime::Mount| {
        let options = mount.options().clone().unwrap_or_default();
        let is_read_only = options.iter().any(|option| option == "ro" || option == "rro");
        // The last of the two counts.
        let execution = options.iter().rfind(|option| ["exec", "noexec"].contains(&option.as_str())).map_or("", String::as_str);
        Mounted {
            root: "/".to_owned(),
            target: mount.destination().display().to_string(),
            options: format!("{},{execution}", if is_read_only { "ro" } else { "rw" }),
            kind: mount.typ().clone().unwrap_or_default(),
            source: mount.source().as_ref().map(|source| source.display().to_string()).unwrap_or_default(),
            of_file_system: String::new(),
        }
    };
    let mut all: Vec<Mounted> = spec.mounts().iter().flatten().map(of).collect();
    let is_closed = spec.root().as_ref().is_some_and(|root| root.readonly().unwrap_or(false));
    if let Some(root) = all.iter_mut().find(|mounted| mounted.target == "/" && is_closed) {
        root.options = "ro".to_owned();
    }
    let guarded = spec.linux().as_ref().and_then(|linux| linux.readonly_paths().clone()).unwrap_or_default();
    all.extend(guarded.into_iter().map(|target| Mounted {
        root: "/".to_owned(),
        target,
        options: "ro".to_owned(),
        kind: "proc".to_owned(),
        source: "proc".to_owned(),
        of_file_system: String::new(),
    }));
    all
}

/// Whole lines, both streams in the order in which they were written.
fn output(seen: &Seen, log: &std::path::Path) -> Option<Vec<String>> {
    let settings = &seen.record.wishes.log;
    if settings.driver != LogDriver::JsonFile {
        return None;
    }
    let wanted = Wanted { files: rotation(settings).max_files, tail: Some(LINES), period: Period::default(), still_runs: None };
    let mut bytes = Vec::new();
    let read = read::read(log, &wanted, &mut |met| {
        if let Met::Entry(entry) = met {
            bytes.extend_from_slice(&entry.bytes);
        }
        Ok(())
    });
    read.ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let plain =
        |line: &str| line.trim_end_matches('\r').chars().filter(|letter| !letter.is_control() || *letter == '\t').take(LONGEST).collect();
    Some(text.lines().map(plain).collect())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A container that ran `web` for three seconds and ended with a code.
    pub fn ended(exit_code: i32) -> Evidence {
        let second = 1_000_000_000;
        Evidence {
            name: "web".into(),
            image: "box".into(),
            args: vec!["web".into()],
            user: String::new(),
            status: Status::Exited,
            wishes: Wishes::default(),
            ended: Some(Ended { exit_code, started: 10 * second, finished: 13 * second, ..Ended::default() }),
            started: None,
            restarts: 0,
            health: None,
            output: Some(Vec::new()),
            program: None,
            not_found: None,
            was_denied: false,
            group: None,
            mounts: Vec::new(),
            capabilities: capabilities::DEFAULT,
            memory_is_counted: true,
            architecture: "x86_64",
            reaper: true,
            now: 100 * second,
        }
    }

    pub fn wrote(exit_code: i32, lines: &[&str]) -> Evidence {
        Evidence { output: Some(lines.iter().map(|line| (*line).to_owned()).collect()), ..ended(exit_code) }
    }
}
