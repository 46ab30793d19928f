//! Its networks, what of it others reach, and where names are looked up.

use super::words::{Flag, Flags, blame, list, switch, value};
use crate::error::{Error, Result};
use crate::options::networks::{self, Attachment, DEFAULT};
use crate::options::{NameService, Network, Wishes, name_service, namespaces, ports};

pub const FLAGS: &[Flag] = &[
    list("network", None, "NETWORK|none|host|container:NAME", "Networks it is in (default bridge; TARE_NETWORK says another)").alias("net"),
    list("publish", Some('p'), "[IP:][HOST:]PORT[/udp]", "Let others reach a port at one of this host's"),
    switch("publish-all", Some('P'), "Do so with every port it exposes, at any that is free"),
    value("ip", None, "ADDRESS", "Its IPv4 address in its network"),
    value("ip6", None, "ADDRESS", "Its IPv6 address in its network"),
    value("mac-address", None, "MAC", "The address of its network card"),
    list("network-alias", None, "NAME", "Another name by which its network finds it").alias("net-alias"),
    value("net-rate", None, "IN:OUT", "How fast it receives and sends: 10mbit:5mbit in bits, 1MB:1MB in bytes"),
    list("add-host", None, "NAME:ADDRESS", "Add a line to /etc/hosts; host-gateway is this host's address"),
    list("dns", None, "ADDRESS", "Ask this name server instead of the host's"),
    list("dns-search", None, "DOMAIN", "Look up short names in this domain (. for none)"),
    list("dns-option", None, "OPTION", "Set an option of /etc/resolv.conf").alias("dns-opt"),
];

/// What belongs to its place in one network.
const OF_ONE_NETWORK: [&str; 4] = ["ip", "ip6", "mac-address", "network-alias"];

/// After `sight.rs`: it looks at the host name.
pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.network = match namespaces::join_networks(flags.parse_all("network", namespaces::parse_network)?)? {
        Some(named) => named,
        None => usual(std::env::var("TARE_NETWORK").ok())?,
    };
    place_in_it(flags, &mut wishes.network)?;
    wishes.ports = ports::together(flags.parse_all("publish", ports::parse)?.into_iter().flatten())
        .map_err(|error| error.context("cannot keep --publish"))?;
    wishes.publish_all = flags.on("publish-all")?;
    wishes.net_rate = flags.parse("net-rate", networks::parse_rate)?.unwrap_or_default();
    wishes.names = NameService {
        hosts: flags.parse_all("add-host", name_service::parse_host)?,
        servers: flags.parse_all("dns", name_service::parse_address)?,
        search: flags.parse_all("dns-search", name_service::parse_domain)?,
        options: flags.parse_all("dns-option", name_service::parse_option)?,
    };
    if wishes.network == Network::Host {
        // It is the host, and reaches it at once.
        let gateways = wishes.names.hosts.iter_mut().filter(|(_, address)| address == name_service::HOST_GATEWAY);
        gateways.for_each(|(_, address)| *address = "127.0.0.1".to_owned());
    }
    if let Network::Container(other) = &wishes.network {
        let contradicting =
            ["hostname", "domainname", "add-host", "dns", "dns-search", "dns-option"].into_iter().find(|flag| flags.text(flag).is_some());
        if let Some(flag) = contradicting {
            return Err(Error::usage(format!("--{flag} and --network container:{other} contradict each other"))
                .because("the names of a network belong to whoever made it")
                .hint(format!("give --{flag} to {other}")));
        }
    }
    Ok(())
}

/// The network of a container whose command names none.
fn usual(named: Option<String>) -> Result<Network> {
    let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(Network::Networks(vec![networks::to(DEFAULT)])) };
    let wrong = |error: Error| error.context(format!("TARE_NETWORK is {named:?}"));
    match namespaces::parse_network(&named).map_err(wrong)? {
        Network::Container(_) => {
            Err(wrong(Error::usage("the network of one container cannot be everybody's").hint("none, host, or a network's name")))
        }
        network => Ok(network),
    }
}

/// Whoever did not type `--network` hears who did.
pub fn with_whose_word(flags: &Flags, error: Error) -> Error {
    match std::env::var("TARE_NETWORK") {
        Ok(usual) if !usual.is_empty() && flags.text("network").is_none() => error.because(format!("TARE_NETWORK is {usual:?}")),
        _ => error,
    }
}

/// `--ip` and its like are about the only network there is.
fn place_in_it(flags: &Flags, network: &mut Network) -> Result<()> {
    let Some(given) = OF_ONE_NETWORK.into_iter().find(|flag| flags.text(flag).is_some()) else { return Ok(()) };
    let place = match network {
        Network::Networks(all) if all.len() == 1 => &mut all[0],
        Network::Networks(all) => {
            return Err(Error::usage(format!("--{given} belongs to one network, and there are {}", all.len())).hint(format!(
                "say it there: --network name={},{}=…",
                all[0].network,
                if given == "network-alias" { "alias" } else { given }
            )));
        }
        Network::None | Network::Host | Network::Container(_) => {
            return Err(Error::usage(format!("--{given} belongs to a network, and there is none of its own"))
                .hint("name one: --network NETWORK; tare network create makes one"));
        }
    };
    let once = |flag: &'static str, is_there: bool| match flags.text(flag) {
        Some(value) if is_there => Err(blame(flag, value, Error::usage("--network says another one already"))),
        _ => Ok(()),
    };
    let Attachment { ip, ip6, mac, aliases, .. } = place;
    once("ip", ip.is_some())?;
    once("ip6", ip6.is_some())?;
    once("mac-address", mac.is_some())?;
    *ip = flags.parse("ip", networks::parse_ip)?.or(*ip);
    *ip6 = flags.parse("ip6", networks::parse_ip6)?.or(*ip6);
    *mac = flags.parse("mac-address", networks::parse_mac)?.or(*mac);
    aliases.extend(flags.parse_all("network-alias", networks::parse_alias)?);
    Ok(())
}

#[cfg(test)]
mod tests;
