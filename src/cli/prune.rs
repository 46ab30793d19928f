//! `tare container prune` and `tare image prune`: what nobody uses goes, after a question.

use crate::cli::Context;
use crate::cli::human;
use crate::cli::say::{say, say_line};
use crate::engine::{now, prune, repair};
use crate::error::{Error, Result};
use crate::image::catalog::Removed;
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};
use std::io::BufRead;

fn common(command: clap::Command, usage: &'static str) -> clap::Command {
    let filter = Arg::new("filter").long("filter").value_name("KEY=VALUE").action(ArgAction::Append);
    command
        .override_usage(format!("{usage} [OPTIONS]"))
        .arg(Arg::new("force").short('f').long("force").action(ArgAction::SetTrue).help("Do not ask"))
        .arg(filter.help("until=24h (or a moment), label=KEY[=VALUE] or label!=KEY[=VALUE]"))
}

pub fn define_containers(command: clap::Command) -> clap::Command {
    common(command, "tare container prune").after_help("Example: tare container prune --filter until=24h")
}

pub fn define_images(command: clap::Command) -> clap::Command {
    common(command, "tare image prune")
        .arg(Arg::new("all").short('a').long("all").action(ArgAction::SetTrue).help("Also those with a name that no container uses"))
        .after_help("Example: tare image prune -a --filter label!=keep")
}

pub fn containers(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches)?;
    if !matches.get_flag("force") && !agreed("WARNING! This will remove all containers that do not run.") {
        return Ok(0);
    }
    repair::sweep(&context.paths);
    let gone = prune::containers(&context.paths, |seen| filters.fit(Some(seen.record.created), &seen.record.labels))?;
    if !gone.is_empty() {
        say_line!("Deleted Containers:");
        gone.iter().for_each(|(id, _)| say_line!("{id}"));
        say("\n");
    }
    say_line!("Total reclaimed space: {}", human::size(gone.iter().map(|(_, size)| size).sum()));
    Ok(0)
}

pub fn images(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches)?;
    let all = matches.get_flag("all");
    let which = if all { "all images that no container uses" } else { "all images without a name that no container uses" };
    if !matches.get_flag("force") && !agreed(&format!("WARNING! This will remove {which}.")) {
        return Ok(0);
    }
    repair::sweep(&context.paths);
    let labels = |image: &crate::image::catalog::Listed| image.labels.clone().into_iter().collect::<Vec<_>>();
    let (gone, room) = prune::images(&context.paths, all, |image| filters.fit(time::parse_rfc3339(&image.created), &labels(image)))?;
    if !gone.is_empty() {
        say_line!("Deleted Images:");
        for removed in gone {
            match removed {
                Removed::Untagged(name) => say_line!("untagged: {name}"),
                Removed::Deleted(id) => say_line!("deleted: {id}"),
            }
        }
        say("\n");
    }
    say_line!("Total reclaimed space: {}", human::size(room));
    Ok(0)
}

/// Whoever says nothing has not agreed.
pub fn agreed(warning: &str) -> bool {
    say(&format!("{warning}\nAre you sure you want to continue? [y/N] "));
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

/// All of them must fit.
#[derive(Debug, Default)]
struct Filters {
    /// Made before this moment.
    until: Option<u64>,
    labels: Vec<(bool, String)>,
}

impl Filters {
    fn parse(matches: &ArgMatches) -> Result<Filters> {
        Filters::of(matches.get_many::<String>("filter").into_iter().flatten().map(String::as_str))
    }

    fn of<'a>(words: impl Iterator<Item = &'a str>) -> Result<Filters> {
        let mut filters = Filters::default();
        for word in words {
            let wrong = || Error::usage(format!("invalid value {word:?} for --filter")).hint("write until=24h, label=KEY or label!=KEY");
            match word.split_once('=').ok_or_else(wrong)? {
                ("until", moment) => filters.until = Some(time::parse_moment(moment, now())?),
                ("label", label) => filters.labels.push((true, label.to_owned())),
                ("label!", label) => filters.labels.push((false, label.to_owned())),
                _ => return Err(wrong()),
            }
        }
        Ok(filters)
    }

    /// What does not tell when it was made is older than everything.
    fn fit(&self, created: Option<u64>, labels: &[(String, String)]) -> bool {
        let has = |wanted: &str| {
            labels.iter().any(|(name, value)| match wanted.split_once('=') {
                Some((key, wanted)) => name == key && value == wanted,
                None => name == wanted,
            })
        };
        self.until.is_none_or(|until| created.unwrap_or(0) < until) && self.labels.iter().all(|(wanted, label)| has(label) == *wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_must_fit() {
        let fits = |words: &[&str]| {
            let labels = [("tier".to_owned(), "db".to_owned())];
            Filters::of(words.iter().copied()).unwrap().fit(Some(now() - 3_600_000_000_000), &labels)
        };
        for words in [&[][..], &["until=30m"], &["label=tier"], &["label=tier=db", "until=10m"], &["label!=tier=web"]] {
            assert!(fits(words), "{words:?}");
        }
        for words in [&["until=2h"][..], &["label=x"], &["label!=tier"], &["label=tier", "label=tier=web"]] {
            assert!(!fits(words), "{words:?}");
        }
        for wrong in ["until", "until=yesterday-ish", "name=x"] {
            assert!(Filters::of([wrong].into_iter()).is_err(), "{wrong}");
        }
    }
}
