//! HEALTHCHECK: how one finds out whether the container does its work.

use super::flags::Takes;
use super::run::only_texts;
use super::said::Said;
use super::words::{self, Json};
use crate::error::Result;
use crate::options::health::{self, Check};

pub fn parse(said: &Said) -> Result<Check> {
    let times = ["interval", "timeout", "start-period", "start-interval"];
    let known: Vec<_> = times.into_iter().chain(["retries"]).map(|name| (name, Takes::Text)).collect();
    let flags = said.flags(&known)?;
    let rest = said.something("CMD COMMAND")?;
    let (word, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (command, command_at) = (command.trim_start(), said.rest_at + rest.len() - command.trim_start().len());
    match word.to_ascii_uppercase().as_str() {
        "NONE" if !command.is_empty() => return Err(said.wrong(command_at, "nothing may follow HEALTHCHECK NONE")),
        "NONE" => return Ok(health::none()),
        "CMD" if command.is_empty() => {
            return Err(said.wrong(said.rest_at, "there is no command behind CMD").hint("HEALTHCHECK CMD COMMAND"));
        }
        "CMD" => {}
        _ => {
            return Err(said
                .wrong(said.rest_at, &format!("CMD or NONE must stand here, and not {word:.60}"))
                .hint("HEALTHCHECK CMD COMMAND"));
        }
    }
    let test = match words::json(command) {
        Json::Words(words) if words.is_empty() => return Err(said.wrong(command_at, "there is no command behind CMD")),
        Json::Words(words) => [vec!["CMD".to_owned()], words].concat(),
        Json::Others => return Err(only_texts(said)),
        Json::No => vec!["CMD-SHELL".to_owned(), command.to_owned()],
    };
    let time = |name: &str| match flags.texts(name).next() {
        None => Ok(0),
        Some((text, at)) => health::parse_time(text).map_err(|error| said.wrong_because(at, &error)),
    };
    let retries = match flags.texts("retries").next() {
        None => 0,
        Some((text, at)) => health::parse_retries(text).map_err(|error| said.wrong_because(at, &error))?,
    };
    let [interval, timeout, start_period, start_interval] = [time(times[0])?, time(times[1])?, time(times[2])?, time(times[3])?];
    Ok(Check { test, shell: Vec::new(), interval, timeout, start_period, start_interval, retries })
}
