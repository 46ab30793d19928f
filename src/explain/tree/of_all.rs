//! Every container that runs, in a few lines each, beneath the host.

use super::drawing::Branch;
use super::of_one::{cut, port_text, state};
use super::{Host, Picture};
use crate::explain::live::namespaces::Whose;
use crate::explain::live::network::Kind;
use crate::explain::live::processes::{Process, Role};
use crate::options::sizes;
use std::collections::BTreeMap;

const WIDEST: usize = 40;

pub fn branch(host: &Host, pictures: &[Picture], now: u64) -> Branch {
    if pictures.is_empty() {
        return host.branch(vec![Branch::new("no container runs (tare run starts one, tare ps -a lists those that have ended)")]);
    }
    let mut below: Vec<Branch> = pictures.iter().map(|picture| container(picture, now)).collect();
    below.extend(bridges(pictures));
    host.branch(below)
}

fn container(picture: &Picture, now: u64) -> Branch {
    let record = &picture.seen.record;
    let root = Branch::heading(format!("{}   {}   {}", record.name, record.image, state(&picture.seen, now)));
    let root = root.and(Branch::cells(["processes", &processes(picture)]));
    let root = root.and(Branch::cells(["namespaces", &namespaces(picture)]));
    let root = match &picture.group {
        Some((limits, used)) => {
            let limit = limits.memory.map(|limit| format!(" of {}", sizes::memory(limit))).unwrap_or_default();
            root.and(Branch::cells(["memory", &format!("{}{limit}", sizes::memory(used.memory))]))
        }
        None => root,
    };
    root.and(Branch::cells(["network", &network(picture)]))
}

/// `monitor 411 ─ reaper 413 ─ httpd -f -p 80 (414) and 2 more`
fn processes(picture: &Picture) -> String {
    let mut words = Vec::new();
    let mut own: Vec<&Process> = Vec::new();
    for root in &picture.processes {
        walk(root, &mut |process| match process.role {
            Role::Monitor => words.push(format!("monitor {}", process.pid)),
            Role::Reaper => words.push(format!("reaper {}", process.pid)),
            Role::Own | Role::Further => own.push(process),
            Role::Porter | Role::Nurse | Role::Outlet => {}
        });
    }
    if let Some(first) = own.first() {
        let more = if own.len() > 1 { format!(" and {} more", own.len() - 1) } else { String::new() };
        words.push(format!("{} ({}){more}", cut(&first.command, WIDEST), first.pid));
    }
    if words.is_empty() { "none at this moment".to_owned() } else { words.join(" ─ ") }
}

fn walk<'a>(process: &'a Process, each: &mut impl FnMut(&'a Process)) {
    each(process);
    process.children.iter().for_each(|child| walk(child, each));
}

/// Its own are the rule, so only the others are worth their names.
fn namespaces(picture: &Picture) -> String {
    let named = |fits: &dyn Fn(&Whose, &[String]) -> bool| {
        let kinds = picture.namespaces.iter().filter(|one| fits(&one.whose, &one.with)).map(|one| one.kind);
        kinds.collect::<Vec<_>>().join(" ")
    };
    let own = named(&|whose, with| *whose == Whose::Containers && with.is_empty());
    let hosts = named(&|whose, _| *whose == Whose::Hosts);
    let users = named(&|whose, _| *whose == Whose::Users);
    let mut shared: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for one in picture.namespaces.iter().filter(|one| !one.with.is_empty()) {
        shared.entry(one.with.join(", ")).or_default().push(one.kind);
    }
    let shared = shared.iter().map(|(with, kinds)| format!("with {with}: {}", kinds.join(" ")));
    let parts = [("its own", own), ("the host's", hosts), ("yours", users)].into_iter().filter(|(_, kinds)| !kinds.is_empty());
    let parts: Vec<String> = parts.map(|(whose, kinds)| format!("{whose}: {kinds}")).chain(shared).collect();
    if parts.is_empty() { "they may not be looked at".to_owned() } else { parts.join("   ") }
}

fn network(picture: &Picture) -> String {
    let place = &picture.network;
    match &place.kind {
        Kind::Alone => "nothing but loopback".to_owned(),
        Kind::Hosts => "the host's".to_owned(),
        Kind::Of(name) => format!("that of {name}"),
        Kind::Bridged => {
            let addresses = place.cables.iter().flat_map(|cable| cable.endpoint.addresses()).map(|address| address.to_string());
            let ports = place.ports.iter().map(port_text);
            addresses.chain(ports).collect::<Vec<_>>().join("   ")
        }
    }
}

/// `bridge tare0 10.207.0.1   web db`
fn bridges(pictures: &[Picture]) -> Option<Branch> {
    let mut bridges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for picture in pictures {
        for cable in &picture.network.cables {
            let gateways = cable.gateways.iter().map(|address| address.to_string()).collect::<Vec<_>>().join(" ");
            let bridge = format!("bridge {} {gateways}", cable.bridge);
            bridges.entry(bridge).or_default().push(format!("{} {}", cable.endpoint.host_interface, picture.seen.record.name));
        }
    }
    let lines = bridges
        .into_iter()
        .map(|(bridge, cables)| Branch::heading(bridge).with(cables.iter().map(|cable| Branch::new(format!("cable {cable}"))).collect()));
    let lines: Vec<Branch> = lines.collect();
    (!lines.is_empty()).then(|| Branch::heading("bridges").with(lines))
}
