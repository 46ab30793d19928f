//! A container that starts claims its addresses in its networks, before anything of it is there.

use crate::engine::{find, join, networks, repair};
use crate::error::Result;
use crate::network::{self, Network, Range, cable, claims, naming};
use crate::options::Network as Wish;
use crate::options::networks::{Attachment, Mac};
use crate::paths::Paths;
use crate::record::Container;
use crate::record::network::{Endpoint, Joined};
use crate::sys::process;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// To pull a cable out takes the kernel 16 ms.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a container has claimed in its networks.
pub struct Claimed {
    pub networks: Vec<Network>,
    pub joined: Joined,
}

/// `None`: it is in no network of ours.
pub fn claim(paths: &Paths, record: &Container) -> Result<Option<Claimed>> {
    let Wish::Networks(attachments) = &record.wishes.network else { return Ok(None) };
    let mut claimed = Claimed { networks: Vec::new(), joined: Joined::default() };
    for attachment in attachments {
        let one = networks::find(paths, &attachment.network)
            .and_then(|network| Ok((claim_one(paths, &network, attachment, record, &claimed.joined)?, network)));
        match one {
            Ok((endpoint, network)) => {
                claimed.joined.endpoints.push(endpoint);
                claimed.networks.push(network);
            }
            Err(error) => {
                join::give_back(paths, &record.id, &claimed.joined);
                return Err(error);
            }
        }
    }
    Ok(Some(claimed))
}

/// `before`: where it is already.
pub fn claim_one(paths: &Paths, network: &Network, attachment: &Attachment, record: &Container, before: &Joined) -> Result<Endpoint> {
    let claim = |range: &Range, wished| claim_address(paths, network, range, wished, &record.id);
    let ip = network.v4.as_ref().map(|range| claim(range, attachment.ip.map(IpAddr::from))).transpose()?;
    let ip6 = network.v6.as_ref().map(|range| claim(range, attachment.ip6.map(IpAddr::from))).transpose();
    let ip6 = ip6.inspect_err(|_| ip.iter().for_each(|address| claims::release(paths, &network.name, *address)))?;
    Ok(endpoint(network, attachment, record, before, (ip, ip6)))
}

/// Where it would be, with addresses that are free at this moment; nobody claims them.
pub fn foresee(paths: &Paths, record: &Container) -> Result<Option<Claimed>> {
    let Wish::Networks(attachments) = &record.wishes.network else { return Ok(None) };
    let mut claimed = Claimed { networks: Vec::new(), joined: Joined::default() };
    for attachment in attachments {
        let network = networks::find_or(paths, &attachment.network, network::foreseen)?;
        let free = |range: &Range, wished: Option<IpAddr>| wished.or_else(|| claims::foresee(paths, &network, range));
        let ip = network.v4.as_ref().and_then(|range| free(range, attachment.ip.map(IpAddr::from)));
        let ip6 = network.v6.as_ref().and_then(|range| free(range, attachment.ip6.map(IpAddr::from)));
        claimed.joined.endpoints.push(endpoint(&network, attachment, record, &claimed.joined, (ip, ip6)));
        claimed.networks.push(network);
    }
    Ok(Some(claimed))
}

fn endpoint(
    network: &Network,
    attachment: &Attachment,
    record: &Container,
    before: &Joined,
    (ip, ip6): (Option<IpAddr>, Option<IpAddr>),
) -> Endpoint {
    let first = ip.or(ip6);
    let length = |range: &Option<Range>| range.as_ref().map_or(0, |range| range.subnet.length());
    let ip = ip.and_then(|address| match address {
        IpAddr::V4(address) => Some((address, length(&network.v4), network.gateway4().filter(|_| !network.internal))),
        IpAddr::V6(_) => None,
    });
    let ip6 = ip6.and_then(|address| match address {
        IpAddr::V6(address) => Some((address, length(&network.v6), network.gateway6().filter(|_| !network.internal))),
        IpAddr::V4(_) => None,
    });
    let number = (0..).find(|number| before.endpoints.iter().all(|other| other.interface != format!("eth{number}"))).unwrap_or(0);
    Endpoint {
        network: network.name.clone(),
        network_id: network.id.clone(),
        interface: format!("eth{number}"),
        host_interface: naming::cable(&record.id, number),
        mac: attachment.mac.unwrap_or_else(|| Mac(cable::mac_for(first))),
        ip,
        ip6,
        names: if network.has_names() { names(record, &attachment.aliases) } else { Vec::new() },
        aliases: attachment.aliases.clone(),
    }
}

/// One that is wished may still be that of a container which has just ended: people start the next one at once.
fn claim_address(paths: &Paths, network: &Network, range: &Range, wished: Option<IpAddr>, id: &str) -> Result<IpAddr> {
    let (begun, mut is_swept) = (Instant::now(), false);
    loop {
        let claimed = claims::claim(paths, network, range, wished, id);
        let holder = wished.filter(|_| claimed.is_err()).and_then(|address| claims::holder(paths, &network.name, address));
        let is_going = |id: &String| !matches!(find::by_id(paths, id), Ok(Some(seen)) if seen.is_running());
        match holder {
            Some(holder) if !is_swept => {
                repair::doubt(paths, &holder);
                is_swept = true;
            }
            Some(holder) if begun.elapsed() < PATIENCE && is_going(&holder) => process::sleep(Duration::from_millis(1)),
            None if claimed.is_err() && wished.is_none() && !is_swept => {
                repair::sweep(paths);
                is_swept = true;
            }
            _ => return claimed,
        }
    }
}

fn names(record: &Container, aliases: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in [record.name.as_str(), &record.id[..12]].into_iter().chain(aliases.iter().map(String::as_str)) {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl Claimed {
    pub fn has_names(&self) -> bool {
        self.networks.iter().any(Network::has_names)
    }
}
