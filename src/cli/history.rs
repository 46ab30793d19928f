//! `tare history`: how an image was made, the last step first, and what each step costs.

use crate::cli::Context;
use crate::cli::human;
use crate::cli::say::{say, say_line};
use crate::cli::template::{self, Row};
use crate::engine::{now, size};
use crate::error::Result;
use crate::image::catalog;
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Value, json};

const USUAL: &str = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const EXACT: &str = "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const WIDEST: usize = 45;

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .arg(Arg::new("image").value_name("IMAGE").required(true).help("Name, id, or the beginning of an id"))
        .arg(
            Arg::new("human")
                .short('H')
                .long("human")
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_value("true")
                .default_missing_value("true")
                .value_parser(clap::value_parser!(bool))
                .help("Sizes and ages as people say them; false: bytes and moments"),
        )
        .arg(switch("no-trunc", "Cut nothing short"))
        .arg(switch("quiet", "Only ids").short('q'))
        .arg(template::flag())
        .after_help("Example: tare history --no-trunc alpine")
}

/// One step, as the image tells it.
struct Step {
    id: String,
    /// Nanoseconds since 1970, where it is told.
    created: Option<u64>,
    by: String,
    comment: String,
    size: u64,
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let name = matches.get_one::<String>("image").map_or("", String::as_str);
    let details = catalog::details(&context.paths, name)?;
    let sizes = size::of_layers(&context.paths, &details.image.layers);
    let steps = steps(&details.raw_config["history"], &sizes, &details.image.id);
    let (whole, human) = (matches.get_flag("no-trunc"), matches.get_flag("human"));
    if matches.get_flag("quiet") {
        steps.iter().for_each(|step| say_line!("{}", short(&step.id, whole)));
        return Ok(0);
    }
    let headings = json!({
        "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY", "Size": "SIZE", "Comment": "COMMENT",
    });
    let rows: Vec<Row> = steps.iter().map(|step| row(step, whole, human)).collect();
    let format = matches.get_one::<String>("format").map_or("", String::as_str);
    say(&template::render_rows(format, if human { USUAL } else { EXACT }, &headings, &rows)?);
    Ok(0)
}

/// The last one is the image; of those before only the layers are known. An image without a history has its layers all the same.
fn steps(history: &Value, sizes: &[u64], id: &str) -> Vec<Step> {
    let mut left = sizes.iter().copied();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let told = history.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|entry| Step {
        id: String::new(),
        created: entry["created"].as_str().and_then(time::parse_rfc3339),
        by: text(entry, "created_by"),
        comment: text(entry, "comment"),
        size: if entry["empty_layer"] == json!(true) { 0 } else { left.next().unwrap_or(0) },
    });
    let mut steps: Vec<Step> = told.collect();
    steps.extend(left.map(|size| Step { id: String::new(), created: None, by: String::new(), comment: String::new(), size }));
    steps.reverse();
    if let Some(last) = steps.first_mut() {
        last.id = id.to_owned();
    }
    steps
}

fn short(id: &str, whole: bool) -> &str {
    match id.strip_prefix("sha256:") {
        None => "<missing>",
        Some(_) if whole => id,
        Some(hex) => &hex[..hex.len().min(12)],
    }
}

fn row(step: &Step, whole: bool, human: bool) -> Row {
    let by = step.by.replace('\t', " ");
    let by = if whole || by.chars().count() <= WIDEST { by } else { by.chars().take(WIDEST - 1).chain(['…']).collect() };
    let told = |of: fn(u64) -> String| step.created.map_or("N/A".to_owned(), of);
    let fields = json!({
        "ID": short(&step.id, whole), "CreatedSince": told(|moment| time::ago(now(), moment)), "CreatedAt": told(time::rfc3339), "CreatedBy": by,
        "Size": if human { human::size(step.size) } else { step.size.to_string() }, "Comment": step.comment,
    });
    Row::from(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_change_no_file_have_no_layer() {
        let history = json!([{"created_by": "ADD file"}, {"created_by": "CMD", "empty_layer": true}, {"created_by": "RUN"}]);
        let told: Vec<_> = steps(&history, &[5, 7], "sha256:abc").into_iter().map(|step| (step.id, step.by, step.size)).collect();
        let expected = [("sha256:abc", "RUN", 7), ("", "CMD", 0), ("", "ADD file", 5)];
        assert_eq!(told, expected.map(|(id, by, size)| (id.to_owned(), by.to_owned(), size)));
        assert_eq!(steps(&Value::Null, &[1, 2], "sha256:abc").iter().map(|step| step.size).collect::<Vec<_>>(), [2, 1]);
    }
}
