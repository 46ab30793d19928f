//! `tare port`: which ports of a container are published, and where; `add` and `rm` change that, also while it runs.

use crate::cli::Context;
use crate::cli::run::tell_hindrances;
use crate::cli::run_flags::words::blame;
use crate::cli::say::say_line;
use crate::engine::{find, ports, republish};
use crate::error::{Error, Result};
use crate::options::ports::{self as words, PortWish, Protocol};
use crate::record::network::Published;
use clap::{Arg, ArgAction, ArgMatches};
use std::net::SocketAddr;

/// With `-p` a first word `add` or `rm` is a verb; without, it is a container of that name.
pub fn define(command: clap::Command) -> clap::Command {
    command
        .override_usage("tare port CONTAINER [PORT[/PROTOCOL]]\n       tare port add|rm CONTAINER -p [IP:][HOST:]PORT[/udp]…")
        .arg(
            Arg::new("words")
                .value_name("CONTAINER")
                .required(true)
                .num_args(1..=2)
                .help("Name, id, or the beginning of an id; then perhaps one of its ports"),
        )
        .arg(
            Arg::new("publish")
                .short('p')
                .long("publish")
                .value_name("[IP:][HOST:]PORT[/udp]")
                .action(ArgAction::Append)
                .help("With add and rm: what is published from now on, or no more"),
        )
        .after_help("Examples:\n  tare port web 80/tcp\n  tare port add web -p 8080:80\n  tare port rm web -p 8080:80")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let typed: Vec<&str> = matches.get_many::<String>("words").into_iter().flatten().map(String::as_str).collect();
    let wishes: Vec<&String> = matches.get_many::<String>("publish").into_iter().flatten().collect();
    match typed[..] {
        [verb @ ("add" | "rm"), container] if !wishes.is_empty() => change(context, verb, container, &wishes),
        _ if !wishes.is_empty() => Err(Error::usage("-p is for tare port add CONTAINER and tare port rm CONTAINER")
            .hint("a container is published with more ports so: tare port add CONTAINER -p 8080:80")),
        [container] => show(context, container, None),
        [container, port] => show(context, container, Some(port)).map_err(|error| match (container, port_or_name(port)) {
            // Nobody has a container called add, and nobody's port is called web.
            ("add" | "rm", false) => {
                Error::usage(format!("tare port {container} needs a port")).hint(format!("tare port {container} {port} -p 8080:80"))
            }
            _ => error,
        }),
        _ => Err(Error::usage("no container is named")),
    }
}

fn port_or_name(text: &str) -> bool {
    parse(text).is_ok()
}

fn show(context: &Context, name: &str, port: Option<&str>) -> Result<i32> {
    let wanted = port.map(parse);
    // One that is not there is said first only where the port makes sense.
    let wanted = wanted.transpose()?;
    let all = ports::published(&context.paths, &find::container(&context.paths, name)?);
    let Some((number, protocol)) = wanted else {
        all.iter().for_each(|one| say_line!("{}/{} -> {}", one.container, one.protocol, place(one)));
        return Ok(0);
    };
    let mut fitting = all.iter().filter(|one| (one.container, one.protocol) == (number, protocol)).peekable();
    if fitting.peek().is_none() {
        return Err(Error::no_such(format!("no public port '{number}/{protocol}' published for {name}")));
    }
    fitting.for_each(|one| say_line!("{}", place(one)));
    Ok(0)
}

fn place(port: &Published) -> SocketAddr {
    SocketAddr::new(port.address, port.host)
}

/// `80` is 80/tcp.
fn parse(text: &str) -> Result<(u16, Protocol)> {
    let wrong = |why: String| Error::usage(format!("invalid port {text:?}")).because(why).hint("write it like 80 or 53/udp");
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number = number.parse().ok().filter(|number| *number != 0).ok_or_else(|| wrong(format!("{number:?} is not a port")))?;
    let protocol = Protocol::of(protocol).ok_or_else(|| wrong(format!("there is no protocol {protocol:?}")))?;
    Ok((number, protocol))
}

fn change(context: &Context, verb: &str, container: &str, typed: &[&String]) -> Result<i32> {
    let parse = |text: &&String| words::parse(text).map_err(|error| blame("publish", text, error));
    let wishes: Vec<PortWish> = typed.iter().map(parse).collect::<Result<Vec<_>>>()?.concat();
    let wishes = words::together(wishes).map_err(|error| error.context("cannot keep --publish"))?;
    let seen = find::container(&context.paths, container)?;
    match verb {
        "add" => {
            // One that rests finds out only when it starts.
            let together = words::together(seen.record.wishes.ports.iter().chain(&wishes).cloned());
            together.map_err(|error| error.context(format!("cannot publish ports of container {}", seen.record.name)))?;
            republish::publish(&context.paths, &seen, &wishes)?;
            tell_hindrances(&seen.files(&context.paths));
        }
        _ => republish::withdraw(&context.paths, &seen, &wishes)?,
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_and_perhaps_a_protocol() {
        assert_eq!(parse("80").unwrap(), (80, Protocol::Tcp));
        assert_eq!(parse("53/UDP").unwrap(), (53, Protocol::Udp));
        for wrong in ["", "0", "web", "80/", "80/http", "65536", "-1", "80/tcp/udp"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
