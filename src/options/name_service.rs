//! `--add-host`, `--dns`, `--dns-search` and `--dns-option`: what stands in the container's /etc/hosts and /etc/resolv.conf.
//!
//! Each value becomes part of a line of such a file, so none may hold a blank or a line break: it could write lines of its own.

use super::NameService;
use crate::error::{Error, Result};
use core::net::IpAddr;

/// Stands for the address at which the container reaches this host; known when it starts.
pub const HOST_GATEWAY: &str = "host-gateway";

impl NameService {
    pub fn asks_for_gateway(&self) -> bool {
        self.hosts.iter().any(|(_, address)| address == HOST_GATEWAY)
    }
}

/// `NAME:ADDRESS` or `NAME=ADDRESS`; the address may stand in brackets.
pub fn parse_host(text: &str) -> Result<(String, String)> {
    let parts = text.find([':', '=']).map(|at| (&text[..at], &text[at + 1..]));
    let (name, address) = parts.ok_or_else(|| Error::usage("there is no address").hint("write NAME:ADDRESS"))?;
    if !is_host_name(name) {
        return Err(Error::usage(format!("{name:?} is not a host name")).hint("letters, digits, dots and dashes"));
    }
    if address == HOST_GATEWAY {
        return Ok((name.to_owned(), address.to_owned()));
    }
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    parse_address(bare).map(|address| (name.to_owned(), address))
}

/// For `--dns` too.
pub fn parse_address(text: &str) -> Result<String> {
    let address: IpAddr = text.parse().map_err(|_| Error::usage(format!("{text:?} is not an IP address")))?;
    Ok(address.to_string())
}

/// `.` alone means that no domain is searched, whatever the host's file says.
pub fn parse_domain(text: &str) -> Result<String> {
    match text == "." || is_host_name(text.trim_end_matches('.')) {
        true => Ok(text.to_owned()),
        false => Err(Error::usage("not a domain").hint("letters, digits, dots and dashes; a single dot for none")),
    }
}

/// As in resolv.conf(5): `ndots:2`, `edns0` …
pub fn parse_option(text: &str) -> Result<String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
    match !text.is_empty() && letters {
        true => Ok(text.to_owned()),
        false => Err(Error::usage("not an option of resolv.conf").hint("for example ndots:2")),
    }
}

fn is_host_name(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    !text.is_empty() && text.len() <= 253 && letters && !text.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_a_name_and_an_address() {
        for (text, name, address) in [
            ("db:10.0.0.1", "db", "10.0.0.1"),
            ("db=10.0.0.1", "db", "10.0.0.1"),
            ("db.lan:::1", "db.lan", "::1"),
            ("db=[2001:DB8::0:1]", "db", "2001:db8::1"),
        ] {
            assert_eq!(parse_host(text).unwrap(), (name.to_owned(), address.to_owned()), "{text}");
        }
        assert_eq!(parse_host("h:host-gateway").unwrap(), ("h".to_owned(), HOST_GATEWAY.to_owned()));
    }

    #[test]
    fn nothing_writes_a_line_of_its_own() {
        for text in ["", "db", ":1.2.3.4", "a b:1.2.3.4", "a\n:1.2.3.4", "#x:1.2.3.4", "db:1.2.3", "db:1.2.3.4 evil", "db:fe80::1%eth0"] {
            assert!(parse_host(text).is_err(), "{text:?}");
        }
        for text in ["", "a b", "a\nnameserver 6.6.6.6", "..", "#"] {
            assert!(parse_domain(text).is_err(), "{text:?}");
            assert!(parse_option(text).is_err() || text == "..", "{text:?}");
        }
        assert!(parse_domain(".").is_ok() && parse_domain("lan.").is_ok() && parse_option("ndots:2").is_ok());
        assert!(parse_address("dns.example").is_err());
    }
}
