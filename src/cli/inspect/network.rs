//! The networks and ports of a container, in the shape of `docker inspect`.

use crate::cli::network::endpoint_id;
use crate::cli::ps::rows;
use crate::options::networks::Attachment;
use crate::options::ports::PortWish;
use crate::options::{Network, Wishes, exposed};
use crate::record::Seen;
use crate::record::network::{Endpoint, Joined};
use serde_json::{Map, Value, json};

/// Docker knows the first network only.
pub fn mode(wishes: &Wishes) -> String {
    match &wishes.network {
        Network::Networks(all) => all.first().map_or("none".to_owned(), |one| one.network.clone()),
        _ => rows::network_of(wishes),
    }
}

/// `80/tcp`
pub fn inside(port: &PortWish) -> String {
    format!("{}/{}", port.container, port.protocol)
}

/// What was wished.
pub fn bindings(ports: &[PortWish]) -> Map<String, Value> {
    let word = |port: &PortWish| {
        let address = port.address.map_or(String::new(), |address| address.to_string());
        json!({ "HostIp": address, "HostPort": port.host.map_or(String::new(), |host| host.to_string()) })
    };
    gathered(ports.iter().map(|port| (inside(port), word(port))))
}

fn gathered(all: impl Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut map = Map::new();
    for (key, value) in all {
        if let Value::Array(values) = map.entry(key).or_insert_with(|| json!([])) {
            values.push(value);
        }
    }
    map
}

/// What has become of it; `joined` is empty of one that does not run.
pub fn settings(seen: &Seen, joined: &Joined) -> Value {
    let wishes = &seen.record.wishes;
    let live = seen.live.as_ref().filter(|live| live.pid != 0);
    // The fields that Docker had before there was more than one network.
    let first = joined.endpoints.first().filter(|endpoint| endpoint.network == crate::options::networks::DEFAULT);
    let mut settings = first.map_or_else(nowhere, place);
    settings["Bridge"] = "".into();
    settings["SandboxKey"] = live.map_or(String::new(), |live| format!("/proc/{}/ns/net", live.pid)).into();
    settings["Ports"] = ports(wishes, joined, live.is_some()).into();
    settings["Networks"] = networks(seen, joined).into();
    settings
}

/// One that is only exposed leads nowhere.
fn ports(wishes: &Wishes, joined: &Joined, is_running: bool) -> Map<String, Value> {
    let mut map = gathered(joined.ports.iter().map(|port| {
        (format!("{}/{}", port.container, port.protocol), json!({ "HostIp": port.address.to_string(), "HostPort": port.host.to_string() }))
    }));
    let has_own = matches!(wishes.network, Network::Networks(_) | Network::None);
    for port in wishes.exposed.iter().filter(|_| is_running && has_own).filter_map(|text| exposed::ports(text).ok()).flatten() {
        map.entry(inside(&port)).or_insert(Value::Null);
    }
    map
}

fn networks(seen: &Seen, joined: &Joined) -> Map<String, Value> {
    let wishes = &seen.record.wishes;
    match &wishes.network {
        Network::Networks(all) => all.iter().map(|wish| (wish.network.clone(), one(seen, wish, joined))).collect(),
        Network::Container(_) => Map::new(),
        Network::None | Network::Host => [(rows::network_of(wishes), nowhere())].into_iter().collect(),
    }
}

fn one(seen: &Seen, wish: &Attachment, joined: &Joined) -> Value {
    let endpoint = joined.endpoints.iter().find(|endpoint| endpoint.network == wish.network);
    let mut told = endpoint.map_or_else(nowhere, place);
    let or_null = |words: &[String]| if words.is_empty() { Value::Null } else { json!(words) };
    let mut wished = Map::new();
    wished.extend(wish.ip.map(|address| ("IPv4Address".to_owned(), json!(address))));
    wished.extend(wish.ip6.map(|address| ("IPv6Address".to_owned(), json!(address))));
    told["IPAMConfig"] = if wished.is_empty() { Value::Null } else { wished.into() };
    told["Links"] = Value::Null;
    told["DriverOpts"] = Value::Null;
    told["Aliases"] = or_null(&wish.aliases);
    told["NetworkID"] = endpoint.map_or("", |endpoint| endpoint.network_id.as_str()).into();
    told["EndpointID"] = endpoint.map_or(String::new(), |endpoint| endpoint_id(&seen.record.id, &endpoint.network_id)).into();
    told["DNSNames"] = or_null(endpoint.map_or(&[], |endpoint| &endpoint.names));
    told
}

fn nowhere() -> Value {
    json!({
        "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "",
    })
}

fn place(endpoint: &Endpoint) -> Value {
    let mut told = nowhere();
    let text = |address: Option<String>| Value::from(address.unwrap_or_default());
    if let Some((address, length, gateway)) = endpoint.ip {
        told["IPAddress"] = text(Some(address.to_string()));
        told["IPPrefixLen"] = length.into();
        told["Gateway"] = text(gateway.map(|gateway| gateway.to_string()));
    }
    if let Some((address, length, gateway)) = endpoint.ip6 {
        told["GlobalIPv6Address"] = text(Some(address.to_string()));
        told["GlobalIPv6PrefixLen"] = length.into();
        told["IPv6Gateway"] = text(gateway.map(|gateway| gateway.to_string()));
    }
    told["MacAddress"] = endpoint.mac.to_string().into();
    told
}
