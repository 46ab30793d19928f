//! What the probe says, as facts that can be compared: without what differs from run to run.

use super::Facts;
use crate::common::Report;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Lines of /proc/self/status that tell how much, or a number that is given anew each time.
const COUNTED: &[&str] = &[
    "State",
    "Tgid",
    "Ngid",
    "Pid",
    "PPid",
    "FDSize",
    "NStgid",
    "NSpid",
    "NSpgid",
    "NSsid",
    "Vm",
    "Rss",
    "Huge",
    "SigQ",
    "voluntary",
    "nonvoluntary",
    "CoreDumping",
    "Kthread",
    "Name",
];

/// `joined`: the name of a namespace and its number, of each that a bundle may ask for by its path.
pub fn of_report(report: &Report, joined: &BTreeMap<String, String>) -> Facts {
    let mut facts = Facts::new();
    for (name, value) in report.0.as_object().expect("an object") {
        match name.as_str() {
            // What is below /dev is among the files.
            "ppid" | "pgid" | "sid" | "dev" | "end" => {}
            "pid" => drop(facts.insert("is pid 1".into(), json!(value == 1))),
            "status" => facts.extend(status(report)),
            "mounts" => facts.extend(mounts(report)),
            "namespaces" => facts.extend(namespaces(value, joined)),
            "clocks" => facts.extend(clocks(value)),
            "cgroup" => drop(facts.insert("cgroup".into(), group(report))),
            "terminal" => {
                let is_own = value["foreground"] == report.0["pid"];
                let mut terminal = value.clone();
                terminal["foreground"] = json!(if is_own { "the process" } else { "nobody" });
                facts.insert("terminal".into(), terminal);
            }
            "fds" => {
                facts.extend(report.fds().into_iter().map(|(fd, target)| (format!("descriptor {fd}"), json!(without_number(&target)))))
            }
            "env" => {
                let mut env = report.texts("env");
                env.sort();
                facts.insert("env".into(), json!(env));
            }
            _ => match value.as_object() {
                Some(members) => facts.extend(members.iter().map(|(key, value)| (format!("{name} {key}"), value.clone()))),
                None => drop(facts.insert(name.clone(), value.clone())),
            },
        }
    }
    facts
}

fn status(report: &Report) -> Facts {
    let lines = report.texts("status");
    let lines = lines.iter().filter_map(|line| line.split_once(':'));
    let kept = lines.filter(|(name, _)| !COUNTED.iter().any(|counted| name.starts_with(counted)));
    kept.map(|(name, value)| (format!("status {name}"), json!(value.trim()))).collect()
}

/// Each mount by its target, with all that the kernel tells of it but the numbers.
fn mounts(report: &Report) -> Facts {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut facts = Facts::new();
    for mut mount in report.mounts() {
        let count = seen.entry(mount.target.clone()).or_default();
        *count += 1;
        mount.options.sort();
        let mut settings: Vec<&str> = mount.super_options.split(',').collect();
        settings.sort_unstable();
        let propagation: Vec<&str> = mount.propagation.iter().map(|word| word.split(':').next().unwrap_or_default()).collect();
        let name = format!("mount {} ({count})", mount.target);
        facts.insert(format!("{name} kind"), json!([mount.kind, mount.root]));
        facts.insert(format!("{name} source"), json!(mount.source));
        facts.insert(format!("{name} options"), json!(mount.options));
        // Those of cgroup2 are the whole machine's: who mounts it in the machine's own view of groups sets them anew, as the peers do.
        if mount.kind != "cgroup2" {
            facts.insert(format!("{name} settings"), json!(settings));
        }
        facts.insert(format!("{name} propagation"), json!(propagation));
    }
    facts
}

/// The container's own, its caller's, or another that it was told to join.
fn namespaces(links: &Value, joined: &BTreeMap<String, String>) -> Facts {
    let whose = |name: &str, link: &Value| {
        let callers = std::fs::read_link(format!("/proc/thread-self/ns/{name}")).unwrap_or_default();
        match link.as_str() {
            link if link == callers.to_str() => "the caller's",
            link if link == joined.get(name).map(String::as_str) => "the one of the path",
            _ => "its own",
        }
    };
    let links = links.as_object().expect("namespaces");
    links.iter().map(|(name, link)| (format!("namespace {name}"), json!(whose(name, link)))).collect()
}

/// How far they are ahead of the caller's, in steps that are longer than any run.
fn clocks(told: &Value) -> Facts {
    let mut facts = Facts::new();
    for (name, clock) in [("monotonic", nix::time::ClockId::CLOCK_MONOTONIC), ("boottime", nix::time::ClockId::CLOCK_BOOTTIME)] {
        let callers = nix::time::clock_gettime(clock).expect("a time").tv_sec();
        let ahead = told[name].as_i64().unwrap_or_default() - callers;
        facts.insert(format!("clock {name}"), json!((ahead as f64 / 10_000.0).round() as i64));
    }
    facts
}

/// In cgroup v2, which alone is everybody's.
fn group(report: &Report) -> Value {
    json!(report.texts("cgroup").iter().find(|line| line.starts_with("0::")))
}

/// `pipe:[123]` is a pipe like any other.
fn without_number(target: &str) -> &str {
    target.split_once(":[").map_or(target, |(kind, _)| kind)
}
