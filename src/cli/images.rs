//! `tare images`: what the store holds.

mod filters;
mod tree;

use crate::cli::say::{say, say_line};
use crate::cli::template::{self, Row};
use crate::cli::{Context, human};
use crate::engine::{layer_tree, now};
use crate::error::Result;
use crate::image::catalog::{self, Listed};
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::json;

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .arg(Arg::new("name").value_name("NAME[:TAG]").help("Only images of this name; * and ? stand for letters"))
        .arg(switch("quiet", "Only ids").short('q'))
        .arg(switch("all", "Taken for Docker's sake; nothing is hidden").short('a'))
        .arg(switch("digests", "Also the manifests' digests"))
        .arg(switch("no-trunc", "Whole ids"))
        .arg(switch("tree", "The layers, what each costs, and which images share them").conflicts_with_all(["quiet", "digests"]))
        .arg(
            Arg::new("filter")
                .short('f')
                .long("filter")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("dangling=true, reference=PATTERN, label=NAME[=VALUE], before=IMAGE, since=IMAGE, until=TIME"),
        )
        .arg(template::flag_of_table())
        .after_help("Examples:\n  tare images --format '{{.Repository}} {{.Size}}'\n  tare images --tree")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let all = catalog::list(&context.paths)?;
    let mut rows = all.clone();
    if let Some(name) = matches.get_one::<String>("name") {
        filters::keep_named(&mut rows, name)?;
    }
    let given: Vec<&String> = matches.get_many("filter").into_iter().flatten().collect();
    filters::keep(&context.paths, &mut rows, &given)?;
    let whole = matches.get_flag("no-trunc");
    if matches.get_flag("tree") {
        let forest = layer_tree::forest(&context.paths, &all, &rows);
        return match matches.get_one::<String>("format") {
            Some(format) => tree::format(&forest, format, whole).map(|()| 0),
            None => {
                tree::show(&forest, whole);
                Ok(0)
            }
        };
    }
    if matches.get_flag("quiet") {
        let mut seen = std::collections::HashSet::new();
        for row in rows.iter().filter(|row| seen.insert(&row.id)) {
            say_line!("{}", short(&row.id, whole));
        }
        return Ok(0);
    }
    let digests = matches.get_flag("digests");
    let usual = if digests {
        "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
    } else {
        "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
    };
    let headings = json!({"Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "ID": "IMAGE ID", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "Size": "SIZE"});
    let rows: Vec<Row> = rows.iter().map(|row| describe(row, whole)).collect();
    let format = matches.get_one::<String>("format").map_or("table", String::as_str);
    say(&template::render_rows(format, usual, &headings, &rows)?);
    Ok(0)
}

fn short(id: &str, whole: bool) -> &str {
    if whole { id } else { id.strip_prefix("sha256:").map_or(id, |hex| &hex[..hex.len().min(12)]) }
}

/// As `images` lists it.
pub fn describe(row: &Listed, whole: bool) -> Row {
    let (repository, tag) = row.name.as_deref().and_then(|name| name.rsplit_once(':')).unwrap_or(("<none>", "<none>"));
    let created = time::parse_rfc3339(&row.created);
    let since = created.map_or("N/A".to_owned(), |moment| time::ago(now(), moment));
    let at = created.map_or("N/A".to_owned(), time::created_at);
    let fields = json!({"Repository": repository, "Tag": tag, "Digest": row.digest, "ID": short(&row.id, whole), "CreatedSince": since, "CreatedAt": at,
        "Size": human::size(row.size), "Containers": "N/A", "SharedSize": "N/A", "UniqueSize": "N/A"});
    Row { fields, labels: row.labels.clone().into_iter().collect() }
}
