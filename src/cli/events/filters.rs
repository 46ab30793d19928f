//! `--filter KEY=VALUE` of `tare events`. Values of one key are alternatives, except labels; different keys must all fit.

use crate::engine::events::{Event, Kind};
use crate::error::{Error, Result};
use crate::names;

const KEYS: &[&str] = &["container", "event", "image", "label", "network", "type", "volume"];
/// What Docker has and we have not.
const OF_OTHERS: &[&str] = &["config", "daemon", "node", "plugin", "scope", "secret", "service"];
const TYPES: &[&str] = &["builder", "container", "image", "network", "volume"];

/// Whoever waits for one that is mistyped would wait for ever.
const ACTIONS: &[&str] = &[
    "archive-path",
    "attach",
    "commit",
    "connect",
    "copy",
    "create",
    "delete",
    "destroy",
    "detach",
    "die",
    "disconnect",
    "exec_create",
    "exec_detach",
    "exec_die",
    "exec_start",
    "export",
    "extract-to-dir",
    "health_status",
    "import",
    "kill",
    "load",
    "mount",
    "oom",
    "pause",
    "prune",
    "pull",
    "push",
    "rename",
    "resize",
    "restart",
    "save",
    "start",
    "stop",
    "tag",
    "top",
    "unmount",
    "unpause",
    "untag",
    "update",
];

#[derive(Debug, Default)]
pub struct Filters(Vec<(String, String)>);

impl Filters {
    pub fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Filters> {
        words.map(pair).collect::<Result<_>>().map(Filters)
    }

    pub fn fit(&self, event: &Event) -> bool {
        let labels = self.0.iter().filter(|(key, _)| key == "label").all(|(_, wanted)| has(event, wanted));
        labels && KEYS.iter().filter(|key| **key != "label").all(|key| self.any_fits(key, event))
    }

    fn any_fits(&self, key: &str, event: &Event) -> bool {
        let mut values = self.0.iter().filter(|(known, _)| known == key).map(|(_, value)| value.as_str()).peekable();
        values.peek().is_none() || values.any(|value| fits(key, value, event))
    }
}

fn pair(word: &str) -> Result<(String, String)> {
    let wrong = |why: String| Error::usage(format!("invalid value {word:?} for --filter")).because(why);
    let (key, value) =
        word.split_once('=').ok_or_else(|| wrong("there is no =".to_owned()).hint("write KEY=VALUE, for example event=die"))?;
    let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
    if OF_OTHERS.contains(&key.as_str()) {
        return Err(wrong(format!("nothing that happens here has to do with a {key}")).hint(names::one_of(&key, KEYS)));
    }
    if !KEYS.contains(&key.as_str()) {
        return Err(wrong(format!("unknown key {key:?}")).hint(names::one_of(&key, KEYS)));
    }
    match key.as_str() {
        "type" if !TYPES.contains(&value) => Err(wrong("nothing of this type happens here".to_owned()).hint(TYPES.join(", "))),
        "event" if !ACTIONS.contains(&bare(value)) => {
            let hint = names::did_you_mean(value, ACTIONS.iter().copied()).unwrap_or_else(|| format!("one of {}", ACTIONS.join(", ")));
            Err(wrong("there is no such event".to_owned()).hint(hint))
        }
        _ => Ok((key, value.to_owned())),
    }
}

/// `exec_start: sh -c true` is an `exec_start`, `health_status: healthy` a `health_status`.
fn bare(action: &str) -> &str {
    action.split_once(':').map_or(action, |(bare, _)| bare)
}

fn fits(key: &str, value: &str, event: &Event) -> bool {
    let name = event.actor.attributes.get("name").map(String::as_str);
    let is_actor = |kind: Kind| event.kind == kind && (name == Some(value) || is_id(&event.actor.id, value));
    match key {
        "event" => event.action == value || bare(&event.action) == value,
        "type" => event.kind.name() == value,
        // As `inspect` writes a container's name.
        "container" => is_actor(Kind::Container) || (event.kind == Kind::Container && value.strip_prefix('/') == name),
        "network" => is_actor(Kind::Network),
        "volume" => event.kind == Kind::Volume && event.actor.id == value,
        "image" => {
            let named = if event.kind == Kind::Container { event.actor.attributes.get("image").map(String::as_str) } else { name };
            is_actor(Kind::Image)
                || (matches!(event.kind, Kind::Container | Kind::Image)
                    && named.is_some_and(|named| named == value || without_tag(named) == value))
        }
        _ => false,
    }
}

/// The whole, or its beginning, with or without `sha256:`.
fn is_id(id: &str, wanted: &str) -> bool {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    let wanted = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    wanted.len() >= 4 && hex.starts_with(wanted)
}

fn without_tag(image: &str) -> &str {
    match image.rsplit_once(':') {
        // What stands behind a colon and holds a slash is the rest of an address: `localhost:5000/web`.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

fn has(event: &Event, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => event.actor.attributes.get(key).is_some_and(|have| have == value),
        None => event.actor.attributes.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::Actor;

    fn event(kind: Kind, action: &str, id: &str, attributes: &[(&str, &str)]) -> Event {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Event { kind, action: action.to_owned(), actor: Actor { id: id.to_owned(), attributes }, scope: String::new(), time: 0, nanos: 0 }
    }

    fn fit(words: &[&str], event: &Event) -> bool {
        Filters::parse(words.iter().copied()).unwrap().fit(event)
    }

    #[test]
    fn keys_must_all_fit_and_values_are_alternatives() {
        let died = event(Kind::Container, "die", "0123abcd", &[("name", "web"), ("image", "box:1"), ("tier", "db")]);
        for words in [
            &[][..],
            &["event=die", "event=stop", "container=web"],
            &["container=/web"],
            &["container=0123"],
            &["image=box"],
            &["image=box:1", "label=tier", "label=tier=db"],
            &["type=container", "type=image"],
        ] {
            assert!(fit(words, &died), "{words:?}");
        }
        for words in
            [&["event=stop"][..], &["container=we"], &["container=0"], &["image=bo"], &["label=tier", "label=other"], &["volume=web"]]
        {
            assert!(!fit(words, &died), "{words:?}");
        }
    }

    #[test]
    fn an_action_is_known_by_its_first_word() {
        let run = event(Kind::Container, "exec_start: sh -c true", "0123", &[]);
        assert!(fit(&["event=exec_start"], &run) && fit(&["event=exec_start: sh -c true"], &run) && !fit(&["event=start"], &run));
    }

    #[test]
    fn images_and_volumes_are_named_too() {
        let tagged = event(Kind::Image, "tag", "sha256:abcdef", &[("name", "localhost:5000/web:1")]);
        assert!(fit(&["image=localhost:5000/web"], &tagged) && fit(&["image=abcd"], &tagged) && !fit(&["image=localhost"], &tagged));
        let joined = event(Kind::Network, "connect", "0123abcdef", &[("name", "backend"), ("container", "4567")]);
        assert!(fit(&["network=backend"], &joined) && fit(&["network=0123"], &joined) && fit(&["type=network", "event=connect"], &joined));
        assert!(!fit(&["image=backend"], &joined) && !fit(&["container=4567"], &joined));
        let mounted = event(Kind::Volume, "mount", "data", &[("container", "0123abcd")]);
        assert!(fit(&["volume=data"], &mounted) && !fit(&["container=0123abcd"], &mounted));
    }

    #[test]
    fn what_cannot_happen_is_refused() {
        for wrong in ["event", "event=strat", "type=plugin", "daemon=x", "scope=local", "colour=red"] {
            assert!(Filters::parse([wrong].into_iter()).is_err(), "{wrong}");
        }
    }
}
