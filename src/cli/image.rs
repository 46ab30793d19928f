//! `tare image …`: the commands on images under one noun, and `inspect`.

use crate::cli::template::Template;
use crate::cli::{Context, each, images, import, load, one_or_more, output, rmi, tag};
use crate::error::{Error, Result};
use crate::image::catalog::{self, Details};
use crate::time;
use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};

pub fn define(command: Command) -> Command {
    let inspect = Command::new("inspect")
        .about("Everything that is known of images, as JSON")
        .arg(one_or_more("IMAGE"))
        .arg(Arg::new("format").short('f').long("format").value_name("TEMPLATE").help("json or a Go template"));
    command.subcommand_required(true).arg_required_else_help(true).subcommands([
        images::define(Command::new("ls").visible_alias("list").about("List images")),
        inspect,
        load::define(Command::new("load").about("Load images from an archive")),
        import::define(Command::new("import").about("Make an image from a root file system")),
        tag::define(Command::new("tag").about("Give an image a further name")),
        rmi::define(Command::new("rm").visible_alias("remove").about("Remove images")),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    match matches.subcommand() {
        Some(("ls", matches)) => images::run(context, matches),
        Some(("inspect", matches)) => inspect(context, matches),
        Some(("load", matches)) => load::run(context, matches),
        Some(("import", matches)) => import::run(context, matches),
        Some(("tag", matches)) => tag::run(context, matches),
        Some(("rm", matches)) => rmi::run(context, matches),
        _ => Err(Error::usage("no command after image")),
    }
}

fn inspect(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let format = matches.get_one::<String>("format").map(String::as_str);
    let template = format.filter(|format| *format != "json").map(Template::new).transpose()?;
    let mut found = Vec::new();
    let code = each(crate::cli::names(matches), |name| {
        let value = describe(&catalog::details(&context.paths, name)?);
        match &template {
            Some(template) => output::print(&(template.render(&value)? + "\n")),
            None => found.push(value),
        }
        Ok(())
    });
    if template.is_none() {
        output::print(&(if format.is_some() { json!(found).to_string() } else { format!("{:#}", json!(found)) } + "\n"));
    }
    code
}

/// In Docker's shape.
pub fn describe(details: &Details) -> Value {
    let raw = &details.raw_config;
    let digests: Vec<String> = details
        .names
        .iter()
        .filter_map(|name| name.rsplit_once(':'))
        .map(|(repository, _)| format!("{repository}@{}", details.manifest))
        .collect();
    let created = raw["created"].as_str().and_then(time::parse_rfc3339).map(time::rfc3339);
    json!({
        "Id": details.image.id, "RepoTags": details.names, "RepoDigests": digests, "Comment": raw["comment"].as_str().unwrap_or(""),
        "Created": created.unwrap_or_default(), "Author": raw["author"].as_str().unwrap_or(""), "Architecture": raw["architecture"], "Os": raw["os"],
        "Size": details.size, "Config": raw["config"],
        "RootFS": {"Type": "layers", "Layers": raw["rootfs"]["diff_ids"]},
    })
}
