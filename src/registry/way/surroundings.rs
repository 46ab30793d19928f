//! Nobody sends us to this machine's own surroundings who is not there himself.
//!
//! Redirects and those who give tokens are named by others. A name may lead anywhere, and a number can be written in ways that no
//! list knows (`http://2852039166/`), so what is judged is the address itself, when it is about to be spoken to.

use std::net::{IpAddr, ToSocketAddrs};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Finds addresses, and passes none that must not be spoken to.
#[derive(Debug)]
pub struct Guard {
    /// The registry, as the user has named it.
    pub registry: String,
    /// It is the registry itself that is looked for: the user may have it where he likes.
    pub is_own: bool,
}

impl Guard {
    fn refuses(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let here = || (self.registry.as_str(), 0).to_socket_addrs().is_ok_and(|mut all| all.any(|one| is_this_machine(one.ip())));
        !self.is_own && (is_this_wire(address) || is_this_machine(address) && !here())
    }
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        match found.iter().any(|address| self.refuses(address.ip())) {
            true => Err(ureq::Error::Other("that is an address of this machine's own surroundings".into())),
            false => Ok(found),
        }
    }
}

fn is_this_machine(address: IpAddr) -> bool {
    address.to_canonical().is_loopback() || address.is_unspecified()
}

/// Clouds answer there with their machines' own secrets.
fn is_this_wire(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_here_sends_us_here() {
        let refuses = |registry: &str, address: &str| {
            Guard { registry: registry.to_owned(), is_own: false }.refuses(address.parse().expect("an address"))
        };
        for address in ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
            assert!(refuses("192.0.2.1", address) && !refuses("127.0.0.1", address), "{address}");
        }
        for address in ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"] {
            assert!(refuses("192.0.2.1", address) && refuses("127.0.0.1", address), "{address}");
            assert!(!Guard { registry: String::new(), is_own: true }.refuses(address.parse().expect("an address")), "{address}");
        }
        assert!(!refuses("192.0.2.1", "10.0.0.1") && !refuses("192.0.2.1", "2001:db8::1"));
    }
}
