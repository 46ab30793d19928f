//! `tare port`: which ports of a container are published, and where.

use crate::cli::Context;
use crate::cli::say::say_line;
use crate::engine::find;
use crate::engine::ports::{self, Port};
use crate::error::{Error, Result};
use clap::{Arg, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("container").value_name("CONTAINER").required(true).help("Name, id, or the beginning of an id"))
        .arg(Arg::new("port").value_name("PORT[/PROTOCOL]").help("Only this one of its ports"))
        .after_help("Ports cannot be published yet, so there are none to show.\n\nExample: tare port web 80/tcp")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let name = text("container").unwrap_or("");
    let wanted = text("port").map(parse).transpose()?;
    let all = ports::published(&find::container(&context.paths, name)?);
    let Some(wanted) = wanted else {
        all.iter().for_each(|one| say_line!("{}/{} -> {}", one.port.number, one.port.protocol, one.host));
        return Ok(0);
    };
    let mut fitting = all.iter().filter(|one| one.port == wanted).peekable();
    if fitting.peek().is_none() {
        return Err(Error::no_such(format!("no public port '{}/{}' published for {name}", wanted.number, wanted.protocol)));
    }
    fitting.for_each(|one| say_line!("{}", one.host));
    Ok(0)
}

/// `80` is 80/tcp.
fn parse(text: &str) -> Result<Port> {
    let wrong = |why: String| Error::usage(format!("invalid port {text:?}")).because(why).hint("write it like 80 or 53/udp");
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number = number.parse().ok().filter(|number| *number != 0).ok_or_else(|| wrong(format!("{number:?} is not a port")))?;
    match protocol.to_ascii_lowercase().as_str() {
        protocol @ ("tcp" | "udp" | "sctp") => Ok(Port { number, protocol: protocol.to_owned() }),
        _ => Err(wrong(format!("there is no protocol {protocol:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_and_perhaps_a_protocol() {
        assert_eq!(parse("80").unwrap(), Port { number: 80, protocol: "tcp".to_owned() });
        assert_eq!(parse("53/UDP").unwrap(), Port { number: 53, protocol: "udp".to_owned() });
        for wrong in ["", "0", "web", "80/", "80/http", "65536", "-1", "80/tcp/udp"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
