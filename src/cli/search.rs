//! `tare search`: looks for images in Docker Hub, or in a registry that is named.

use crate::cli::Context;
use crate::cli::say::say;
use crate::cli::template::{self, Row};
use crate::engine::remote;
use crate::error::{Error, Result, is_obeyed};
use crate::image::Reference;
use crate::names;
use crate::registry::Match;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::json;

/// Docker Hub gives no more at once.
const MOST: usize = 100;
const USUAL: &str = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}";
/// Of a description, so that a line stays a line.
const SHORT: usize = 45;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("term").value_name("TERM").required(true).help("A word of the name; behind REGISTRY/ it is looked for there"))
        .arg(Arg::new("limit").long("limit").value_name("NUMBER").default_value("25").help("No more than so many, 100 at most"))
        .arg(
            Arg::new("filter")
                .short('f')
                .long("filter")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("stars=NUMBER, is-official=true|false, is-automated=true|false"),
        )
        .arg(template::flag_of_table())
        .arg(Arg::new("no-trunc").long("no-trunc").action(ArgAction::SetTrue).help("Whole descriptions"))
        .after_help(
            "Of a registry that knows no search the names of all its images are looked through, if it tells them.\n\n\
            Examples:\n  tare search --filter is-official=true postgres\n  tare search localhost:5000/app",
        )
}

pub fn run(_: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let limit = text("limit").parse().ok().filter(|limit| (1..=MOST).contains(limit));
    let limit =
        limit.ok_or_else(|| Error::usage(format!("invalid value {:?} for --limit", text("limit"))).hint("a number from 1 to 100"))?;
    let filters = matches.get_many::<String>("filter").into_iter().flatten().map(|one| Filter::parse(one)).collect::<Result<Vec<_>>>()?;
    let (registry, term) = place(text("term"))?;
    let mut found = remote::search(registry, term, limit)?;
    found.retain(|one| filters.iter().all(|filter| filter.fits(one)));
    found.truncate(limit);
    found.sort_by_key(|one| std::cmp::Reverse(one.stars));
    let format = text("format");
    let headings =
        json!({"Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL", "IsAutomated": "AUTOMATED"});
    let rows: Vec<Row> = found.iter().map(|one| describe(one, matches.get_flag("no-trunc"), format == "json")).collect();
    say(&template::render_rows(format, USUAL, &headings, &rows)?);
    Ok(0)
}

/// `localhost:5000/app` is looked for at localhost:5000, everything else at Docker Hub, whose own images have no more than a name.
fn place(typed: &str) -> Result<(Option<&str>, &str)> {
    let nothing = || Error::usage("nothing to look for").hint("tare search busybox");
    let (registry, term) = match typed.split_once('/') {
        Some((first, term)) if Reference::parse(&format!("{first}/x")).is_ok_and(|name| name.registry == first) => (Some(first), term),
        _ => (None, typed),
    };
    let registry = registry.filter(|registry| *registry != "docker.io");
    let term = if registry.is_none() { term.strip_prefix("library/").unwrap_or(term) } else { term };
    // All that a registry has, for whoever names it alone; all of Docker Hub is no answer.
    if term.is_empty() && registry.is_none() { Err(nothing()) } else { Ok((registry, term)) }
}

enum Filter {
    Stars(u64),
    Official(bool),
    Automated(bool),
}

impl Filter {
    fn parse(text: &str) -> Result<Filter> {
        const NAMES: &[&str] = &["stars", "is-official", "is-automated"];
        let (name, value) = text.split_once('=').unwrap_or((text, "true"));
        let wrong = || Error::usage(format!("invalid value {value:?} for --filter {name}"));
        let truth = || match value {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(wrong().hint("true or false")),
        };
        match name {
            "stars" => value.parse().map(Filter::Stars).map_err(|_| wrong().hint("a number")),
            "is-official" => truth().map(Filter::Official),
            "is-automated" => truth().map(Filter::Automated),
            _ => Err(Error::usage(format!("unknown filter {text:?}")).hint(names::one_of(name, NAMES))),
        }
    }

    fn fits(&self, one: &Match) -> bool {
        match self {
            Filter::Stars(least) => one.stars >= *least,
            Filter::Official(wanted) => one.is_official == *wanted,
            Filter::Automated(wanted) => one.is_automated == *wanted,
        }
    }
}

fn describe(one: &Match, whole: bool, as_json: bool) -> Row {
    let mark = |value: bool| match (value, as_json) {
        (_, true) => value.to_string(),
        (true, false) => "[OK]".to_owned(),
        (false, false) => String::new(),
    };
    let description = plain(&one.description);
    let short = match description.chars().count() {
        0..=SHORT => None,
        _ => Some(description.chars().take(SHORT - 1).chain(['…']).collect::<String>()),
    };
    let description = short.filter(|_| !whole).unwrap_or(description);
    Row::from(json!({"Name": plain(&one.name), "Description": description, "StarCount": one.stars.to_string(),
        "IsOfficial": mark(one.is_official), "IsAutomated": mark(one.is_automated)}))
}

/// Strangers have written it: on one line, and without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if is_obeyed(letter) { ' ' } else { letter }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_before_the_term_is_where_it_is_looked_for() {
        assert_eq!(place("localhost:5000/app").unwrap(), (Some("localhost:5000"), "app"));
        assert_eq!(place("r.example/team/app").unwrap(), (Some("r.example"), "team/app"));
        assert_eq!(place("localhost/").unwrap(), (Some("localhost"), ""));
        assert_eq!(place("library/busybox").unwrap(), (None, "busybox"));
        assert_eq!(place("docker.io/library/busybox").unwrap(), (None, "busybox"));
        assert_eq!(place("team/app").unwrap(), (None, "team/app"));
        assert!(place("").is_err() && place("docker.io/").is_err());
    }

    #[test]
    fn what_strangers_write_stays_on_its_line() {
        let one = Match {
            name: "a/b".into(),
            description: format!("x\n\u{1b}[2J{}", "y".repeat(60)),
            stars: 3,
            is_official: true,
            is_automated: false,
        };
        let row = describe(&one, false, false).fields;
        assert_eq!(row["Description"].as_str().unwrap().chars().count(), SHORT);
        assert!(row["Description"].as_str().unwrap().starts_with("x  [2Jyyy") && row["IsOfficial"] == "[OK]" && row["IsAutomated"] == "");
        assert_eq!(describe(&one, true, true).fields["IsAutomated"], "false");
    }
}
