//! What is wished of a container's place in a network: `--network`, `--ip`, `--ip6`, `--mac-address`, `--network-alias`, `--net-rate`.

mod check;
pub mod driver;
mod rate;

pub use check::check;
pub use rate::parse as parse_rate;

use crate::error::{Error, Result};
use crate::names;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One network that the container is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// Its name; `bridge` is the one that everybody has.
    pub network: String,
    /// `None`: any that is free.
    pub ip: Option<Ipv4Addr>,
    pub ip6: Option<Ipv6Addr>,
    /// `None`: one that follows from the address.
    pub mac: Option<Mac>,
    /// Names by which others in this network find it, beside its own.
    pub aliases: Vec<String>,
}

/// The address of a network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> String {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = String;
    fn try_from(text: String) -> Result<Mac, String> {
        let bytes: Vec<u8> =
            text.split([':', '-']).filter(|part| part.len() == 2).filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
        let separators = text.bytes().filter(|byte| matches!(byte, b':' | b'-')).count();
        match <[u8; 6]>::try_from(bytes) {
            Ok(bytes) if separators == 5 => Ok(Mac(bytes)),
            _ => Err(format!("{text:?} is no MAC address")),
        }
    }
}

/// How fast it may receive and send, in bytes per second; `None`: as fast as it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetRate {
    pub inward: Option<u64>,
    pub outward: Option<u64>,
}

/// The network that every container is in whose command names none.
pub const DEFAULT: &str = "bridge";

/// What follows `--network` where it is a network: `backend`, `backend,frontend`, or Docker's long form, in which all belongs to
/// one: `name=backend,alias=db,ip=10.208.0.5`.
pub fn parse(text: &str) -> Result<Vec<Attachment>> {
    match text.contains('=') {
        true => from_fields(text).map(|one| vec![one]),
        false => text.split(',').map(|name| check_name(name).map(|()| to(name))).collect(),
    }
}

/// Docker's users also know the one that everybody has as `default`.
pub fn to(name: &str) -> Attachment {
    let network = if name == "default" { DEFAULT } else { name };
    Attachment { network: network.to_owned(), ..Attachment::default() }
}

fn from_fields(text: &str) -> Result<Attachment> {
    const KEYS: &[&str] = &["name", "alias", "ip", "ip6", "mac-address"];
    let mut wish = Attachment::default();
    for field in text.split(',') {
        let (key, value) = field.split_once('=').ok_or_else(|| Error::usage(format!("{field:?} has no =")).hint("write KEY=VALUE,…"))?;
        match key {
            "name" => wish.network = check_name(value).map(|()| to(value).network)?,
            "alias" => wish.aliases.push(parse_alias(value)?),
            "ip" => wish.ip = Some(parse_ip(value)?),
            "ip6" => wish.ip6 = Some(parse_ip6(value)?),
            "mac-address" => wish.mac = Some(parse_mac(value)?),
            "link-local-ip" | "driver-opt" | "gw-priority" => {
                return Err(Error::cannot_keep(format!("{key} is not built yet")).hint("leave it out"));
            }
            _ => return Err(Error::usage(format!("unknown key {key:?}")).hint(names::one_of(key, KEYS))),
        }
    }
    match wish.network.is_empty() {
        true => Err(Error::usage("no network is named").hint("add name=NETWORK")),
        false => Ok(wish),
    }
}

/// A name is also the name of a directory. One letter is enough.
pub fn check_name(name: &str) -> Result<()> {
    let is_letter = name.len() == 1 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_letter || names::is_name(name) {
        true => Ok(()),
        false if name.is_empty() => Err(Error::usage("the name of the network is empty")),
        false => Err(Error::usage(format!("{name:?} is no name for a network"))
            .hint("letters, digits, underscores, dots and dashes, beginning with a letter or digit")),
    }
}

/// Others type it as the name of a host.
pub fn parse_alias(text: &str) -> Result<String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    match !text.is_empty() && text.len() <= 253 && letters && !text.starts_with(['-', '.']) {
        true => Ok(text.to_owned()),
        false => Err(Error::usage(format!("{text:?} is no host name")).hint("letters, digits, dots, dashes and underscores")),
    }
}

pub fn parse_ip(text: &str) -> Result<Ipv4Addr> {
    let hint = if text.contains(':') { "an IPv6 address is given with --ip6" } else { "write it like 10.208.0.5" };
    text.parse().map_err(|_| Error::usage(format!("{text:?} is no IPv4 address")).hint(hint))
}

pub fn parse_ip6(text: &str) -> Result<Ipv6Addr> {
    text.parse().map_err(|_| Error::usage(format!("{text:?} is no IPv6 address")).hint("write it like fd00::5"))
}

/// A card's own address: one that calls many cards is nobody's.
pub fn parse_mac(text: &str) -> Result<Mac> {
    let mac = Mac::try_from(text.to_owned()).map_err(|why| Error::usage(why).hint("six pairs of digits, like 02:42:0a:cf:00:05"))?;
    match mac.0 {
        [0, 0, 0, 0, 0, 0] => Err(Error::usage("nobody has this address")),
        [first, ..] if first & 1 == 1 => Err(Error::usage(format!("{text} calls many cards at once")).hint("the first number is even")),
        _ => Ok(mac),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_s_address_is_six_pairs_of_digits() {
        assert_eq!(Mac::try_from("02:42:0a:00:00:FF".to_owned()).unwrap().to_string(), "02:42:0a:00:00:ff");
        for wrong in ["", "02:42", "02:42:0a:00:00:zz", "2:42:0a:00:00:ff", "02:42:0a:00:00:ff:", "02420a0000ff", "02:42:0a:00:00:ff:00"] {
            assert!(Mac::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_is_a_name_or_many_words() {
        let names = |text: &str| parse(text).unwrap().into_iter().map(|one| one.network).collect::<Vec<_>>();
        assert_eq!(names("backend"), ["backend"]);
        assert_eq!(names("a,b.c"), ["a", "b.c"]);
        assert_eq!(names("default"), ["bridge"]);
        let long = parse("name=backend,alias=db,alias=sql,ip=10.0.0.5,ip6=fd00::5,mac-address=02:42:0a:00:00:05").unwrap();
        let expected = Attachment {
            network: "backend".into(),
            ip: Some(Ipv4Addr::new(10, 0, 0, 5)),
            ip6: Some("fd00::5".parse().unwrap()),
            mac: Some(Mac([2, 0x42, 10, 0, 0, 5])),
            aliases: vec!["db".into(), "sql".into()],
        };
        assert_eq!(long, [expected]);
        for wrong in [
            "",
            "a,",
            ",a",
            "a b",
            "../x",
            ".x",
            "-x",
            "alias=db",
            "name=",
            "name=a,alias",
            "name=a,alias=-x",
            "name=a,ip=fd00::1",
            "name=a,ip6=1.2.3.4",
            "name=a,mac-address=1",
            "name=a,colour=red",
            "name=a,driver-opt=x=y",
            "x:ip=1.2.3.4",
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_of_many_cards_is_no_card_s() {
        for wrong in ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02:42"] {
            assert!(parse_mac(wrong).is_err(), "{wrong}");
        }
    }
}
