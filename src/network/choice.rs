//! Which addresses a new network gets: those that were wished, or some that nobody uses.

use crate::error::{Error, Result};
use crate::network::{Range, Subnet};
use std::net::{IpAddr, Ipv6Addr};

/// What was wished of a network's addresses; empty: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub subnets: Vec<Subnet>,
    pub gateways: Vec<IpAddr>,
    /// Where free addresses are looked for.
    pub parts: Vec<Subnet>,
    pub v6: bool,
}

/// Addresses that are somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub subnet: Subnet,
    /// `network backend`, `the route over wg0`.
    pub by: String,
}

/// Tried in this order: where to look, and how large a network is.
type Pool = [(&'static str, u8)];

/// The one that everybody has is large.
pub const OF_DEFAULT: &Pool = &[("10.207.0.0/16", 16), ("10.192.0.0/12", 16), ("172.16.0.0/12", 16), ("192.168.0.0/16", 20)];
pub const OF_OTHERS: &Pool = &[("10.208.0.0/14", 24), ("172.16.0.0/12", 24), ("192.168.0.0/16", 24)];

/// A route to so much of the world is a way out, and no network: a VPN that takes everything has two of length 1.
const WAY_OUT: u8 = 8;

/// `id`: 64 random hex digits, from which an IPv6 subnet is taken when none was wished.
pub fn choose(wish: &Wish, pool: &Pool, id: &str, taken: &[Taken]) -> Result<(Option<Range>, Option<Range>)> {
    let wished4 = only_one(&wish.subnets, true)?;
    let wished6 = only_one(&wish.subnets, false)?;
    let v4 = match wished4 {
        Some(subnet) => check(subnet, taken)?,
        None => free4(pool, taken)?,
    };
    let v6 = match wished6 {
        Some(subnet) => Some(check(subnet, taken)?),
        None => wish.v6.then(|| free6(id, taken)).transpose()?,
    };
    let all: Vec<Subnet> = [Some(v4), v6].into_iter().flatten().collect();
    let lost = wish
        .gateways
        .iter()
        .map(|gateway| (gateway.to_string(), *gateway))
        .chain(wish.parts.iter().map(|part| (part.to_string(), part.first())));
    for (told, address) in lost {
        if !all.iter().any(|subnet| subnet.contains(address)) {
            let subnets: Vec<String> = all.iter().map(Subnet::to_string).collect();
            return Err(
                Error::usage(format!("{told} lies outside of the network")).because(format!("its subnet is {}", subnets.join(" and ")))
            );
        }
    }
    Ok((Some(range(v4, wish)?), v6.map(|subnet| range(subnet, wish)).transpose()?))
}

fn only_one(subnets: &[Subnet], v4: bool) -> Result<Option<Subnet>> {
    let mut fitting = subnets.iter().filter(|subnet| subnet.is_v4() == v4);
    match (fitting.next(), fitting.next()) {
        (Some(one), Some(other)) => Err(Error::usage(format!("a network has one subnet of each kind, not {one} and {other}"))),
        (one, _) => Ok(one.copied()),
    }
}

/// One that was wished.
fn check(subnet: Subnet, taken: &[Taken]) -> Result<Subnet> {
    let refused = |why: &str| Err(Error::usage(format!("{subnet} is no subnet for a network")).because(why));
    let overlaps = |other: &str| other.parse::<Subnet>().is_ok_and(|other| other.overlaps(&subnet));
    if subnet.length() < WAY_OUT {
        return refused("it is too much of the world");
    }
    if subnet.last() < 3 {
        return refused("there is no room for a gateway and a container");
    }
    if ["127.0.0.0/8", "0.0.0.0/8", "::/127", "fd74:6172:6500::/64"].into_iter().any(overlaps) {
        return refused("the machine needs it for itself");
    }
    if ["224.0.0.0/3", "169.254.0.0/16", "ff00::/8", "fe80::/10"].into_iter().any(overlaps) {
        return refused("such addresses are not given to machines");
    }
    match overlapping(subnet, taken) {
        None => Ok(subnet),
        Some(other) => Err(Error::conflict(format!("subnet {subnet} is not free"))
            .because(format!("{} has {}", other.by, other.subnet))
            .hint("choose another one, or leave --subnet out: then one is chosen that is free")),
    }
}

fn overlapping(subnet: Subnet, taken: &[Taken]) -> Option<&Taken> {
    taken.iter().find(|one| one.subnet.length() >= WAY_OUT && one.subnet.overlaps(&subnet))
}

fn free4(pool: &Pool, taken: &[Taken]) -> Result<Subnet> {
    for (place, length) in pool {
        let Ok(place) = place.parse::<Subnet>() else { continue };
        let step = 1u128 << (32 - length);
        let mut all = (0..1u128 << (length - place.length())).filter_map(|number| Subnet::around(place.nth(number * step)?, *length));
        if let Some(found) = all.find(|subnet| overlapping(*subnet, taken).is_none()) {
            return Ok(found);
        }
    }
    let routes: Vec<String> =
        taken.iter().filter(|one| one.subnet.is_v4()).map(|one| format!("{} ({})", one.subnet, one.by)).take(5).collect();
    Err(Error::conflict("there is no free subnet for the network")
        .because(format!("taken are {}", routes.join(", ")))
        .hint("name one: tare network create --subnet SUBNET NAME, and say so at run: --network NAME"))
}

/// A unique local one (RFC 4193): nobody else has it, because it was chosen by chance.
fn free6(id: &str, taken: &[Taken]) -> Result<Subnet> {
    let digits: Vec<char> = id.chars().collect();
    let candidates = digits.chunks_exact(14).filter_map(|chunk| u128::from_str_radix(&chunk.iter().collect::<String>(), 16).ok());
    let subnets = candidates.filter_map(|number| Subnet::around(Ipv6Addr::from((0xfd << 120) | (number << 64)).into(), 64));
    let mut free = subnets.filter(|subnet| overlapping(*subnet, taken).is_none());
    free.next().ok_or_else(|| Error::conflict("there is no free IPv6 subnet for the network").hint("name one with --subnet"))
}

/// The gateway is the first address, unless another one was wished.
fn range(subnet: Subnet, wish: &Wish) -> Result<Range> {
    let one = |what: &str, found: Vec<String>| match found.len() {
        0 | 1 => Ok(()),
        _ => Err(Error::usage(format!("{subnet} has one {what}, not {}", found.join(" and ")))),
    };
    let gateways: Vec<IpAddr> = wish.gateways.iter().filter(|gateway| subnet.contains(**gateway)).copied().collect();
    let parts: Vec<Subnet> = wish.parts.iter().filter(|part| subnet.contains(part.first())).copied().collect();
    one("gateway", gateways.iter().map(IpAddr::to_string).collect())?;
    one("range", parts.iter().map(Subnet::to_string).collect())?;
    if let Some(part) = parts.first().filter(|part| !subnet.holds(part)) {
        return Err(Error::usage(format!("{part} lies outside of the network")).because(format!("its subnet is {subnet}")));
    }
    let gateway = match gateways.first() {
        Some(gateway) if subnet.is_for_a_host(*gateway) => *gateway,
        Some(gateway) => return Err(Error::usage(format!("{gateway} can be no gateway")).because(format!("no machine in {subnet} has it"))),
        None => subnet.nth(1).ok_or_else(|| Error::usage(format!("{subnet} has no room for a gateway")))?,
    };
    Ok(Range { subnet, gateway, part: parts.first().copied() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    fn taken(all: &[&str]) -> Vec<Taken> {
        all.iter().map(|text| Taken { subnet: subnet(text), by: "the route over wg0".into() }).collect()
    }

    fn chosen(pool: &Pool, all: &[&str]) -> String {
        choose(&Wish::default(), pool, ID, &taken(all)).unwrap().0.unwrap().subnet.to_string()
    }

    fn wished(subnets: &[&str], gateways: &[&str], parts: &[&str]) -> Result<(Option<Range>, Option<Range>)> {
        let wish = Wish {
            subnets: subnets.iter().map(|text| subnet(text)).collect(),
            gateways: gateways.iter().map(|text| text.parse().unwrap()).collect(),
            parts: parts.iter().map(|text| subnet(text)).collect(),
            v6: false,
        };
        choose(&wish, OF_OTHERS, ID, &taken(&["10.20.0.0/16", "fd00:1::/32"]))
    }

    #[test]
    fn a_free_subnet_is_found_beside_those_that_are_taken() {
        assert_eq!(chosen(OF_DEFAULT, &[]), "10.207.0.0/16");
        assert_eq!(chosen(OF_DEFAULT, &["10.207.9.0/24"]), "10.192.0.0/16");
        assert_eq!(chosen(OF_DEFAULT, &["10.0.0.0/8"]), "172.16.0.0/16");
        assert_eq!(chosen(OF_DEFAULT, &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/20"]), "192.168.16.0/20");
        assert_eq!(chosen(OF_OTHERS, &[]), "10.208.0.0/24");
        assert_eq!(chosen(OF_OTHERS, &["10.208.0.0/24", "10.208.1.0/25", "10.208.2.128/32"]), "10.208.3.0/24");
        assert_eq!(chosen(OF_OTHERS, &["10.0.0.0/8"]), "172.16.0.0/24");
        // A VPN that takes everything, and the default route.
        assert_eq!(chosen(OF_DEFAULT, &["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"]), "10.207.0.0/16");
        let full = choose(&Wish::default(), OF_OTHERS, ID, &taken(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])).unwrap_err();
        assert!(full.to_string().contains("wg0") && full.hint_text().is_some(), "{full}");
    }

    #[test]
    fn an_ipv6_subnet_is_chosen_by_chance() {
        let v6 = |all: &[&str]| choose(&Wish { v6: true, ..Wish::default() }, OF_OTHERS, ID, &taken(all)).unwrap().1.unwrap();
        assert_eq!(v6(&[]).subnet.to_string(), "fd01:2345:6789:abcd::/64");
        assert_eq!(v6(&[]).gateway.to_string(), "fd01:2345:6789:abcd::1");
        assert_eq!(v6(&["fd01::/16"]).subnet.to_string(), "fdef:123:4567:89ab::/64");
    }

    #[test]
    fn what_is_wished_is_kept() {
        let (v4, v6) = wished(&["10.30.0.0/24", "fd00:2::/64"], &["10.30.0.9", "fd00:2::9"], &["10.30.0.128/25"]).unwrap();
        let (v4, v6) = (v4.unwrap(), v6.unwrap());
        assert_eq!((v4.subnet.to_string().as_str(), v4.gateway.to_string().as_str()), ("10.30.0.0/24", "10.30.0.9"));
        assert_eq!((v4.part, v6.part), (Some(subnet("10.30.0.128/25")), None));
        assert_eq!(v6.gateway.to_string(), "fd00:2::9");
        assert_eq!(wished(&["fd00:2::/64"], &[], &[]).unwrap().0.unwrap().subnet.to_string(), "10.208.0.0/24");
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        for (subnets, gateways, parts, word) in [
            (&["10.20.5.0/24"][..], &[][..], &[][..], "the route over wg0 has 10.20.0.0/16"),
            (&["10.0.0.0/8"], &[], &[], "wg0"),
            (&["10.30.0.0/24", "10.31.0.0/24"], &[], &[], "one subnet of each kind"),
            (&["10.30.0.0/31"], &[], &[], "room"),
            (&["127.1.0.0/16"], &[], &[], "itself"),
            (&["224.0.0.0/8"], &[], &[], "not given"),
            (&["fe80::/64"], &[], &[], "not given"),
            (&["0.0.0.0/0"], &[], &[], "too much"),
            (&["10.30.0.0/24"], &["10.31.0.1"], &[], "outside"),
            (&["10.30.0.0/24"], &["10.30.0.0"], &[], "no gateway"),
            (&["10.30.0.0/24"], &["10.30.0.1", "10.30.0.2"], &[], "one gateway"),
            (&["10.30.0.0/24"], &["fd00::1"], &[], "outside"),
            (&["10.30.0.0/24"], &[], &["10.30.0.0/23"], "outside"),
            (&["10.30.0.0/24"], &[], &["10.99.0.0/25"], "outside"),
        ] {
            let error = wished(subnets, gateways, parts).unwrap_err().to_string();
            assert!(error.contains(word), "{subnets:?}: {error}");
        }
    }
}
