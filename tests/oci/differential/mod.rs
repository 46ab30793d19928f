//! The same bundle, changed in one way at a time, run by tare and by its peers: what the process sees must be equal.
//!
//! Two things keep this honest. A change must be *seen*: whose process sees the same as that of the unchanged bundle proves
//! nothing, and fails unless it says why that is so. And whatever may differ stands in `wanted.rs` with its reason, and fails
//! once it no longer differs.

mod entries;
mod facts;
mod runs;
mod variations;
pub mod wanted;

use crate::common::{in_vm, installed, lacking};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use wanted::Wanted;

/// What is seen, under short names.
pub type Facts = BTreeMap<String, Value>;

/// The only fact about what a runtime does not run.
pub const REFUSED: &str = "refused";

/// Changes that are tried in one place, one after the other.
pub trait Part: Sync {
    /// What each change is called; and why nothing is seen of it, where that is as it should be.
    fn names(&self) -> Vec<(String, Option<&'static str>)>;
    /// What is seen under a runtime: first without any change, then with each.
    fn see(&self, runtime: &str) -> Vec<Facts>;
}

#[test]
fn every_variation_of_a_bundle_is_seen_alike() {
    let Some(peers) = peers() else { return };
    let compared = compare(&runs::parts(), &peers, &[wanted::ALWAYS, wanted::IN_BUNDLES].concat());
    let wanted = if in_vm() { 100 } else { 200 };
    assert!(compared >= wanted, "only {compared} variations were compared");
}

#[test]
fn every_variation_of_an_exec_is_seen_alike() {
    let Some(_) = peers() else { return };
    // crun 1.8 takes nothing from config.json there: not the user, nor the variables.
    compare(&entries::parts(), &["runc"], &[wanted::ALWAYS, wanted::IN_EXECS].concat());
}

/// `None`: one of them is not installed.
pub fn peers() -> Option<Vec<&'static str>> {
    let peers = vec!["runc", "crun"];
    match peers.iter().find(|peer| !installed(peer)) {
        Some(missing) => {
            let _ = lacking(missing);
            None
        }
        None => Some(peers),
    }
}

/// Returns how many changes were carried out by everybody.
pub fn compare(parts: &[Box<dyn Part>], peers: &[&'static str], wanted: &[Wanted]) -> usize {
    // Compiled once, and not by each thread.
    crate::common::test_images::probe();
    let verdicts = Mutex::new(Verdicts::default());
    let next = AtomicUsize::new(0);
    // Each waits for processes most of the time.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                runs::leave_the_hosts_mounts();
                while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ours = part.see("tare");
                    let theirs: Vec<_> = peers.iter().map(|peer| (*peer, part.see(peer))).collect();
                    let mut verdicts = verdicts.lock().expect("no panic");
                    for (index, (name, unseen)) in part.names().iter().enumerate() {
                        verdicts.see(name, *unseen, &ours[0], &ours[index + 1]);
                        let theirs = theirs.iter().map(|(peer, seen)| (*peer, &seen[index + 1]));
                        verdicts.judge(name, &ours[index + 1], &theirs.collect::<Vec<_>>(), wanted);
                    }
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().expect("no panic");
    let idle = wanted
        .iter()
        .enumerate()
        .filter(|(index, one)| !in_vm() && !one.at_times && peers.contains(&one.peer) && !verdicts.used.contains(index));
    let idle: Vec<_> = idle.map(|(_, one)| ("these no longer differ".into(), format!("{one:?}"))).collect();
    let wrong = [verdicts.wrong, idle].concat();
    eprintln!("{} variations were carried out by tare, {}; {} were refused", verdicts.compared, peers.join(", "), verdicts.refused);
    assert!(wrong.is_empty(), "{} things differ:\n{}", wrong.len(), by_what_is_wrong(&wrong));
    verdicts.compared
}

#[derive(Default)]
struct Verdicts {
    /// What, and in which variation.
    wrong: Vec<(String, String)>,
    /// Which of the wanted differences have occurred.
    used: BTreeSet<usize>,
    compared: usize,
    refused: usize,
}

impl Verdicts {
    fn see(&mut self, name: &str, unseen: Option<&str>, unchanged: &Facts, changed: &Facts) {
        let wrong = match (unseen, unchanged == changed) {
            (None, true) => format!("nothing is seen of it, {}", unchanged.get(REFUSED).map_or("".into(), Value::to_string)),
            (Some(why), false) => {
                let facts = differences(changed, unchanged).into_keys().collect::<Vec<_>>();
                format!("it is seen, although {why}: {}", facts.join(", "))
            }
            _ => return,
        };
        self.wrong.push((wrong, name.to_owned()));
    }

    fn judge(&mut self, name: &str, ours: &Facts, theirs: &[(&'static str, &Facts)], wanted: &[Wanted]) {
        for (peer, theirs) in theirs {
            for (fact, (here, there)) in differences(ours, theirs) {
                let found: Vec<usize> = (0..wanted.len()).filter(|index| wanted[*index].fits(peer, name, &fact)).collect();
                if found.is_empty() {
                    self.wrong.push((format!("{fact}: tare {here}, {peer} {there}"), name.to_owned()));
                }
                self.used.extend(found);
            }
        }
        match ours.contains_key(REFUSED) || theirs.iter().any(|(_, theirs)| theirs.contains_key(REFUSED)) {
            true => self.refused += 1,
            false => self.compared += 1,
        }
    }
}

/// Each once, with the first of the variations that show it.
fn by_what_is_wrong(wrong: &[(String, String)]) -> String {
    let mut variations: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (what, name) in wrong {
        variations.entry(what).or_default().push(name);
    }
    let lines = variations
        .iter()
        .map(|(what, names)| format!("{what}\n    {} times, as in {}", names.len(), names[..names.len().min(3)].join("\n    and ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Under the name of a fact, what we say and what they say.
fn differences(ours: &Facts, theirs: &Facts) -> BTreeMap<String, (String, String)> {
    let text = |facts: &Facts, name: &str| facts.get(name).map_or("nothing".into(), Value::to_string);
    let both = |name: &str| (name.to_owned(), (text(ours, name), text(theirs, name)));
    match (ours.contains_key(REFUSED), theirs.contains_key(REFUSED)) {
        // With what words is each one's own.
        (true, true) => BTreeMap::new(),
        (false, false) => {
            let names = ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>();
            names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name)).map(|name| both(name)).collect()
        }
        _ => BTreeMap::from([both(REFUSED)]),
    }
}
