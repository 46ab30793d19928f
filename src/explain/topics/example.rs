//! Whom a topic is shown by: a container that runs or rests, or this command itself.

use crate::engine::{find, list};
use crate::error::Result;
use crate::explain::live::namespaces::first_process;
use crate::paths::Paths;
use crate::record::Seen;
use crate::sys::process;

pub struct Example {
    pub paths: Paths,
    /// `None`: no container was named.
    pub seen: Option<Seen>,
    /// All that run.
    pub running: Vec<Seen>,
    /// Pid 1 of the container, or this process; 0: it does not run.
    pub first: i32,
    /// The user's command; the same where there is no reaper.
    pub command: i32,
}

impl Example {
    pub fn of_container(paths: &Paths, wanted: &str) -> Result<Example> {
        let seen = find::container(paths, wanted)?;
        let first = first_process(&seen).unwrap_or(0);
        let command = if seen.record.reaper && first != 0 { process::first_child(first).unwrap_or(first) } else { first };
        Ok(Example { running: list::running(paths)?, seen: Some(seen), first, command, paths: paths.clone() })
    }

    pub fn of_this_process(paths: &Paths) -> Example {
        let running = list::running(paths).unwrap_or_default();
        Example { paths: paths.clone(), seen: None, running, first: process::own_pid(), command: process::own_pid() }
    }

    pub fn heading(&self, topic: &str) -> String {
        match (&self.seen, self.running.first()) {
            (Some(seen), _) if self.first == 0 => format!("Container {}, which does not run", seen.record.name),
            (Some(seen), _) => format!("Container {}, now", seen.record.name),
            (None, Some(one)) => format!("On this machine, now (for container {0}: tare explain {topic} {0})", one.record.name),
            (None, None) => "On this machine, now".to_owned(),
        }
    }

    pub fn name(&self) -> &str {
        self.seen.as_ref().map_or("NAME", |seen| &seen.record.name)
    }

    /// A container that was named, and does not run: what only processes have cannot be shown.
    pub fn is_at_rest(&self) -> bool {
        self.first == 0
    }

    /// What is said then.
    pub fn at_rest(&self) -> Vec<String> {
        vec![format!("nothing to be seen: only a process has this (tare start {})", self.name())]
    }
}
