//! A container that is there no more: the list of what happened since the start of the machine may still name it.

use crate::engine::events::{Event, Kind, read};
use crate::error::{Error, Kind as ErrorKind};
use crate::paths::Paths;
use crate::time;

/// What is known, in place of "no such container".
pub fn remember(paths: &Paths, wanted: &str, error: Error) -> Error {
    if error.kind() != ErrorKind::NoSuch {
        return error;
    }
    let events = read::past(paths).unwrap_or_default();
    let died = events.iter().rev().find(|event| event.kind == Kind::Container && event.action == "die" && is_meant(event, wanted));
    match died {
        Some(event) => Error::no_such(format!("no such container: {wanted}"))
            .because(story(event, time::now()))
            .hint("run it without --rm: then it stays, and tare why can look at it"),
        None => error,
    }
}

fn is_meant(event: &Event, wanted: &str) -> bool {
    let is_name = event.actor.attributes.get("name").is_some_and(|name| name == wanted);
    is_name || (wanted.len() >= 4 && event.actor.id.starts_with(wanted))
}

fn story(event: &Event, now: u64) -> String {
    let attribute = |name: &str| event.actor.attributes.get(name).map_or("?", String::as_str);
    let ago = time::human_duration(now.saturating_sub(event.nanos)).to_lowercase();
    format!(
        "one of that name ended {ago} ago with exit code {}, after {} seconds, and was removed",
        attribute("exitCode"),
        attribute("execDuration")
    )
}
