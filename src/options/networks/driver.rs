//! `network create --driver` and `--opt`: there is one kind of network, and little about it that can be chosen.

use crate::error::{Error, Result};
use crate::names;
use crate::options::mounts::parse_bool;

const MTU: &str = "com.docker.network.driver.mtu";

/// Docker's options of which we do what they say without being told.
const ALWAYS: &[&str] = &["com.docker.network.bridge.enable_icc", "com.docker.network.bridge.enable_ip_masquerade"];

pub fn check_driver(driver: &str) -> Result<()> {
    match driver {
        "bridge" => Ok(()),
        "host" | "none" | "null" => {
            Err(Error::usage(format!("there is one network {driver}, and nobody makes another"))
                .hint("use it at run: --network host or none"))
        }
        "macvlan" | "ipvlan" | "overlay" => Err(Error::cannot_keep(format!("driver {driver} is not built yet")).hint("use bridge")),
        _ => Err(Error::usage(format!("unknown driver {driver:?}")).hint("there is only bridge")),
    }
}

/// `key=value`, under Docker's long name.
pub fn parse_option(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').ok_or_else(|| Error::usage("there is no =").hint("write KEY=VALUE, like mtu=1400"))?;
    let key = if key == "mtu" { MTU } else { key };
    match key {
        MTU => mtu(value).map(drop)?,
        _ if ALWAYS.contains(&key) && parse_bool(value)? => {}
        _ if key.starts_with("com.docker.network.") => {
            return Err(Error::cannot_keep(format!("{key}={value} is not built yet")).hint("leave it out"));
        }
        _ => return Err(Error::usage(format!("unknown option {key:?}")).hint(names::one_of(key, &["mtu", MTU]))),
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// The last one counts.
pub fn mtu_of(options: &[(String, String)]) -> Result<Option<u32>> {
    options.iter().rev().find(|(key, _)| key == MTU).map(|(_, value)| mtu(value)).transpose()
}

fn mtu(text: &str) -> Result<u32> {
    // Below it no IPv4 packet need pass; above it no card sends.
    let number = text.parse().ok().filter(|number| (68..=65535).contains(number));
    number.ok_or_else(|| Error::usage(format!("{text:?} is no size of packets")).hint("a number from 68 to 65535"))
}

/// IPv6 does not work with smaller packets.
pub fn check_mtu(mtu: Option<u32>, v6: bool) -> Result<()> {
    match mtu {
        Some(mtu) if v6 && mtu < 1280 => {
            Err(Error::usage(format!("packets of {mtu} bytes are too small for IPv6")).hint("1280 at least, or a network without --ipv6"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_option_has_its_long_name() {
        assert_eq!(parse_option("mtu=1400").unwrap(), (MTU.to_owned(), "1400".to_owned()));
        assert_eq!(mtu_of(&[parse_option("mtu=1400").unwrap(), parse_option(&format!("{MTU}=9000")).unwrap()]).unwrap(), Some(9000));
        assert!(parse_option("com.docker.network.bridge.enable_icc=true").is_ok());
        for (text, kind) in [
            ("mtu", Kind::Usage),
            ("mtu=1", Kind::Usage),
            ("mtu=big", Kind::Usage),
            ("colour=red", Kind::Usage),
            ("com.docker.network.bridge.enable_icc=false", Kind::CannotKeep),
            ("com.docker.network.bridge.name=br9", Kind::CannotKeep),
        ] {
            assert_eq!(parse_option(text).unwrap_err().kind(), kind, "{text}");
        }
        assert!(check_mtu(Some(1000), true).is_err() && check_mtu(Some(1000), false).is_ok() && check_mtu(None, true).is_ok());
    }

    #[test]
    fn there_is_one_driver() {
        assert!(check_driver("bridge").is_ok());
        for driver in ["", "host", "macvlan", "brigde"] {
            assert!(check_driver(driver).is_err(), "{driver}");
        }
    }
}
