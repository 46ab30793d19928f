//! `--filter KEY=VALUE` of `tare ps`. Values of one key are alternatives, except labels; different keys must all fit.

use super::rows::{network_of, state};
use crate::cli::prune::filters::has_label;
use crate::error::{Error, Result};
use crate::names;
use crate::options::ports::{self, Protocol};
use crate::options::{Mount, exposed};
use crate::record::network::Published;
use crate::record::{Seen, Status};
use std::ops::RangeInclusive;

#[derive(Debug, Default)]
pub struct Filters(Vec<(String, String)>);

const KEYS: &[&str] =
    &["id", "name", "label", "status", "exited", "before", "since", "ancestor", "network", "volume", "health", "publish", "expose"];
const STATES: &[&str] = &["created", "restarting", "running", "removing", "paused", "exited", "dead"];
const HEALTH: &[&str] = &["starting", "healthy", "unhealthy", "none"];

impl Filters {
    pub fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Filters> {
        words.map(pair).collect::<Result<_>>().map(Filters)
    }

    /// For a state, and for the moments of containers that do not run.
    pub fn look_at_all(&self) -> bool {
        self.0.iter().any(|(key, _)| ["status", "before", "since"].contains(&key.as_str()))
    }

    /// `before` and `since` name containers: they are looked up once.
    pub fn against<'f>(&'f self, all: &[Seen]) -> Result<Bound<'f>> {
        let mut bound = Bound { filters: &self.0, before: None, since: None };
        for (key, value) in &self.0 {
            let moment = match key.as_str() {
                "before" => &mut bound.before,
                "since" => &mut bound.since,
                _ => continue,
            };
            let found = all
                .iter()
                .find(|one| one.record.name == *value)
                .or_else(|| all.iter().find(|one| one.record.id.starts_with(value.as_str())));
            let Some(found) = found.filter(|_| !value.is_empty()) else {
                let error = Error::no_such(format!("no such container: {value}"));
                let hint = names::did_you_mean(value, all.iter().map(|one| one.record.name.as_str()));
                return Err(error.hint(hint.unwrap_or_else(|| "tare ps -a lists all".to_owned())));
            };
            *moment = Some(found.record.created);
        }
        Ok(bound)
    }
}

fn pair(word: &str) -> Result<(String, String)> {
    let wrong = |why: String| Error::usage(format!("invalid value {word:?} for --filter")).because(why);
    let (key, value) =
        word.split_once('=').ok_or_else(|| wrong("there is no =".to_owned()).hint("write KEY=VALUE, for example status=exited"))?;
    let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
    if !KEYS.contains(&key.as_str()) {
        return Err(wrong(format!("unknown key {key:?}")).hint(names::one_of(&key, KEYS)));
    }
    let allowed = |words: &[&str]| {
        if words.contains(&value) {
            Ok(())
        } else {
            Err(wrong(format!("{value:?} is none that there is")).hint(names::one_of(value, words)))
        }
    };
    match key.as_str() {
        "status" => allowed(STATES)?,
        "health" => allowed(HEALTH)?,
        "publish" | "expose" if within(value).is_none() => {
            return Err(wrong("not a port".to_owned()).hint("write it like 80, 53/udp or 8000-8010"));
        }
        "exited" if value.parse::<i32>().is_err() => return Err(wrong("not an exit code".to_owned())),
        "name" if value.contains(['*', '[', '(', '|', '\\', '+', '?']) => {
            return Err(wrong("no patterns but ^ and $".to_owned()).hint("a part of the name is enough: name=web"));
        }
        _ => {}
    }
    Ok((key, value.to_owned()))
}

/// Filters that know the moments of the containers they name.
pub struct Bound<'f> {
    filters: &'f [(String, String)],
    before: Option<u64>,
    since: Option<u64>,
}

impl Bound<'_> {
    /// Who asks for a state wants to see also what does not run.
    pub fn asks_for_state(&self) -> bool {
        self.filters.iter().any(|(key, _)| key == "status")
    }

    pub fn fit(&self, seen: &Seen, ports: &[Published]) -> bool {
        let labels = self.filters.iter().filter(|(key, _)| key == "label").all(|(_, value)| has_label(&seen.record.labels, value));
        labels && KEYS.iter().filter(|key| **key != "label").all(|key| self.any_fits(key, seen, ports))
    }

    fn any_fits(&self, key: &str, seen: &Seen, ports: &[Published]) -> bool {
        let mut values = self.filters.iter().filter(|(known, _)| known == key).map(|(_, value)| value.as_str()).peekable();
        values.peek().is_none() || values.any(|value| self.fits(key, value, seen, ports))
    }

    fn fits(&self, key: &str, value: &str, seen: &Seen, ports: &[Published]) -> bool {
        let record = &seen.record;
        match key {
            "id" => record.id.starts_with(value),
            "name" => name_fits(&record.name, value),
            "status" => state(seen) == value,
            "exited" => seen.status == Status::Exited && record.ended.as_ref().is_some_and(|ended| ended.exit_code.to_string() == value),
            "before" => self.before.is_some_and(|moment| record.created < moment),
            "since" => self.since.is_some_and(|moment| record.created > moment),
            "ancestor" => is_of_image(seen, value),
            "network" => network_of(&record.wishes) == value || record.wishes.attachments().iter().any(|one| one.network == value),
            "volume" => record.wishes.mounts.iter().any(|mount| is_mount(mount, value)),
            "health" => seen.health().map_or("none".to_owned(), |health| health.state.to_string()) == value,
            "publish" => within(value)
                .is_some_and(|(range, protocol)| ports.iter().any(|port| port.protocol == protocol && range.contains(&port.host))),
            "expose" => within(value).is_some_and(|(range, protocol)| {
                let said = record.wishes.exposed.iter().filter_map(|text| exposed::ports(text).ok()).flatten();
                let published = ports.iter().map(|port| (port.container, port.protocol));
                said.map(|port| (port.container, port.protocol)).chain(published).any(|(port, of)| of == protocol && range.contains(&port))
            }),
            _ => false,
        }
    }
}

/// `80`, `8000-8010/udp`
fn within(text: &str) -> Option<(RangeInclusive<u16>, Protocol)> {
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = ports::range(range).ok()?;
    Some((first..=last, Protocol::of(protocol)?))
}

/// A part of the name; `^` and `$` are its beginning and end. Docker's users also write the slash of the API.
fn name_fits(name: &str, wanted: &str) -> bool {
    let (from_start, wanted) = wanted.strip_prefix('^').map_or((false, wanted), |rest| (true, rest));
    let (to_end, wanted) = wanted.strip_suffix('$').map_or((false, wanted), |rest| (true, rest));
    let wanted = wanted.strip_prefix('/').unwrap_or(wanted);
    match (from_start, to_end) {
        (true, true) => name == wanted,
        (true, false) => name.starts_with(wanted),
        (false, true) => name.ends_with(wanted),
        (false, false) => name.contains(wanted),
    }
}

fn is_of_image(seen: &Seen, wanted: &str) -> bool {
    let with_tag = |image: &str| {
        let last = image.rsplit('/').next().unwrap_or(image);
        if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
    };
    let id = seen.record.image_id.strip_prefix("sha256:").unwrap_or(&seen.record.image_id);
    let wanted_id = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    let is_id = wanted_id.len() >= 4 && wanted_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    with_tag(&seen.record.image) == with_tag(wanted) || (is_id && id.starts_with(wanted_id))
}

fn is_mount(mount: &Mount, wanted: &str) -> bool {
    let is_source = match mount {
        Mount::Bind { source, .. } => source.as_os_str() == wanted,
        Mount::Volume(volume) => volume.name == wanted,
        Mount::Tmpfs { .. } => false,
    };
    is_source || mount.target() == wanted
}
