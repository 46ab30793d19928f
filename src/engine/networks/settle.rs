//! When a container is made: the networks that were named are there, and can give it what was wished of them.

use crate::engine::{networks, outlet};
use crate::error::{Error, Result};
use crate::network::{self, Network, Range, Usual, pasta, switchboard};
use crate::options::networks::{Attachment, DEFAULT};
use crate::options::{Network as Wish, Wishes};
use crate::paths::Paths;
use std::net::IpAddr;

/// The ids that were typed become names.
pub fn settle(paths: &Paths, wishes: &mut Wishes, usual: Usual) -> Result<()> {
    let Wish::Networks(all) = &mut wishes.network else { return Ok(()) };
    for one in all.iter_mut() {
        place(&networks::find_to_join(paths, &one.network, usual)?, one)?;
    }
    let twice = all.iter().enumerate().find(|(at, one)| all[..*at].iter().any(|other| other.network == one.network));
    match twice {
        Some((_, one)) => Err(Error::usage(format!("network {} is named twice", one.network))),
        None if switchboard::is_needed() => without_root(paths, wishes, usual),
        None => Ok(()),
    }
}

/// What an ordinary user's container will need is there, before anything of it is made.
fn without_root(paths: &Paths, wishes: &Wishes, usual: Usual) -> Result<()> {
    let networks = wishes.attachments().iter().map(|one| networks::find_or(paths, &one.network, usual)).collect::<Result<Vec<_>>>()?;
    match networks.iter().any(|network| !network.internal) {
        false if networks.is_empty() || wishes.ports.is_empty() => Ok(()),
        false => Err(outlet::nobody_comes_in()),
        true if wishes.net_rate.inward.is_some() => Err(Error::cannot_keep("cannot limit what an ordinary user's container receives")
            .because("nobody can slow down what pasta sends to it")
            .hint("limit what it sends alone: --net-rate :RATE")),
        true => pasta::program().map(drop),
    }
}

/// What is wished of a place in this network.
pub fn place(network: &Network, wish: &mut Attachment) -> Result<()> {
    wish.network.clone_from(&network.name);
    if !wish.aliases.is_empty() && !network.has_names() {
        return Err(Error::usage(format!("in network {} nobody is found by name", network.name))
            .hint("make a network for those that belong together: tare network create NAME"));
    }
    check(network, network.v4.as_ref(), wish.ip.map(IpAddr::from))?;
    check(network, network.v6.as_ref(), wish.ip6.map(IpAddr::from))
}

fn check(network: &Network, range: Option<&Range>, wished: Option<IpAddr>) -> Result<()> {
    let Some(address) = wished else { return Ok(()) };
    let refused =
        |why: String| Err(Error::usage(format!("{address} is no address for a container in network {}", network.name)).because(why));
    match range {
        None => refused(format!("it has no addresses of this kind ({})", if address.is_ipv6() { "IPv6" } else { "IPv4" })),
        Some(range) if !range.subnet.contains(address) => refused(format!("its subnet is {}", range.subnet)),
        Some(range) if range.gateway == address => refused("it is the gateway's".to_owned()),
        Some(range) if !range.subnet.is_for_a_host(address) => refused(format!("no machine in {} has it", range.subnet)),
        Some(_) => Ok(()),
    }
}

/// The container's record names its networks by now: whoever removes one sees that, or has removed it before.
pub fn still_there(paths: &Paths, wishes: &Wishes) -> Result<()> {
    for one in wishes.attachments().iter().filter(|one| one.network != DEFAULT) {
        if network::hold(paths, &one.network)?.is_none() {
            return Err(Error::no_such(format!("network {} was removed meanwhile", one.network)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::networks;

    fn placed(network: &str, words: &str) -> Result<Attachment> {
        let range = |subnet: &str, gateway: &str| Range { subnet: subnet.parse().unwrap(), gateway: gateway.parse().unwrap(), part: None };
        let network = Network { name: network.into(), v4: Some(range("10.9.0.0/24", "10.9.0.1")), ..Network::default() };
        let mut wish = networks::parse(&format!("name=x,{words}")).unwrap().remove(0);
        place(&network, &mut wish).map(|()| wish)
    }

    #[test]
    fn an_address_lies_in_the_network_and_is_nobody_s() {
        assert_eq!(placed("backend", "ip=10.9.0.7,alias=db").unwrap().network, "backend");
        for (words, reason) in [
            ("ip=10.8.0.7", "its subnet is 10.9.0.0/24"),
            ("ip=10.9.0.1", "gateway"),
            ("ip=10.9.0.0", "no machine"),
            ("ip=10.9.0.255", "no machine"),
            ("ip6=fd00::5", "IPv6"),
        ] {
            let error = placed("backend", words).unwrap_err().to_string();
            assert!(error.contains(reason), "{words}: {error}");
        }
        assert!(placed("bridge", "alias=db").is_err());
    }
}
