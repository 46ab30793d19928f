//! Proxies, as the environment names them: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in small letters too, understood as Docker does.

use crate::error::{Error, Result};
use crate::registry::way::address::is_loopback;
use std::net::IpAddr;
use ureq::{Proxy, ProxyProtocol};

#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<String>,
    http: Option<String>,
    without: Vec<Without>,
}

/// To whom no proxy is asked the way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Without {
    All,
    Net(IpAddr, u8),
    /// The name itself, if nothing stands before its dot, and all below it.
    Domain {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
}

impl Proxies {
    pub fn of_environment() -> Proxies {
        let word = |name: &str| std::env::var(name).or_else(|_| std::env::var(name.to_lowercase())).ok().filter(|word| !word.is_empty());
        Proxies {
            https: word("HTTPS_PROXY"),
            http: word("HTTP_PROXY"),
            without: word("NO_PROXY").iter().flat_map(|list| list.split(',')).filter_map(Without::parse).collect(),
        }
    }

    /// Nobody else finds the way to our own machine.
    pub fn on_the_way_to(&self, scheme: &str, host: &str, port: u16) -> Result<Option<Proxy>> {
        let (name, proxy) = if scheme == "https" { ("HTTPS_PROXY", &self.https) } else { ("HTTP_PROXY", &self.http) };
        let Some(proxy) = proxy else { return Ok(None) };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        if is_loopback(&host) || self.without.iter().any(|without| without.holds(&host, port)) {
            return Ok(None);
        }
        let wrong = |why: String| Error::failed(format!("cannot use the proxy that {name} names")).because(why);
        let proxy = Proxy::new(proxy).map_err(|_| wrong("it is no address of a proxy".to_owned()).hint("http://proxy.example.com:3128"))?;
        match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Ok(Some(proxy)),
            other => Err(wrong(format!("{other} is not spoken here, only http and https"))),
        }
    }
}

impl Without {
    fn parse(text: &str) -> Option<Without> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Some(Without::All);
        }
        if let Some((net, bits)) = text.split_once('/') {
            let net: IpAddr = net.parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= if net.is_ipv4() { 32 } else { 128 })?;
            return Some(Without::Net(net, bits));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Without::Net(address, if address.is_ipv4() { 32 } else { 128 }));
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (text.as_str(), None),
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        let below = name.strip_prefix('.');
        let bare = below.unwrap_or(name).trim_matches(['[', ']']);
        (!bare.is_empty()).then(|| Without::Domain { name: bare.to_owned(), itself: below.is_none(), port })
    }

    fn holds(&self, host: &str, to: u16) -> bool {
        match self {
            Without::All => true,
            Without::Net(net, bits) => host.parse().is_ok_and(|address| is_within(address, *net, *bits)),
            Without::Domain { name, itself, port } => {
                let is_below = host.strip_suffix(name.as_str()).is_some_and(|before| before.ends_with('.'));
                port.is_none_or(|port| port == to) && (is_below || (*itself && host == name))
            }
        }
    }
}

fn is_within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let different = number(address) ^ number(net);
    address.is_ipv4() == net.is_ipv4() && different.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes_through(no_proxy: &str, host: &str, port: u16) -> bool {
        let without = no_proxy.split(',').filter_map(Without::parse).collect();
        let proxies = Proxies { https: Some("http://p:3128".to_owned()), http: None, without };
        assert!(proxies.on_the_way_to("http", host, port).unwrap().is_none(), "each scheme has its own");
        proxies.on_the_way_to("https", host, port).unwrap().is_some()
    }

    #[test]
    fn who_is_named_is_reached_without_a_proxy() {
        for (list, host) in [
            ("*", "a.example"),
            ("example.com", "example.com"),
            ("example.com", "reg.Example.com"),
            (" other, .example.com", "reg.example.com"),
            ("*.example.com", "a.b.example.com"),
            ("example.com:443", "example.com"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("fd00::/8", "[fd00::1]"),
            ("", "localhost"),
            ("", "127.3.4.5"),
            ("", "[::1]"),
        ] {
            assert!(!goes_through(list, host, 443), "{list} {host}");
        }
        for (list, host) in [
            ("", "example.com"),
            ("example.com", "notexample.com"),
            (".example.com", "example.com"),
            ("example.com:80", "example.com"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/8", "example.com"),
            ("0.0.0.0/0", "[fd00::1]"),
            ("nonsense/99", "example.com"),
        ] {
            assert!(goes_through(list, host, 443), "{list} {host}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_said_so() {
        for wrong in ["socks5://p:1080", "ftp://p", "http://"] {
            let proxies = Proxies { https: Some(wrong.to_owned()), ..Proxies::default() };
            let error = proxies.on_the_way_to("https", "r.example", 443).unwrap_err();
            assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
        }
    }
}
