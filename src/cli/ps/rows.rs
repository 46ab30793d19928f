//! Containers as rows of `tare ps`: pure words, so that every column can be tested.

use super::filters::Filters;
use super::ports;
use crate::cli::human;
use crate::cli::template::{Row, render_each};
use crate::engine::size::Sizes;
use crate::error::Result;
use crate::options::{Mount, Network, Wishes};
use crate::record::health::HealthState;
use crate::record::network::Published;
use crate::record::{Container, Ended, Seen, Status};
use crate::time;
use serde_json::{Value, json};
use std::collections::HashMap;

/// How the list is looked at.
#[derive(Debug, Default)]
pub struct View {
    pub all: bool,
    pub quiet: bool,
    /// Nothing is cut short.
    pub whole: bool,
    pub last: Option<usize>,
    pub filters: Filters,
    pub format: String,
    /// Nanoseconds since 1970.
    pub now: u64,
    /// How much each container takes: looked up only where somebody asks, because it walks through all files. `None`: not asked.
    pub sizes: Option<HashMap<String, Sizes>>,
    /// What each publishes, of those that publish anything.
    pub ports: HashMap<String, Vec<Published>>,
}

impl View {
    pub fn ports_of(&self, seen: &Seen) -> &[Published] {
        self.ports.get(&seen.record.id).map_or(&[], Vec::as_slice)
    }

    /// Where it does not, nobody has to look at them.
    pub fn shows_those_at_rest(&self) -> bool {
        self.all || self.last.is_some() || self.filters.look_at_all()
    }
}

const USUAL: &str = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
const WITH_SIZE: &str = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{.Size}}";

/// `seen` is sorted, newest first.
pub fn text(seen: &[Seen], view: &View) -> Result<String> {
    let filters = view.filters.against(seen)?;
    let shown = seen.iter().filter(|one| view.all || view.last.is_some() || filters.asks_for_state() || is_up(one));
    let shown = shown.filter(|one| filters.fit(one, view.ports_of(one))).take(view.last.unwrap_or(usize::MAX));
    if view.quiet && (view.format.is_empty() || view.format == "table") {
        return Ok(shown.map(|one| format!("{}\n", id(&one.record, view.whole))).collect());
    }
    // One row at a time: what it took is there for the next.
    let rows = shown.map(|one| row(one, view));
    render_each(&view.format, if view.sizes.is_some() { WITH_SIZE } else { USUAL }, &headings(), rows)
}

fn is_up(seen: &Seen) -> bool {
    seen.is_running()
}

fn headings() -> Value {
    json!({
        "ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT", "RunningFor": "CREATED", "Ports": "PORTS",
        "State": "STATE", "Status": "STATUS", "Size": "SIZE", "Names": "NAMES", "Labels": "LABELS", "Mounts": "MOUNTS", "Networks": "NETWORKS",
        "LocalVolumes": "LOCAL VOLUMES",
    })
}

/// One container, with every field that a template may ask for.
pub fn row(seen: &Seen, view: &View) -> Row {
    let record = &seen.record;
    let labels: Vec<String> = record.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let fields = json!({
        "ID": id(record, view.whole),
        "Image": record.image,
        "Command": command(&record.args, view.whole),
        "CreatedAt": time::created_at(record.created),
        "RunningFor": time::ago(view.now, record.created),
        "Ports": ports(seen, view),
        "State": state(seen),
        "Status": status(seen, view.now),
        "Size": size(view.sizes.as_ref().and_then(|sizes| sizes.get(&record.id))),
        "Names": record.name,
        "Labels": labels.join(","),
        "Mounts": mounts(record, view.whole),
        "Networks": network_of(&record.wishes),
        "LocalVolumes": record.wishes.mounts.iter().filter_map(Mount::volume).count().to_string(),
    });
    Row { fields, labels: record.labels.clone() }
}

/// One that does not run listens nowhere, and one on the host's network is not asked where.
fn ports(seen: &Seen, view: &View) -> String {
    let has_own = matches!(seen.record.wishes.network, Network::Networks(_) | Network::None);
    match seen.is_running() && has_own {
        true => ports::text(view.ports_of(seen), &seen.record.wishes.exposed),
        false => String::new(),
    }
}

/// Its own layer, and in brackets with the image below it, as Docker shows it.
fn size(sizes: Option<&Sizes>) -> String {
    match sizes {
        None => "0B".to_owned(),
        Some(sizes) => format!("{} (virtual {})", human::size(sizes.own), human::size(sizes.with_image)),
    }
}

fn id(record: &Container, whole: bool) -> &str {
    if whole { &record.id } else { record.id.get(..12).unwrap_or(&record.id) }
}

/// Quoted, because a command may hold anything, also what a terminal would obey.
fn command(args: &[String], whole: bool) -> String {
    let word = |(index, word): (usize, &String)| if index > 0 && word.contains(' ') { format!("'{word}'") } else { word.clone() };
    let line = args.iter().enumerate().map(word).collect::<Vec<_>>().join(" ");
    format!("{:?}", if whole { line } else { shortened(&line, 20) })
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

pub fn state(seen: &Seen) -> &'static str {
    match seen.status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Restarting => "restarting",
        Status::Exited => "exited",
        Status::Dead => "dead",
    }
}

/// `Up 3 minutes`, `Exited (137) 2 hours ago (out of memory)`.
pub fn status(seen: &Seen, now: u64) -> String {
    let up = || {
        let started = seen.live.as_ref().map_or(now, |live| live.started);
        let health = match (seen.status, seen.health().map(|health| health.state)) {
            (Status::Paused, _) | (_, None) => String::new(),
            (_, Some(HealthState::Starting)) => " (health: starting)".to_owned(),
            (_, Some(known)) => format!(" ({known})"),
        };
        format!("Up {}{health}{}", time::human_duration(now.saturating_sub(started)), without(&seen.record))
    };
    match (seen.status, &seen.record.ended) {
        (Status::Created, _) => "Created".to_owned(),
        (Status::Running, _) => up(),
        (Status::Paused, _) => format!("{} (Paused)", up()),
        (Status::Restarting, ended) => {
            let (code, finished) = ended.as_ref().map_or((0, now), |ended| (ended.exit_code, ended.finished));
            format!("Restarting ({code}) {}", time::ago(now, finished))
        }
        (Status::Dead, Some(ended)) if ended.error.contains("newer version") => "Dead (of a newer tare)".to_owned(),
        (Status::Dead, _) => "Dead (damaged)".to_owned(),
        (Status::Exited, None) => "Exited".to_owned(),
        (Status::Exited, Some(ended)) => format!("Exited ({}) {}{}", ended.exit_code, time::ago(now, ended.finished), reason(ended)),
    }
}

/// A lesson looks like one wherever it is listed.
fn without(record: &Container) -> String {
    let parts: Vec<&str> = record.wishes.without.iter().map(|part| part.name()).collect();
    if parts.is_empty() { String::new() } else { format!(" (without {})", parts.join(", ")) }
}

fn reason(ended: &Ended) -> String {
    match ended.reason() {
        reason if reason.is_empty() => reason,
        reason => format!(" ({reason})"),
    }
}

fn mounts(record: &Container, whole: bool) -> String {
    let source = |mount: &Mount| match mount {
        Mount::Bind { source, .. } => Some(source.display().to_string()),
        Mount::Volume(volume) => Some(volume.name.clone()),
        Mount::Tmpfs { .. } => None,
    };
    let sources = record.wishes.mounts.iter().filter_map(source);
    sources.map(|source| if whole { source } else { shortened(&source, 15) }).collect::<Vec<_>>().join(",")
}

pub fn network_of(wishes: &Wishes) -> String {
    match &wishes.network {
        Network::None => "none".to_owned(),
        Network::Host => "host".to_owned(),
        Network::Container(other) => format!("container:{other}"),
        Network::Networks(all) => all.iter().map(|one| one.network.as_str()).collect::<Vec<_>>().join(","),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
