//! `-p [IP:][HOST:]CONTAINER[/PROTOCOL]`: ports of the container that others reach on an address of this host.

use crate::error::{Error, Result};
use crate::names;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    pub const ALL: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

    pub fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
    pub fn of(word: &str) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.word() == word.to_ascii_lowercase())
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One port that shall be published; a range is several of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortWish {
    /// `None`: every address of this host.
    pub address: Option<IpAddr>,
    /// `None`: any that is free.
    pub host: Option<u16>,
    pub container: u16,
    pub protocol: Protocol,
}

impl PortWish {
    /// Whether it stands for a port that is published so; what is not said of either of the two may be anything.
    pub fn means(&self, address: Option<IpAddr>, host: Option<u16>, container: u16, protocol: Protocol) -> bool {
        fn fits<T: PartialEq>(wished: Option<T>, found: Option<T>) -> bool {
            wished.is_none() || found.is_none() || wished == found
        }
        fits(self.address, address) && fits(self.host, host) && (self.container, self.protocol) == (container, protocol)
    }
}

/// `-p`: each port apart. Docker's other way to write it (`published=8080,target=80`) is understood too.
pub fn parse(text: &str) -> Result<Vec<PortWish>> {
    if text.contains('=') {
        return parse(&from_fields(text)?);
    }
    let (ports, protocol) = protocol_behind(text)?;
    let (before, container) = ports.rsplit_once(':').map_or((None, ports), |(before, container)| (Some(before), container));
    if container.is_empty() {
        return Err(Error::usage("no port of the container is named").hint("write [ADDRESS:][HOST-PORT:]CONTAINER-PORT, like 8080:80"));
    }
    let (address, host) = match before {
        None => (None, ""),
        // Within brackets a colon divides nothing.
        Some(before) => match before.rfind([':', ']']) {
            Some(at) if before[at..].starts_with(':') => (address(&before[..at])?, &before[at + 1..]),
            Some(_) => {
                return Err(Error::usage(format!("{text:?} has no port of the host")).hint("an address needs another colon: [::1]::80"));
            }
            None => (None, before),
        },
    };
    let container = range(container)?;
    let count = container.1 - container.0;
    // Port 0 is any that is free, and so is none.
    let hosts = match host {
        "" | "0" => None,
        host => Some(range(host)?).map(|hosts| same_length(hosts, count, host).map(|()| hosts)).transpose()?,
    };
    let port = |number| PortWish { address, host: hosts.map(|(first, _)| first + number), container: container.0 + number, protocol };
    Ok((0..=count).map(port).collect())
}

fn same_length((first, last): (u16, u16), count: u16, host: &str) -> Result<()> {
    match last - first {
        same if same == count => Ok(()),
        _ if count == 0 => Err(Error::cannot_keep(format!("one port cannot be published somewhere within {host}"))
            .hint("name one port of the host, or none: then it is any that is free")),
        _ => Err(Error::usage("the two ranges are not of the same length")),
    }
}

fn protocol_behind(text: &str) -> Result<(&str, Protocol)> {
    let (ports, word) = text.split_once('/').unwrap_or((text, Protocol::Tcp.word()));
    let unknown = || Error::usage(format!("{word:?} is no protocol")).hint("tcp, udp or sctp");
    Protocol::of(word).map(|protocol| (ports, protocol)).ok_or_else(unknown)
}

/// Empty: every address.
fn address(text: &str) -> Result<Option<IpAddr>> {
    if text.is_empty() {
        return Ok(None);
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let wrong = || Error::usage(format!("{text:?} is no IP address"));
    let address: IpAddr = bare.unwrap_or(text).parse().map_err(|_| wrong().hint("write [ADDRESS:][HOST-PORT:]CONTAINER-PORT"))?;
    match address {
        IpAddr::V6(_) if bare.is_none() => Err(wrong().hint(format!("an IPv6 address stands in brackets: [{text}]"))),
        IpAddr::V4(_) if bare.is_some() => Err(wrong().hint("only IPv6 addresses stand in brackets")),
        _ => Ok(Some(address)),
    }
}

/// `80` or `8000-8010`: the first and the last.
pub fn range(text: &str) -> Result<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    match first <= last {
        true => Ok((first, last)),
        false => Err(Error::usage(format!("the range {text} runs backwards"))),
    }
}

fn port(text: &str) -> Result<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u16>().ok().filter(|number| digits && *number != 0);
    number.ok_or_else(|| {
        Error::usage(format!("{text:?} is no port")).hint("a number from 1 to 65535, or two with - between, then /tcp or /udp")
    })
}

/// `published=8080,target=80,protocol=udp` becomes `8080:80/udp`.
fn from_fields(text: &str) -> Result<String> {
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for field in text.split(',') {
        let (key, value) = field.split_once('=').ok_or_else(|| Error::usage(format!("{field:?} has no =")))?;
        match key {
            "published" => published = value,
            "target" => target = value,
            "protocol" => protocol = value,
            _ => return Err(Error::usage(format!("unknown key {key:?}")).hint(names::one_of(key, &["published", "target", "protocol"]))),
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

/// All that are wished. The same twice is one; two ports of the container cannot be in one place.
pub fn together(wishes: impl IntoIterator<Item = PortWish>) -> Result<Vec<PortWish>> {
    let mut all = Vec::new();
    let mut places: HashMap<(u16, Protocol), Vec<PortWish>> = HashMap::new();
    for new in wishes {
        if let Some(host) = new.host {
            let there = places.entry((host, new.protocol)).or_default();
            match there.iter().find(|one| meet(one.address, new.address)) {
                Some(one) if *one == new => continue,
                Some(one) => {
                    let place = format!("port {host}/{} of the host", new.protocol);
                    return Err(Error::usage(format!("{place} cannot be both {} and {}", told(one), told(&new))));
                }
                None => there.push(new.clone()),
            }
        }
        all.push(new);
    }
    Ok(all)
}

fn told(wish: &PortWish) -> String {
    let address = wish.address.map(|address| format!(" on {address}")).unwrap_or_default();
    format!("the container's {}{address}", wish.container)
}

/// Whether a port on the one is also on the other.
fn meet(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || (one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified())),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
