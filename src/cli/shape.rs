//! The shape in which an explanation is shown: text for people, JSON for programs, or what a template makes of it.

use crate::cli::say::say;
use crate::cli::template::{self, Template};
use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

pub fn flags() -> [Arg; 2] {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).conflicts_with("format");
    [json.help("All of it, for programs"), template::flag()]
}

/// `text` and `value` tell the same; only the one that is wanted is made.
pub fn show(matches: &ArgMatches, value: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<()> {
    let format = matches.get_one::<String>("format").map(String::as_str);
    match (matches.get_flag("json"), format) {
        (true, _) => say(&format!("{:#}\n", value())),
        (false, Some("json")) => say(&format!("{}\n", value())),
        (false, Some(template)) => say(&(Template::new(template)?.render(&value())? + "\n")),
        (false, None) => say(&text()),
    }
    Ok(())
}
