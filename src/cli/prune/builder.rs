//! `tare builder prune`: what builds keep for later ones goes, the longest unused first, after a question.

use crate::cli::prune::{agreed, tell_gone, tell_room};
use crate::cli::system::df::kind_of;
use crate::cli::{Context, human};
use crate::engine::build_cache::{self, Cached, Wish};
use crate::engine::{now, repair};
use crate::error::{Error, Result};
use crate::options::sizes;
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    let room = |name: &'static str| Arg::new(name).long(name).value_name("BYTES");
    command
        .override_usage("tare builder prune [OPTIONS]")
        .arg(switch("all", "Also what images have").short('a'))
        .arg(switch("force", "Do not ask").short('f'))
        .arg(
            Arg::new("filter")
                .long("filter")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("until=24h (not used since then), id=…, type=regular, exec.cachemount, source.local or source.http, description=TEXT, shared=true, inuse=false"),
        )
        .arg(room("max-used-space").alias("reserved-space").help("So much may stay, of what was used last: 10g"))
        .arg(room("keep-storage").help("The same").conflicts_with("max-used-space"))
        .after_help("Example: tare builder prune --filter until=24h")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches.get_many::<String>("filter").into_iter().flatten().map(String::as_str))?;
    let room = matches.get_one::<String>("max-used-space").or(matches.get_one("keep-storage"));
    let keep = room.map(|text| sizes::parse_bytes(text)).transpose()?;
    let all = matches.get_flag("all");
    let which = if all { "all that builds keep for later ones" } else { "what builds keep for later ones and no image has" };
    let which = keep.map_or(which.to_owned(), |keep| format!("{which}, until no more than {} are left", human::size(keep)));
    if !matches.get_flag("force") && !agreed(&format!("WARNING! This will remove {which}.")) {
        return Ok(0);
    }
    repair::sweep(&context.paths);
    let (gone, room) = build_cache::prune(&context.paths, &Wish { all, keep, fits: &|cached| filters.fit(cached) })?;
    tell_gone("Deleted build cache objects", gone.into_iter().map(|cached| cached.id));
    tell_room(room);
    Ok(0)
}

/// All of them must fit; in BuildKit's words.
#[derive(Default)]
struct Filters {
    until: Option<u64>,
    others: Vec<(String, String)>,
}

impl Filters {
    fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Filters> {
        let mut filters = Filters::default();
        for word in words {
            let wrong = || {
                Error::usage(format!("invalid value {word:?} for --filter"))
                    .hint("write until=24h, id=…, type=regular, exec.cachemount, source.local or source.http, description=TEXT, shared=true or inuse=false")
            };
            match word.split_once('=').ok_or_else(wrong)? {
                ("until" | "unused-for", moment) => filters.until = Some(time::parse_moment(moment, now())?),
                ("type", "regular" | "exec.cachemount" | "source.local" | "source.http")
                | ("shared" | "private" | "inuse", "true" | "false")
                | ("id" | "description", _) => {
                    let (key, value) = word.split_once('=').unwrap_or_default();
                    filters.others.push((key.to_owned(), value.to_owned()));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(filters)
    }

    fn fit(&self, cached: &Cached) -> bool {
        let fits = |(key, value): &(String, String)| match key.as_str() {
            "id" => cached.id.starts_with(value.as_str()),
            "type" => kind_of(cached) == value,
            "description" => cached.what.contains(value.as_str()),
            "shared" => cached.is_shared.to_string() == *value,
            "private" => (!cached.is_shared).to_string() == *value,
            _ => cached.is_in_use.to_string() == *value,
        };
        self.until.is_none_or(|until| cached.used < until) && self.others.iter().all(fits)
    }
}
