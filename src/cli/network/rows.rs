//! Networks as rows of `tare network ls`, and in the shape of Docker's `network inspect`.

use crate::cli::template::{self, Row};
use crate::engine::networks;
use crate::error::Result;
use crate::network::{Network, Range};
use crate::paths::Paths;
use crate::record::Seen;
use crate::record::network::Endpoint;
use crate::time;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Also the two that are none of ours, because everybody looks for them here: no addresses, and no record.
pub fn all(paths: &Paths) -> Result<Vec<Network>> {
    let mut all = networks::all(paths)?;
    all.extend(["host", "none"].map(nobodys));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// Their ids are the same everywhere.
fn nobodys(name: &str) -> Network {
    Network { name: name.to_owned(), id: hex(&[name]), ..Network::default() }
}

fn hex(words: &[&str]) -> String {
    format!("{:x}", Sha256::digest(words.join(" ")))
}

pub fn driver(network: &Network) -> &'static str {
    match network.name.as_str() {
        "host" => "host",
        "none" => "null",
        _ => "bridge",
    }
}

pub fn id(network: &Network, whole: bool) -> &str {
    if whole { &network.id } else { network.id.get(..12).unwrap_or(&network.id) }
}

pub fn text(found: &[Network], format: &str, whole: bool) -> Result<String> {
    let headings = json!({
        "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE", "IPv4": "IPV4", "IPv6": "IPV6", "Internal": "INTERNAL",
        "Labels": "LABELS", "CreatedAt": "CREATED AT",
    });
    let row = |network: &Network| {
        let labels: Vec<String> = network.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let fields = json!({
            "ID": id(network, whole), "Name": network.name, "Driver": driver(network), "Scope": "local",
            "IPv4": network.v4.is_some().to_string(), "IPv6": network.v6.is_some().to_string(), "Internal": network.internal.to_string(),
            "Labels": labels.join(","), "CreatedAt": time::created_at(network.created),
        });
        Row { fields, labels: network.labels.clone() }
    };
    let usual = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";
    template::render_rows(format, usual, &headings, &found.iter().map(row).collect::<Vec<_>>())
}

/// One that was named, with who is in it.
pub fn described(paths: &Paths, name: &str) -> Result<Value> {
    if let Some(name) = ["host", "none"].into_iter().find(|known| *known == name) {
        return Ok(describe(&nobodys(name), &[]));
    }
    let network = networks::find(paths, name)?;
    Ok(describe(&network, &networks::members(paths, &network)?))
}

/// In Docker's shape.
pub fn describe(network: &Network, members: &[(Seen, Endpoint)]) -> Value {
    let object = |pairs: &[(String, String)]| pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>();
    let mut options = object(&network.options);
    if !network.bridge.is_empty() {
        options.insert("com.docker.network.bridge.name".to_owned(), json!(network.bridge));
    }
    let containers: Map<String, Value> = members.iter().map(|(seen, endpoint)| (seen.record.id.clone(), member(seen, endpoint))).collect();
    json!({
        "Name": network.name, "Id": network.id, "Created": time::rfc3339(network.created), "Scope": "local", "Driver": driver(network),
        "EnableIPv4": network.v4.is_some(), "EnableIPv6": network.v6.is_some(),
        "IPAM": { "Driver": "default", "Options": null, "Config": network.ranges().map(range).collect::<Vec<_>>() },
        "Internal": network.internal, "Attachable": false, "Ingress": false, "ConfigFrom": { "Network": "" }, "ConfigOnly": false,
        "Containers": containers, "Options": options, "Labels": object(&network.labels),
    })
}

fn range(range: &Range) -> Value {
    let mut told = json!({ "Subnet": range.subnet.to_string(), "Gateway": range.gateway.to_string() });
    if let Some(part) = range.part {
        told["IPRange"] = part.to_string().into();
    }
    told
}

fn member(seen: &Seen, endpoint: &Endpoint) -> Value {
    let v4 = endpoint.ip.map_or(String::new(), |(address, length, _)| format!("{address}/{length}"));
    let v6 = endpoint.ip6.map_or(String::new(), |(address, length, _)| format!("{address}/{length}"));
    json!({
        "Name": seen.record.name, "EndpointID": endpoint_id(&seen.record.id, &endpoint.network_id), "MacAddress": endpoint.mac.to_string(),
        "IPv4Address": v4, "IPv6Address": v6,
    })
}

/// Who asks for one gets one, and always the same.
pub fn endpoint_id(container: &str, network: &str) -> String {
    hex(&[container, network])
}
