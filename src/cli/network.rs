//! `tare network …`: networks are made, listed, shown and removed, and containers come into them and leave them.

mod filters;
mod rows;

use crate::cli::prune::{agreed, common, tell_gone};
use crate::cli::run_flags::words::blame;
use crate::cli::say::{say, say_line};
use crate::cli::{Context, each, inspect, names, one_or_more, template};
use crate::engine::networks;
use crate::engine::repair;
use crate::error::{Error, Kind, Result};
use crate::network::Plan;
use crate::network::choice::Wish;
use crate::options;
use crate::options::networks::{Attachment, driver};
use crate::paths::Paths;
use clap::{Arg, ArgAction, ArgMatches, Command};
use filters::Filters;
pub use rows::{described, endpoint_id};

/// For whoever types something else.
pub const VERBS: &[&str] = &["connect", "create", "disconnect", "inspect", "ls", "prune", "rm"];

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn value(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn list(name: &'static str, value_name: &'static str, help: &'static str) -> Arg {
    value(name, value_name, help).action(ArgAction::Append)
}

fn word(name: &'static str, value_name: &'static str) -> Arg {
    Arg::new(name).value_name(value_name).required(true)
}

pub fn define(command: Command) -> Command {
    let create = Command::new("create")
        .about("Make a network")
        .arg(word("name", "NAME"))
        .arg(value("driver", "bridge", "There is only one").short('d'))
        .arg(list("subnet", "SUBNET", "Its addresses, like 10.30.0.0/24; one of each kind (default: any that are free)"))
        .arg(list("gateway", "ADDRESS", "This host's address in it (default: the first)"))
        .arg(list("ip-range", "SUBNET", "Only these of its addresses are given to containers that wish none"))
        .arg(switch("internal", "Nobody outside is reached from it"))
        .arg(switch("ipv6", "Also with IPv6"))
        .arg(list("label", "KEY[=VALUE]", "A note on it"))
        .arg(list("opt", "KEY=VALUE", "mtu=BYTES: the size of its packets").short('o'))
        .arg(switch("attachable", "Every container may come into it, with or without this").hide(true))
        .after_help("Examples:\n  tare network create shop\n  tare network create --subnet 10.30.0.0/24 --internal vault");
    let ls = Command::new("ls")
        .visible_alias("list")
        .about("List networks")
        .arg(switch("quiet", "Only ids").short('q'))
        .arg(switch("no-trunc", "Cut nothing short"))
        .arg(list("filter", "KEY=VALUE", "name, id, label, dangling, type, driver or scope").short('f'))
        .arg(template::flag_of_table())
        .after_help("Example: tare network ls -f type=custom");
    let inspect = Command::new("inspect")
        .about("Everything that is known of networks, and who is in them, as JSON")
        .arg(one_or_more("NETWORK"))
        .arg(template::flag().short('f'))
        .arg(switch("verbose", "As Docker's users may type it").short('v').hide(true))
        .after_help("Example: tare network inspect -f '{{json .Containers}}' shop");
    let rm = Command::new("rm")
        .visible_alias("remove")
        .about("Remove networks that no container is in")
        .arg(one_or_more("NETWORK"))
        .arg(switch("force", "What is not there is as good as removed").short('f'))
        .after_help("Example: tare network rm shop");
    let prune = common(Command::new("prune").about("Remove all networks that no container is in"), "tare network prune")
        .after_help("Example: tare network prune --filter label!=keep");
    let connect = Command::new("connect")
        .about("Let a container come into a network, also while it runs")
        .arg(word("network", "NETWORK"))
        .arg(word("container", "CONTAINER"))
        .arg(value("ip", "ADDRESS", "Its IPv4 address there"))
        .arg(value("ip6", "ADDRESS", "Its IPv6 address there"))
        .arg(list("alias", "NAME", "Another name by which it is found there"))
        .arg(value("mac-address", "MAC", "The address of its network card there"))
        .after_help("Example: tare network connect --alias db shop postgres");
    let disconnect = Command::new("disconnect")
        .about("Let a container leave a network, also while it runs")
        .arg(word("network", "NETWORK"))
        .arg(word("container", "CONTAINER"))
        .arg(switch("force", "One that is not in it is as good as disconnected").short('f'))
        .after_help("Example: tare network disconnect shop postgres");
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([create, ls, inspect, rm, prune, connect, disconnect])
        .after_help("Examples:\n  tare network create shop\n  tare run -d --name db --network shop busybox httpd -f\n  tare run --rm --network shop busybox ping -c 1 db")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let paths = &context.paths;
    match matches.subcommand() {
        Some(("create", matches)) => {
            say_line!("{}", networks::create(paths, plan(matches)?)?);
            Ok(0)
        }
        Some(("ls", matches)) => show(paths, matches),
        Some(("inspect", matches)) => {
            inspect::show(names(matches), text(matches, "format").unwrap_or(""), |name| rows::described(paths, name))
        }
        Some(("rm", matches)) => remove(paths, matches),
        Some(("prune", matches)) => prune(paths, matches),
        Some(("connect", matches)) => connect(paths, matches),
        Some(("disconnect", matches)) => {
            let [network, container] = ["network", "container"].map(|name| text(matches, name).unwrap_or(""));
            networks::disconnect(paths, container, network, matches.get_flag("force")).map(|()| 0)
        }
        _ => Err(Error::usage("no command after network")),
    }
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}

fn all<T>(matches: &ArgMatches, flag: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    let words = matches.get_many::<String>(flag).into_iter().flatten();
    words.map(|word| parse(word).map_err(|error| blame(flag, word, error))).collect()
}

fn one<T>(matches: &ArgMatches, flag: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
    Ok(all(matches, flag, parse)?.pop())
}

fn plan(matches: &ArgMatches) -> Result<Plan> {
    one(matches, "driver", driver::check_driver)?;
    let subnet = |text: &str| text.parse().map_err(|why: String| Error::usage(why).hint("write it like 10.30.0.0/24 or fd00:30::/64"));
    let address = |text: &str| text.parse().map_err(|_| Error::usage("not an IP address"));
    let mut addresses = Wish {
        subnets: all(matches, "subnet", subnet)?,
        gateways: all(matches, "gateway", address)?,
        parts: all(matches, "ip-range", subnet)?,
        v6: matches.get_flag("ipv6"),
    };
    addresses.v6 |= addresses.subnets.iter().any(|subnet| !subnet.is_v4());
    let options = all(matches, "opt", driver::parse_option)?;
    let mtu = driver::mtu_of(&options)?;
    driver::check_mtu(mtu, addresses.v6)?;
    let mut labels = Vec::new();
    for label in all(matches, "label", options::labels::parse)? {
        options::labels::add(&mut labels, label);
    }
    let name = text(matches, "name").unwrap_or("").to_owned();
    Ok(Plan { name, addresses, internal: matches.get_flag("internal"), mtu, labels, options })
}

fn show(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches.get_many::<String>("filter").into_iter().flatten())?;
    // Who is where is a look at every container, so it is only taken when somebody asks.
    let containers = if filters.ask_for_users() { networks::containers(paths)? } else { Vec::new() };
    let mut found = rows::all(paths)?;
    found.retain(|network| filters.fit(network, || !networks::users(&containers, network).is_empty()));
    let format = text(matches, "format").unwrap_or("");
    let whole = matches.get_flag("no-trunc");
    // A reader that has seen enough (`| head`) is no error.
    say(&match matches.get_flag("quiet") && format.is_empty() {
        true => found.iter().map(|network| format!("{}\n", rows::id(network, whole))).collect(),
        false => rows::text(&found, format, whole)?,
    });
    Ok(0)
}

fn remove(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    // A container whose maker was killed is nowhere any more.
    repair::sweep(paths);
    each(names(matches), |name| {
        match networks::remove(paths, name) {
            Err(error) if matches.get_flag("force") && error.kind() == Kind::NoSuch => {}
            other => drop(other?),
        }
        say_line!("{name}");
        Ok(())
    })
}

fn prune(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    let filters = crate::cli::prune::filters::Filters::parse(matches)?;
    if !matches.get_flag("force") && !agreed("WARNING! This will remove all networks that no container is in.") {
        return Ok(0);
    }
    repair::sweep(paths);
    let gone = networks::prune(paths, |network| filters.fit_network(network))?;
    tell_gone("Deleted Networks", gone.into_iter());
    Ok(0)
}

fn connect(paths: &Paths, matches: &ArgMatches) -> Result<i32> {
    let wish = Attachment {
        network: text(matches, "network").unwrap_or("").to_owned(),
        ip: one(matches, "ip", options::networks::parse_ip)?,
        ip6: one(matches, "ip6", options::networks::parse_ip6)?,
        mac: one(matches, "mac-address", options::networks::parse_mac)?,
        aliases: all(matches, "alias", options::networks::parse_alias)?,
    };
    networks::connect(paths, text(matches, "container").unwrap_or(""), wish).map(|()| 0)
}
