//! `tare stats`: what containers use, once or again and again.

mod rows;
mod screen;

use crate::cli::Context;
use crate::cli::say::{self, say};
use crate::cli::template;
use crate::engine::stats::{self, Sample};
use crate::engine::{find, list, repair};
use crate::error::Result;
use crate::paths::Paths;
use crate::record::Seen;
use crate::sys::{file, process, terminal};
use clap::{Arg, ArgAction, ArgMatches};
use rows::{Line, View};
use screen::Screen;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The first two looks, between which the use of processors is measured.
const FIRST: Duration = Duration::from_millis(500);
const NEXT: Duration = Duration::from_secs(1);

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .arg(Arg::new("names").value_name("CONTAINER").num_args(0..).help("Name, id, or the beginning of an id (default: all that run)"))
        .arg(switch("all", "Also those that do not run").short('a'))
        .arg(switch("no-stream", "Once, and end"))
        .arg(switch("no-trunc", "Whole ids"))
        .arg(template::flag_of_table())
        .after_help("Examples:\n  tare stats\n  tare stats --no-stream --format '{{.Name}}: {{.MemUsage}}' web")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    repair::sweep(&context.paths);
    let whom = Whom::of(&context.paths, matches)?;
    let view = View { whole: matches.get_flag("no-trunc"), format: matches.get_one::<String>("format").cloned().unwrap_or_default() };
    // What makes no sense fails before the first look.
    rows::text(&[], &view)?;
    let once = matches.get_flag("no-stream");
    let mut screen = (!once && view.is_table() && terminal::is_terminal(file::standard_streams()[1])).then(Screen::default);
    let mut rounds = Rounds { machine: stats::machine_memory(), before: HashMap::new() };
    let first = rounds.look(&whom, &context.paths)?;
    let mut due = Instant::now() + FIRST;
    if let Some(screen) = &mut screen {
        screen.paint(&rows::text(&first, &view)?);
    }
    loop {
        process::sleep(due.saturating_duration_since(Instant::now()));
        let lines = rounds.look(&whom, &context.paths)?;
        let text = rows::text(&lines, &view)?;
        match &mut screen {
            Some(screen) => screen.paint(&text),
            None => say(&text),
        }
        if once || !say::is_heard() || (lines.is_empty() && whom.are_named()) {
            return Ok(0);
        }
        due = (due + NEXT).max(Instant::now());
    }
}

enum Whom {
    Running,
    All,
    /// As typed, and by id.
    Named(Vec<(String, String)>),
}

impl Whom {
    fn of(paths: &Paths, matches: &ArgMatches) -> Result<Whom> {
        let mut named: Vec<(String, String)> = Vec::new();
        for name in matches.get_many::<String>("names").into_iter().flatten() {
            named.push((name.clone(), find::container(paths, name)?.record.id));
        }
        Ok(match (named.is_empty(), matches.get_flag("all")) {
            (false, _) => Whom::Named(named),
            (true, true) => Whom::All,
            (true, false) => Whom::Running,
        })
    }

    fn are_named(&self) -> bool {
        matches!(self, Whom::Named(_))
    }

    /// With what each was called by. Those that are gone are left out.
    fn find(&self, paths: &Paths) -> Result<Vec<(String, Seen)>> {
        let with_id = |seen: Seen| (seen.record.id.clone(), seen);
        Ok(match self {
            Whom::Running => list::running(paths)?.into_iter().map(with_id).collect(),
            Whom::All => list::containers(paths)?.into_iter().map(with_id).collect(),
            Whom::Named(named) => {
                named.iter().filter_map(|(name, id)| Some((name.clone(), find::by_id(paths, id).ok().flatten()?))).collect()
            }
        })
    }
}

struct Rounds {
    machine: u64,
    /// By id.
    before: HashMap<String, Sample>,
}

impl Rounds {
    fn look(&mut self, whom: &Whom, paths: &Paths) -> Result<Vec<Line>> {
        let mut now = HashMap::new();
        let mut lines = Vec::new();
        for (called, seen) in whom.find(paths)? {
            let sample = stats::sample(&seen, self.machine);
            // It was started again since: what its last life used is no measure.
            let before = self.before.get(&seen.record.id).zip(sample.as_ref()).filter(|(before, now)| before.cpu <= now.cpu);
            let load = before.map(|(before, now)| now.load_since(before));
            if let Some(sample) = sample {
                now.insert(seen.record.id.clone(), sample);
            }
            lines.push(Line { id: seen.record.id, name: seen.record.name, called, sample, load });
        }
        self.before = now;
        Ok(lines)
    }
}
