//! The three files of /etc that belong to a container and not to its image: hosts, hostname, resolv.conf.
//!
//! Made anew at every start: the host's name servers may have changed. The container's first process writes them down
//! (`runtime/root/small_files.rs`). Whoever shares the network of another container shares its files instead.

use crate::engine::claim::Claimed;
use crate::engine::name_servers;
use crate::network::switchboard;
use crate::options::Network;
use crate::options::name_service::HOST_GATEWAY;
use crate::record::Container;
use crate::record::network::Endpoint;
use crate::sys::network;
use std::net::IpAddr;

const LOCAL_HOSTS: &str =
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

/// Name and content of each. `claimed`: where it is in its networks.
pub fn contents(container: &Container, claimed: Option<&Claimed>) -> Vec<(&'static str, String)> {
    let wishes = &container.wishes;
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let shares_network = wishes.network == Network::Host;
    let known = if shares_network { read("/etc/hosts").unwrap_or_else(|| LOCAL_HOSTS.to_owned()) } else { LOCAL_HOSTS.to_owned() };
    vec![
        ("hosts", hosts(known, container, claimed)),
        ("hostname", format!("{}\n", container.hostname)),
        ("resolv.conf", name_servers::resolv_conf(wishes, claimed)),
    ]
}

/// A program that looks up its own host name must find it (`hostname -i`, many servers at their start): under its own addresses, or
/// where it has none under 127.0.1.1, which is on the loopback interface too, and unlike 127.0.0.1 leads back to this name and not to
/// localhost.
fn hosts(mut text: String, container: &Container, claimed: Option<&Claimed>) -> String {
    let more = &container.wishes.names.hosts;
    let name = &container.hostname;
    let wished = more.iter().any(|(wished, _)| wished == name);
    if !wished && !has_host(&text, name) {
        end_line(&mut text);
        let domain = container.wishes.domainname.as_ref().map(|domain| format!("{name}.{domain} ")).unwrap_or_default();
        // `web.example` is also `web`.
        let short = name.split_once('.').map(|(short, _)| format!(" {short}")).unwrap_or_default();
        let own: Vec<String> = match claimed {
            Some(claimed) => claimed.joined.endpoints.iter().flat_map(Endpoint::addresses).map(|address| address.to_string()).collect(),
            None => vec!["127.0.1.1".to_owned()],
        };
        text.extend(own.iter().map(|address| format!("{address}\t{domain}{name}{short}\n")));
    }
    for (name, address) in more {
        end_line(&mut text);
        match address.as_str() {
            HOST_GATEWAY => gateways(claimed).iter().for_each(|gateway| text.push_str(&format!("{gateway}\t{name}\n"))),
            address => text.push_str(&format!("{address}\t{name}\n")),
        }
    }
    text
}

/// This host, as the container reaches it.
fn gateways(claimed: Option<&Claimed>) -> Vec<IpAddr> {
    if switchboard::is_needed() {
        return own_addresses();
    }
    let endpoints = || claimed.iter().flat_map(|claimed| &claimed.joined.endpoints);
    endpoints().find_map(Endpoint::way_out4).into_iter().chain(endpoints().find_map(Endpoint::way_out6)).collect()
}

/// Those by which others know this host. Nobody is called: they are where everybody may document something.
fn own_addresses() -> Vec<IpAddr> {
    let elsewhere = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])];
    elsewhere.into_iter().filter_map(|address| network::address_towards((address, 9).into())).collect()
}

fn has_host(hosts: &str, name: &str) -> bool {
    let words = |line: &str| line.split('#').next().unwrap_or_default().split_whitespace().skip(1).any(|word| word == name);
    hosts.lines().any(words)
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_only_as_a_whole_word() {
        assert!(has_host("10.0.0.1 db web # box", "web"));
        assert!(!has_host("10.0.0.1 db web # box\n#1.1.1.1 box\nbox", "box"));
        assert!(!has_host("10.0.0.1 website", "web"));
    }
}
