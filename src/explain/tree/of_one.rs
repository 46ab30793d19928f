//! All there is of one container, as branches.

use super::Picture;
use super::drawing::Branch;
use super::files::{Files, Layer};
use crate::explain::live::group::{Limits, Use};
use crate::explain::live::mounts::Mounted;
use crate::explain::live::namespaces::{Namespace, Whose};
use crate::explain::live::network::{Cable, Kind, Place};
use crate::explain::live::processes::{Process, Role};
use crate::options::sizes;
use crate::record::network::Published;
use crate::record::{Seen, Status};
use crate::time;
use std::net::IpAddr;

/// Longer commands and lines of a Dockerfile are cut: a picture is 100 columns wide.
const WIDEST: usize = 40;
/// So many layers are drawn; the rest is counted.
const MOST_LAYERS: usize = 8;

pub fn branch(picture: &Picture, now: u64) -> Branch {
    let seen = &picture.seen;
    let record = &seen.record;
    let title = format!("{}   {}   {}   {}", record.name, seen.short_id(), record.image, state(seen, now));
    let mut root = Branch::heading(title);
    root = match picture.processes.is_empty() {
        true => {
            root.and(Branch::new(format!("no processes, no namespaces, no group, no network: it does not run (tare why {})", record.name)))
        }
        false => root.and(processes(picture)).and(namespaces(&picture.namespaces)),
    };
    root = root.and(files(&picture.files));
    if let Some((limits, used)) = &picture.group {
        root = root.and(group(limits, used));
    }
    if picture.processes.is_empty() { root } else { root.and(network(&picture.network)) }
}

pub fn state(seen: &Seen, now: u64) -> String {
    let since = |moment: u64| time::human_duration(now.saturating_sub(moment)).to_lowercase();
    let ended = seen.record.ended.as_ref();
    match (seen.status, &seen.live) {
        (Status::Running, Some(live)) => format!("runs for {}", since(live.started)),
        (Status::Paused, Some(live)) => format!("paused, started {} ago", since(live.started)),
        (Status::Restarting, _) => format!("waits to be started again (ended with {})", ended.map_or(0, |ended| ended.exit_code)),
        (Status::Created, _) => "was never started".to_owned(),
        (Status::Dead, _) => "its records cannot be read".to_owned(),
        _ => ended.map_or("has ended".to_owned(), |ended| format!("ended {} ago with {}", since(ended.finished), ended.exit_code)),
    }
}

pub fn cut(text: &str, widest: usize) -> String {
    let text = text.replace(['\t', '\n'], " ");
    if text.chars().count() <= widest { text } else { text.chars().take(widest - 1).chain(['…']).collect() }
}

fn processes(picture: &Picture) -> Branch {
    let heading = Branch::columns(["processes", "pid here", "inside", "user"]);
    heading.with(picture.processes.iter().map(process).collect())
}

fn process(one: &Process) -> Branch {
    let what = match one.role {
        Role::Monitor => "monitor: keeps its output and learns how it ends".to_owned(),
        Role::Reaper if one.inside == Some(1) => "reaper: pid 1, collects orphans".to_owned(),
        Role::Reaper => "reaper: collects orphans".to_owned(),
        Role::Porter => "porter: ports and names".to_owned(),
        Role::Nurse => "nurse: asks whether it is well".to_owned(),
        Role::Outlet => "pasta: leads out and in".to_owned(),
        Role::Own => cut(&one.command, WIDEST),
        Role::Further => format!("{}   (by tare exec)", cut(&one.command, WIDEST)),
    };
    let inside = one.inside.map_or("-".to_owned(), |pid| pid.to_string());
    Branch::cells([&what, &one.pid.to_string(), &inside, &one.uid.to_string()]).with(one.children.iter().map(process).collect())
}

fn namespaces(all: &[Namespace]) -> Branch {
    if all.is_empty() {
        return Branch::new("namespaces: they may not be looked at");
    }
    let one = |namespace: &Namespace| {
        let whose = match (namespace.whose, &namespace.with[..]) {
            (Whose::Hosts, _) => "the host's".to_owned(),
            (Whose::Users, _) => "yours, of all your containers".to_owned(),
            (Whose::Containers, []) => "its own".to_owned(),
            (Whose::Containers, with) => format!("shared with {}", with.join(", ")),
        };
        Branch::cells([namespace.kind, &namespace.number.to_string(), &whose, namespace.divides])
    };
    Branch::heading("namespaces").with(all.iter().map(one).collect())
}

fn files(files: &Files) -> Branch {
    let of_layer = |layer: &Layer| {
        let made_by = if layer.made_by.is_empty() { String::new() } else { cut(&layer.made_by, WIDEST) };
        Branch::cells(["layer", &layer.id[..layer.id.len().min(12)], &sizes::size(layer.size), &made_by])
    };
    let note = if files.is_read_only { "nothing can be written (--read-only)" } else { "what it writes goes here" };
    let upper = Branch::cells(["upper", "", &sizes::size(files.written), note]);
    let mut layers = vec![upper];
    layers.extend(files.layers.iter().take(MOST_LAYERS).map(of_layer));
    if files.layers.len() > MOST_LAYERS {
        layers.push(Branch::new(format!("… {} more below", files.layers.len() - MOST_LAYERS)));
    }
    let root = Branch::heading("/   an overlay, looked through from the top").with(layers).and(Branch::cells([
        "ground",
        "",
        "0B",
        "mount points only",
    ]));
    let wished = files.wished.iter().map(|one| {
        let access = if one.is_read_only { "read-only" } else { "read-write" };
        Branch::cells([&one.target, &one.what, access, &one.source])
    });
    let mut all = Branch::heading("files").and(root).with(wished.collect());
    if !files.others.is_empty() {
        all = all.with(others(&files.others));
    }
    all
}

/// What every container has, in three lines and not in thirty.
fn others(mounts: &[Mounted]) -> Vec<Branch> {
    // Hung over what is below them, so that it is hidden or cannot be written.
    let is_guard =
        |one: &&Mounted| ["/proc/", "/sys/"].iter().any(|above| one.target.starts_with(above)) && !one.target.starts_with("/sys/fs/cgroup");
    let is_small_file = |one: &&Mounted| one.target.starts_with("/etc/");
    let (guards, rest): (Vec<&Mounted>, Vec<&Mounted>) = mounts.iter().partition(is_guard);
    let (small, system): (Vec<&Mounted>, Vec<&Mounted>) = rest.into_iter().partition(is_small_file);
    let targets = |all: &[&Mounted]| all.iter().map(|one| one.target.as_str()).collect::<Vec<_>>().join(" ");
    let devices = |all: Vec<&Mounted>| {
        let (devices, others): (Vec<&Mounted>, Vec<&Mounted>) = all.into_iter().partition(|one| one.kind == "devtmpfs" || is_device(one));
        let names = others.iter().map(|one| one.target.as_str()).collect::<Vec<_>>().join(" ");
        (names, devices.len())
    };
    let (names, count) = devices(system);
    let names = if count > 0 { format!("{names} and {count} devices of the host") } else { names };
    let mut lines = vec![Branch::new(format!("the kernel's: {names}"))];
    if !small.is_empty() {
        lines.push(Branch::new(format!("made for it: {}", targets(&small))));
    }
    if !guards.is_empty() {
        lines.push(Branch::new(format!("hidden or read-only: {} places of /proc and /sys", guards.len())));
    }
    lines
}

fn is_device(one: &Mounted) -> bool {
    one.target.strip_prefix("/dev/").is_some_and(|name| !["pts", "shm", "mqueue"].contains(&name))
}

fn group(limits: &Limits, used: &Use) -> Branch {
    if limits.path.is_empty() {
        return Branch::new(format!("no group: its processes use {} of memory, and nothing limits them", sizes::memory(used.memory)));
    }
    let of = |limit: Option<String>| limit.map_or("no limit".to_owned(), |limit| format!("of {limit}"));
    let has = |controller: &str| limits.controllers.iter().any(|known| known == controller);
    let counted = |controller: &str, limit: String| if has(controller) { limit } else { "cannot be limited here".to_owned() };
    let memory = counted("memory", of(limits.memory.map(sizes::memory)));
    let peak = used.memory_peak.map(|peak| format!("peak {}", sizes::memory(peak))).unwrap_or_default();
    let killed = if used.out_of_memory > 0 { format!("{peak}, {} killed for want of it", used.out_of_memory) } else { peak };
    let processors = counted("cpu", of(limits.processor.map(|(quota, period)| format!("{:.2} processors", quota as f64 / period as f64))));
    let seconds = format!("{:.2}s", used.processor as f64 / 1e6);
    let tasks = counted("pids", of(limits.tasks.map(|tasks| tasks.to_string())));
    let refused = if used.tasks_met > 0 { format!("{} refused", used.tasks_met) } else { String::new() };
    Branch::heading("group")
        .and(Branch::new(&limits.path))
        .and(Branch::cells(["memory", &sizes::memory(used.memory), &memory, &killed]))
        .and(Branch::cells(["processor", &seconds, &processors, if used.slowed > 0 { "it had to wait for its turn" } else { "" }]))
        .and(Branch::cells(["tasks", &used.tasks.to_string(), &tasks, &refused]))
}

fn network(place: &Place) -> Branch {
    let interfaces = place.interfaces.join(" ");
    match &place.kind {
        Kind::Hosts => Branch::new("network: the host's own, with all its interfaces and ports"),
        Kind::Of(name) => Branch::new(format!("network: that of container {name} ({interfaces})")),
        Kind::Alone => Branch::new(format!("network: one of its own, and no cable leads out ({interfaces})")),
        Kind::Bridged => {
            let ports = place.ports.iter().map(|port| Branch::new(port_text(port))).collect::<Vec<_>>();
            let mut all = Branch::heading("network").with(place.cables.iter().map(cable).collect());
            if !ports.is_empty() {
                all = all.with(ports);
            }
            match &place.detour {
                Some(why) => all.and(Branch::new(format!("the server sees the host instead of who calls: {why}"))),
                None => all,
            }
        }
    }
}

fn cable(cable: &Cable) -> Branch {
    let endpoint = &cable.endpoint;
    let v4 = endpoint.ip.map(|(address, length, _)| format!("{address}/{length}"));
    let v6 = endpoint.ip6.map(|(address, length, _)| format!("{address}/{length}"));
    let addresses = v4.into_iter().chain(v6).collect::<Vec<_>>().join(" ");
    let gateways = cable.gateways.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ");
    let bridge = format!("bridge {} {gateways}", cable.bridge);
    Branch::cells([
        &format!("{} {addresses}", endpoint.interface),
        &format!("── cable ── {}", endpoint.host_interface),
        bridge.trim_end(),
        &format!("network {}", endpoint.network),
    ])
}

pub fn port_text(port: &Published) -> String {
    let address = match port.address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    format!("{address}:{} → {}/{}", port.host, port.container, port.protocol)
}
