//! The same bundle, run by tare and by runc, one change at a time: what the process sees must be equal.
//!
//! Wanted differences are named in `same`, each with its reason. crun refuses hosts with both kinds of cgroups, so it takes part
//! in the throw-away machine only.

use super::bundle::Bundle;
use super::variations::{self, Variation};
use crate::common::{self, Report, cgroup2, installed, lacking};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn every_variation_is_seen_alike_under_runc() {
    compare_with("runc");
}

#[test]
fn every_variation_is_seen_alike_under_crun() {
    if cgroup2().is_some_and(|(mount, _)| mount.ends_with("unified")) {
        let _ = common::cannot("crun refuses hosts that have both kinds of cgroups");
        return;
    }
    compare_with("crun");
}

fn compare_with(peer: &str) {
    if !installed(peer) {
        let _ = lacking(peer);
        return;
    }
    let all = variations::all();
    assert!(all.len() >= 150, "only {} variations", all.len());
    // Each waits for processes most of the time.
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            all.chunks(all.len().div_ceil(4)).map(|part| scope.spawn(|| part.iter().map(|one| judge(one, peer)).collect())).collect();
        workers.into_iter().flat_map(|worker| -> Vec<Verdict> { worker.join().expect("a verdict on each") }).collect()
    });
    let (mut wrong, mut not_built, mut refused_by_both) = (Vec::new(), Vec::new(), 0);
    for verdict in verdicts {
        match verdict {
            Verdict::Alike => {}
            Verdict::RefusedByBoth => refused_by_both += 1,
            Verdict::NotBuilt(what) => not_built.push(what),
            Verdict::Wrong(what) => wrong.push(what),
        }
    }
    eprintln!("{} variations, {refused_by_both} refused by both, not built here: {not_built:?}", all.len());
    assert!(not_built.len() <= 1, "{not_built:?}");
    assert!(refused_by_both < all.len() / 10, "too many are refused by both to show anything");
    assert!(wrong.is_empty(), "{} of {} differ from {peer}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

enum Verdict {
    Alike,
    RefusedByBoth,
    NotBuilt(String),
    Wrong(String),
}

fn judge(variation: &Variation, peer: &str) -> Verdict {
    let name = &variation.name;
    match (seen(variation, "tare"), seen(variation, peer)) {
        (Ok(ours), Ok(theirs)) => match differences(&ours, &theirs) {
            different if different.is_empty() => Verdict::Alike,
            different => Verdict::Wrong(format!("{name}\n    {}", different.join("\n    "))),
        },
        (Err(_), Err(_)) => Verdict::RefusedByBoth,
        (Err(error), Ok(_)) if error.contains("not built yet") => Verdict::NotBuilt(name.clone()),
        (Err(error), Ok(_)) => Verdict::Wrong(format!("{name}\n    tare refuses: {}", error.trim())),
        (Ok(_), Err(_)) if is_refused_with_reason(name) => Verdict::Alike,
        (Ok(_), Err(error)) => Verdict::Wrong(format!("{name}\n    {peer} refuses: {}", error.trim())),
    }
}

/// What runc 1.1 does not know yet, or does not take (ids above 2147483647, `defaults`, unbindable roots, flags of filters).
fn is_refused_with_reason(name: &str) -> bool {
    ["domainname", "\"time\"", "personality", "scheduler", "ioPriority", "4294967294", "\"defaults\"", "unbindable", "FILTER_FLAG_LOG"]
        .iter()
        .any(|new| name.contains(new))
}

fn seen(variation: &Variation, runtime: &str) -> Result<Report, String> {
    let mut bundle = Bundle::new();
    let shared = bundle.dir.join("shared");
    std::fs::create_dir(&shared).expect("a directory");
    std::fs::write(shared.join("file"), "x").expect("a file");
    std::fs::create_dir(bundle.root("tmp/below")).expect("a directory");
    std::os::unix::fs::symlink("/tmp", bundle.root("etc/link")).expect("a link");
    for (place, value) in &variation.changes {
        let text = value.to_string().replace("SHARED", &shared.display().to_string());
        put(&mut bundle.config, place, serde_json::from_str(&text).expect("JSON"));
    }
    let ran = bundle.run(runtime);
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    let mut report = Report::parse(&String::from_utf8_lossy(&ran.stdout));
    let dir = bundle.dir.display().to_string();
    report.0 = serde_json::from_str(&report.0.to_string().replace(&dir, "BUNDLE")).expect("JSON");
    Ok(report)
}

fn put(config: &mut Value, place: &str, value: Value) {
    let (above, last) = place.rsplit_once('/').expect("a place");
    let above = config.pointer_mut(above).unwrap_or_else(|| panic!("no {above}"));
    match above.as_array_mut() {
        Some(list) if last == "-" => list.push(value),
        _ => above[last] = value,
    }
}

fn differences(ours: &Report, theirs: &Report) -> Vec<String> {
    let (ours, theirs) = (same(ours), same(theirs));
    let names = ours.keys().chain(theirs.keys()).collect::<std::collections::BTreeSet<_>>();
    let different = names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name));
    different
        .map(|name| {
            let text = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
            format!("{name}: tare {}, peer {}", text(ours.get(name)), text(theirs.get(name)))
        })
        .collect()
}

/// The report, flat, without what differs from run to run, and without the wanted differences.
fn same(report: &Report) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    for (name, value) in report.0.as_object().expect("an object") {
        match name.as_str() {
            // Numbers that are given anew each time.
            "namespaces" | "pid" | "ppid" | "pgid" | "sid" | "cgroup" | "clocks" => {}
            "status" => flat.extend(status(report)),
            "mounts" => flat.extend(mounts(report)),
            "fds" => drop(flat.insert("fds".into(), json!(report.fds().keys().collect::<Vec<_>>()))),
            "env" => {
                let mut env = report.texts("env");
                env.sort();
                flat.insert("env".into(), json!(env));
            }
            _ => {
                let children = value.as_object().map(|object| object.iter().map(|(key, value)| (format!("{name}.{key}"), value.clone())));
                match children {
                    Some(children) => flat.extend(children),
                    None => drop(flat.insert(name.clone(), value.clone())),
                }
            }
        }
    }
    // Docker makes /dev/core, runc does not, and no other runtime either: a link to what is masked.
    flat.remove("dev.core");
    flat
}

fn has_cgroup1() -> bool {
    cgroup2().is_some_and(|(mount, _)| mount.ends_with("unified"))
}

/// Who it is and what it may; not how much memory it took.
fn status(report: &Report) -> Vec<(String, Value)> {
    const SAID: &[&str] =
        &["Umask", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "SigBlk", "SigCgt"];
    SAID.iter().map(|name| (format!("status.{name}"), json!(report.status(name)))).collect()
}

/// What is mounted where and how; the order and the numbers are each runtime's own.
fn mounts(report: &Report) -> Vec<(String, Value)> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    // cgroup v1, where a host has it, is not shown to containers of ours: only cgroup v2 is kept.
    let groups = |target: &str| target.starts_with("/sys/fs/cgroup");
    let mounts =
        report.mounts().into_iter().filter(|mount| !groups(&mount.target) || mount.kind == "cgroup2" && !has_cgroup1()).map(|mount| {
            let count = seen.entry(mount.target.clone()).or_default();
            *count += 1;
            let mut options = mount.options.clone();
            options.sort();
            // runc 1.1 sets the root's before it binds the root, and that makes it private again.
            let told = mount.propagation.iter().filter(|_| mount.target != "/");
            let propagation: Vec<String> = told.map(|word| word.split(':').next().unwrap_or_default().to_owned()).collect();
            (format!("mount {} ({count})", mount.target), json!([mount.kind, options, propagation]))
        });
    mounts.collect()
}
