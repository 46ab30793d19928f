//! `tare volume …`: directories that outlive containers are made, listed, shown and removed.

mod filters;

use crate::cli::prune::{agreed, tell_gone, tell_room};
use crate::cli::say::{say, say_line};
use crate::cli::template::{self, Row};
use crate::cli::{Context, each, inspect, names, one_or_more};
use crate::engine::repair;
use crate::engine::volumes::{self, Request};
use crate::error::{Error, Kind, Result};
use crate::options;
use crate::paths::Paths;
use crate::time;
use crate::volume::{self, Volume};
use clap::{Arg, ArgAction, ArgMatches, Command};
use filters::Filters;
use serde_json::{Map, Value, json};

/// For whoever types something else.
pub const VERBS: &[&str] = &["create", "inspect", "ls", "prune", "rm"];

fn switch(name: &'static str, short: char, help: &'static str) -> Arg {
    Arg::new(name).short(short).long(name).action(ArgAction::SetTrue).help(help)
}

fn list(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).action(ArgAction::Append).help(help)
}

pub fn define(command: Command) -> Command {
    let create = Command::new("create")
        .about("Make a volume")
        .arg(Arg::new("name").value_name("NAME").help("Without one it gets 64 hex digits"))
        .arg(Arg::new("driver").short('d').long("driver").value_name("local").help("There is only one"))
        .arg(list("label", "KEY[=VALUE]", "A note on it"))
        .arg(list("opt", "KEY=VALUE", "type=none o=bind device=PATH: it stands for a directory of the host").short('o'))
        .after_help("Example: tare volume create --label project=shop data");
    let ls = Command::new("ls")
        .visible_alias("list")
        .about("List volumes")
        .arg(switch("quiet", 'q', "Only names"))
        .arg(list("filter", "KEY=VALUE", "name, label, dangling or driver").short('f'))
        .arg(template::flag_of_table())
        .after_help("Example: tare volume ls -f dangling=true");
    let inspect = Command::new("inspect")
        .about("Everything that is known of volumes, as JSON")
        .arg(one_or_more("VOLUME"))
        .arg(template::flag_of_table().short('f'))
        .after_help("Example: tare volume inspect -f '{{.Mountpoint}}' data");
    let rm = Command::new("rm")
        .visible_alias("remove")
        .about("Remove volumes that no container uses")
        .arg(one_or_more("VOLUME"))
        .arg(switch("force", 'f', "What is not there is as good as removed"))
        .after_help("Example: tare volume rm data");
    let prune = Command::new("prune")
        .about("Remove the volumes without a name that no container uses")
        .arg(switch("all", 'a', "Also those with a name"))
        .arg(switch("force", 'f', "Do not ask"))
        .arg(list("filter", "KEY=VALUE", "label=KEY[=VALUE] or label!=KEY[=VALUE]"))
        .after_help("Example: tare volume prune --filter label!=keep");
    command.subcommand_required(true).arg_required_else_help(true).subcommands([create, ls, inspect, rm, prune]).after_help(
        "Examples:\n  tare volume create data\n  tare run --rm -v data:/data busybox sh -c 'date >>/data/log; cat /data/log'\n  tare volume rm data",
    )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    match matches.subcommand() {
        Some(("create", matches)) => create(&context.paths, matches),
        Some(("ls", matches)) => show(&context.paths, matches),
        Some(("inspect", matches)) => {
            let format = matches.get_one::<String>("format").map_or("", String::as_str);
            inspect::show(names(matches), format, |name| Ok(describe(&volumes::find(&context.paths, name)?, &context.paths)))
        }
        Some(("rm", matches)) => remove(&context.paths, matches),
        Some(("prune", matches)) => prune(&context.paths, matches),
        _ => Err(Error::usage("no command after volume")),
    }
}

fn create(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    if let Some(driver) = matches.get_one::<String>("driver") {
        options::volumes::check_driver(driver)?;
    }
    let all = |name: &str| matches.get_many::<String>(name).into_iter().flatten();
    let mut request = Request { name: matches.get_one::<String>("name").cloned(), ..Request::default() };
    for label in all("label") {
        options::labels::add(&mut request.labels, options::labels::parse(label)?);
    }
    request.options = all("opt").map(|option| options::volumes::parse_option(option)).collect::<Result<_>>()?;
    say_line!("{}", volumes::create(paths, request)?);
    Ok(0)
}

fn show(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches.get_many::<String>("filter").into_iter().flatten(), filters::OF_LS)?;
    // Who uses what is a look at every container, so it is only taken when somebody asks.
    let containers = if filters.ask_for_users() { volumes::containers(paths)? } else { Vec::new() };
    let is_used = |volume: &Volume| !volumes::users(&containers, &volume.name).is_empty();
    let found: Vec<Volume> = volume::list(paths)?.into_iter().filter(|volume| filters.fit(volume, || is_used(volume))).collect();
    let format = matches.get_one::<String>("format").map_or("", String::as_str);
    let text = match matches.get_flag("quiet") && format.is_empty() {
        true => found.iter().map(|volume| format!("{}\n", volume.name)).collect(),
        false => rows(&found, format, paths)?,
    };
    // A reader that has seen enough (`| head`) is no error.
    say(&text);
    Ok(0)
}

fn rows(found: &[Volume], format: &str, paths: &Paths) -> Result<String> {
    let headings = json!({
        "Driver": "DRIVER", "Name": "VOLUME NAME", "Scope": "SCOPE", "Mountpoint": "MOUNTPOINT", "Labels": "LABELS", "Links": "LINKS",
        "Size": "SIZE", "Availability": "AVAILABILITY", "Group": "GROUP", "Status": "STATUS",
    });
    let row = |volume: &Volume| {
        let labels: Vec<String> = volume.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let fields = json!({
            "Driver": "local", "Name": volume.name, "Scope": "local", "Mountpoint": paths.volume(&volume.name).data(), "Labels": labels.join(","),
            "Links": "N/A", "Size": "N/A", "Availability": "N/A", "Group": "N/A", "Status": "N/A",
        });
        Row { fields, labels: volume.labels.clone() }
    };
    template::render_rows(format, "table {{.Driver}}\t{{.Name}}", &headings, &found.iter().map(row).collect::<Vec<_>>())
}

/// In Docker's shape.
pub fn describe(volume: &Volume, paths: &Paths) -> Value {
    let object = |pairs: &[(String, String)]| match pairs.is_empty() {
        true => Value::Null,
        false => pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>().into(),
    };
    json!({
        "CreatedAt": time::rfc3339(volume.created), "Driver": "local", "Labels": object(&volume.labels),
        "Mountpoint": paths.volume(&volume.name).data(), "Name": volume.name, "Options": object(&volume.options), "Scope": "local",
    })
}

fn remove(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    // A container whose maker was killed uses nothing any more.
    repair::sweep(paths);
    each(names(matches), |name| {
        match volumes::remove(paths, name) {
            Err(error) if matches.get_flag("force") && error.kind() == Kind::NoSuch => {}
            other => other?,
        }
        say_line!("{name}");
        Ok(())
    })
}

fn prune(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    let all = matches.get_flag("all");
    let filters = Filters::parse(matches.get_many::<String>("filter").into_iter().flatten(), filters::OF_PRUNE)?;
    let which = if all { "all" } else { "all nameless" };
    if !matches.get_flag("force") && !agreed(&format!("WARNING! This will remove {which} volumes that no container uses.")) {
        return Ok(0);
    }
    repair::sweep(paths);
    let gone = volumes::prune(paths, |volume| (all || volume.anonymous || filters.ask_for_all()) && filters.fit(volume, || false))?;
    tell_gone("Deleted Volumes", gone.iter().map(|(name, _)| name.clone()));
    tell_room(gone.iter().map(|(_, size)| size).sum());
    Ok(0)
}
