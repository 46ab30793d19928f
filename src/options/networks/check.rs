//! What cannot be wished together where networks are concerned.

use crate::error::{Error, Result};
use crate::options::networks::Attachment;
use crate::options::{Network, Wishes};
use std::collections::HashSet;

/// All flags are known by now.
pub fn check(wishes: &Wishes) -> Result<()> {
    match &wishes.network {
        Network::Networks(all) => {
            of_networks(all)?;
            rate(wishes)
        }
        Network::None => without(wishes, "--network none", "the container has no network", "name another network: --network bridge"),
        Network::Host => {
            let hint = "leave it out: the container uses the host's own network, and listens on its ports";
            without(wishes, "--network host", "it has no network of its own", hint)
        }
        Network::Container(other) => {
            let flag = format!("--network container:{other}");
            let hint = format!("give it to {other}");
            if !wishes.exposed.is_empty() {
                return Err(contradict("--expose", &flag, "ports of a network belong to whoever made it", &hint));
            }
            without(wishes, &flag, "the network is another container's", &hint)
        }
    }
}

fn without(wishes: &Wishes, network: &str, why: &str, hint: &str) -> Result<()> {
    let flag = match wishes {
        _ if !wishes.ports.is_empty() => "--publish",
        _ if wishes.publish_all => "--publish-all",
        _ if wishes.net_rate != Default::default() => "--net-rate",
        _ if wishes.names.asks_for_gateway() => "--add-host NAME:host-gateway",
        _ => return Ok(()),
    };
    Err(contradict(flag, network, why, hint))
}

pub fn contradict(flag: &str, network: &str, why: &str, hint: &str) -> Error {
    Error::usage(format!("{flag} and {network} contradict each other")).because(why).hint(hint)
}

fn of_networks(all: &[Attachment]) -> Result<()> {
    let mut names = HashSet::new();
    for one in all {
        if !names.insert(&one.network) {
            return Err(Error::usage(format!("network {} is named twice", one.network)));
        }
        if one.network == super::DEFAULT && !one.aliases.is_empty() {
            return Err(Error::usage(format!("--network-alias and --network {} contradict each other", super::DEFAULT))
                .because("in the network that everybody has nobody is found by name")
                .hint("make a network for those that belong together: tare network create NAME"));
        }
    }
    Ok(())
}

/// What it sends is slowed down in its own network namespace, where whoever may administer networks could undo it.
fn rate(wishes: &Wishes) -> Result<()> {
    if wishes.net_rate.outward.is_none() {
        return Ok(());
    }
    let administers = |one: &&String| ["NET_ADMIN", "ALL"].contains(&one.to_ascii_uppercase().trim_start_matches("CAP_"));
    let may_undo = match wishes.cap_add.iter().find(administers) {
        _ if wishes.privileged => "--privileged".to_owned(),
        Some(capability) => format!("--cap-add {capability}"),
        None => return Ok(()),
    };
    Err(Error::usage(format!("--net-rate for what is sent and {may_undo} contradict each other"))
        .because("the container could undo it")
        .hint("limit only what it receives: --net-rate IN:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::networks::{NetRate, parse};
    use crate::options::ports;

    fn to(text: &str) -> Network {
        Network::Networks(parse(text).unwrap())
    }

    #[test]
    fn a_container_without_a_network_of_its_own_publishes_nothing() {
        let ports = ports::parse("80").unwrap();
        for network in [Network::None, Network::Host, Network::Container("web".into())] {
            for wishes in [
                Wishes { ports: ports.clone(), ..Wishes::default() },
                Wishes { publish_all: true, ..Wishes::default() },
                Wishes { net_rate: NetRate { inward: Some(1), outward: None }, ..Wishes::default() },
            ] {
                let error = check(&Wishes { network: network.clone(), ..wishes.clone() }).unwrap_err();
                assert!(error.to_string().contains("contradict") && error.hint_text().is_some(), "{error}");
                assert!(check(&Wishes { network: to("bridge"), ..wishes }).is_ok());
            }
            assert!(check(&Wishes { network, ..Wishes::default() }).is_ok());
        }
        let exposing = Wishes { exposed: vec!["80/tcp".into()], ..Wishes::default() };
        assert!(check(&Wishes { network: Network::Container("web".into()), ..exposing.clone() }).is_err());
        assert!(check(&Wishes { network: Network::Host, ..exposing }).is_ok());
    }

    #[test]
    fn names_are_for_networks_that_have_some() {
        assert!(check(&Wishes { network: to("name=backend,alias=db"), ..Wishes::default() }).is_ok());
        assert!(check(&Wishes { network: to("name=bridge,alias=db"), ..Wishes::default() }).is_err());
        assert!(check(&Wishes { network: to("a,b,a"), ..Wishes::default() }).is_err());
    }

    #[test]
    fn nobody_sets_a_rate_that_he_could_undo() {
        let rate = |outward| NetRate { inward: Some(1000), outward };
        let wishes = |outward, cap: &str, privileged| Wishes {
            network: to("bridge"),
            net_rate: rate(outward),
            cap_add: vec![cap.into()],
            privileged,
            ..Wishes::default()
        };
        for (outward, cap, privileged) in
            [(Some(1), "net_admin", false), (Some(1), "CAP_NET_ADMIN", false), (Some(1), "ALL", false), (Some(1), "CHOWN", true)]
        {
            assert!(check(&wishes(outward, cap, privileged)).unwrap_err().to_string().contains("undo"));
        }
        assert!(check(&wishes(None, "ALL", true)).is_ok() && check(&wishes(Some(1), "CHOWN", false)).is_ok());
    }
}
