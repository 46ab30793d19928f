//! `tare explain TOPIC [CONTAINER]`: one screen about one thing, and the list of all of them.

use crate::cli::Context;
use crate::cli::say::say;
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

/// `words`: the container that is the example, if one was named.
pub fn run(context: &Context, what: &str, words: &[String]) -> Result<i32> {
    let Some(topic) = topics::find(&what.to_lowercase()) else {
        let hint = names::did_you_mean(what, super::words().map(|(name, _)| name));
        let hint = hint.unwrap_or_else(|| "tare explain lists what there is".to_owned());
        return Err(Error::usage(format!("there is nothing to explain about {what}")).hint(hint));
    };
    let example = match words {
        [] => Example::of_this_process(&context.paths),
        [name] => Example::of_container(&context.paths, name)?,
        _ => return Err(Error::usage("one container is enough for an example").hint(format!("tare explain {} {}", topic.name, words[0]))),
    };
    say(&topic.text(&example));
    Ok(0)
}
