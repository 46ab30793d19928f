//! `tare explain TOPIC [CONTAINER]`: one screen about one thing, and the list of all of them.

use crate::cli::say::say;
use crate::cli::{Context, explained};
use crate::engine::find;
use crate::error::{Error, Result};
use crate::explain::topics::{self, Example, TOPICS};
use crate::names;

/// What can be explained, for whoever has typed nothing more.
pub fn list() -> Result<i32> {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or(0) + 2;
    let line = |(name, about): (&str, &str)| format!("  {name:<width$}{about}\n");
    let mut text = String::from("Topics, each on one screen, with this machine or a container as the example:\n\n");
    text.extend(all().map(line));
    text += "\nOf a container:\n\n";
    text.extend(super::OTHERS.iter().copied().map(line));
    text += "\nTry: tare explain namespaces, or with a container that runs: tare explain namespaces NAME\n";
    say(&text);
    Ok(0)
}

pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TOPICS.iter().map(|topic| (topic.name, topic.about))
}

/// Words that people know these things by.
const ALIASES: &[(&str, &str)] = &[
    ("caps", "capabilities"),
    ("capability", "capabilities"),
    ("userns", "user-namespaces"),
    ("network", "networks"),
    ("layers", "images, or tare explain overlay"),
    ("layer", "images, or tare explain overlay"),
    ("overlayfs", "overlay"),
    ("pid", "pid1"),
    ("init", "pid1"),
];

/// What may have been meant by a word that is no topic.
fn hint(context: &Context, what: &str) -> String {
    let small = what.to_lowercase();
    if let Some((_, topic)) = ALIASES.iter().find(|(alias, _)| *alias == small) {
        return format!("tare explain {topic}");
    }
    if find::container(&context.paths, what).is_ok_and(|seen| seen.record.name == what) {
        return format!("{what} is a container: tare tree {what} shows all there is of it, tare why {what} how it fares");
    }
    if explained::can_be(what) {
        return format!("{what} is a command, which tells what it does: tare {what} --explain …");
    }
    let near = names::did_you_mean(what, super::words().map(|(name, _)| name));
    near.unwrap_or_else(|| "tare explain lists what there is".to_owned())
}

/// `words`: the container that is the example, if one was named.
pub fn run(context: &Context, what: &str, words: &[String]) -> Result<i32> {
    let Some(topic) = topics::find(&what.to_lowercase()) else {
        return Err(Error::usage(format!("there is nothing to explain about {what}")).hint(hint(context, what)));
    };
    let example = match words {
        [] => Example::of_this_process(&context.paths),
        [name] => Example::of_container(&context.paths, name)?,
        _ => return Err(Error::usage("one container is enough for an example").hint(format!("tare explain {} {}", topic.name, words[0]))),
    };
    say(&topic.text(&example));
    Ok(0)
}
