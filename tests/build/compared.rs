//! Every Dockerfile of the table that others can build gives, built by tare, what it gives built by them.

use crate::case::{Case, page};
use crate::common::Store;
use crate::common::world::busybox_archive;
use crate::facts::{Facts, Saved};
use crate::peers::Peers;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A page by its name.
macro_rules! pages {
    ($($name:literal),* $(,)?) => {
        vec![$(page($name, include_str!(concat!("table/", $name, ".txt")))),*]
    };
}

fn table() -> Vec<Vec<Case>> {
    pages!["add", "arguments", "copy", "ignore", "settings", "syntax"]
}

#[test]
fn what_is_built_equals_what_others_build() {
    let Some(peers) = Peers::new() else { return };
    let pages = only(table());
    let bench = Bench::new(&pages);
    let built = all(&pages, |case| bench.build(&peers, case));
    let (cases, mut complaints): (Vec<_>, Vec<_>) = built.into_iter().partition(Result::is_ok);
    let cases: Vec<&Case> = cases.into_iter().flatten().flatten().collect();
    let saved = Saved::open(&bench.save(&cases), bench.fresh);
    complaints.extend(theirs(&peers, &cases, bench.fresh).into_iter().zip(&cases).filter_map(|(theirs, case)| {
        judge(case, &saved.facts(&case.image()).expect("tare's image"), &theirs).map(Err)
    }));
    let complaints: Vec<String> = complaints.into_iter().filter_map(Result::err).collect();
    assert!(complaints.is_empty(), "{} of {} cases:\n\n{}", complaints.len(), pages.iter().flatten().count(), complaints.join("\n"));
}

/// For whoever writes a case: `TARE_CASES=NAME cargo test --test build -- --ignored --nocapture`.
#[test]
#[ignore = "asserts nothing, only shows what others say"]
fn what_others_say() {
    let Some(peers) = Peers::new() else { return };
    let pages = only(table());
    let bench = Bench::new(&pages);
    let built = all(&pages, |case| {
        let ran = peers.build(case, bench.context(case));
        if ran.code != 0 {
            println!("=== {}: {}", case.image(), ran.stderr.trim_end().lines().last().unwrap_or_default());
        }
        (ran.code == 0).then_some(case)
    });
    let cases: Vec<&Case> = built.into_iter().flatten().collect();
    for (case, facts) in cases.iter().zip(theirs(&peers, &cases, bench.fresh)) {
        println!("=== {}", case.image());
        let is_news = |name: &str| !name.starts_with("layer 1 /") && (case.with_buildah || !name.starts_with('/'));
        facts.iter().filter(|(name, _)| is_news(name)).for_each(|(name, value)| println!("{name}: {value}"));
    }
}

/// Does it for each case; those of a page one after the other, because one may begin with another's image.
fn all<'a, T: Send>(pages: &'a [Vec<Case>], what: impl Fn(&'a Case) -> T + Sync) -> Vec<T> {
    let (waiting, done) = (Mutex::new(pages.iter()), Mutex::new(Vec::new()));
    let next = || waiting.lock().expect("the pages").next();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(page) = next() {
                    page.iter().for_each(|case| {
                        let result = what(case);
                        done.lock().expect("the results").push(result);
                    });
                }
            });
        }
    });
    done.into_inner().expect("the results")
}

/// What the peers' images are, in the order of the cases.
fn theirs(peers: &Peers, cases: &[&Case], fresh: u64) -> Vec<Facts> {
    let with_docker: Vec<String> = cases.iter().filter(|case| !case.with_buildah).map(|case| case.image()).collect();
    let docker = (!with_docker.is_empty()).then(|| Saved::open(&peers.save(false, &with_docker), fresh));
    let facts = |case: &&Case| match (&docker, case.with_buildah) {
        (Some(saved), false) => saved.facts(&case.image()),
        _ => Saved::open(&peers.save(true, &[case.image()]), fresh).facts(&case.image()),
    };
    cases.iter().map(|case| facts(case).unwrap_or_else(|| panic!("the peers save no {}", case.image()))).collect()
}

/// `TARE_CASES=WORD`: for whoever works on one of them; pages are kept whole up to the last that is wanted.
fn only(pages: Vec<Vec<Case>>) -> Vec<Vec<Case>> {
    let Ok(word) = std::env::var("TARE_CASES") else { return pages };
    let wanted = |page: &Vec<Case>| page.iter().rposition(|case| case.image().contains(&word));
    pages.into_iter().filter_map(|mut page| wanted(&page).map(|last| page.drain(..=last).collect())).collect()
}

/// Both sides' place of work.
struct Bench {
    store: Store,
    contexts: Vec<(String, PathBuf)>,
    fresh: u64,
}

impl Bench {
    fn new(pages: &[Vec<Case>]) -> Bench {
        let store = Store::empty();
        store.ok(&["load", "-qi", &busybox_archive()]);
        let contexts = pages.iter().flatten().map(|case| (case.image(), case.lay_out(&store))).collect();
        // Times in archives are whole seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        Bench { store, contexts, fresh: tare::time::now() / 1_000_000_000 }
    }

    fn context(&self, case: &Case) -> &Path {
        &self.contexts.iter().find(|(image, _)| *image == case.image()).expect("a context").1
    }

    /// Builds a case on both sides: it itself, if there is something to compare now, or what is wrong.
    fn build<'a>(&self, peers: &Peers, case: &'a Case) -> Result<Option<&'a Case>, String> {
        let (image, context) = (case.image(), self.context(case));
        let theirs = peers.build(case, context);
        let words = [&["build", "-q", "-t", &image], &case.flags.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat();
        let ours = self.store.tare(&[&words[..], &[&context.to_string_lossy()]].concat());
        let wrong = |what: &str| Err(format!("=== {image}: {what}\ntare: {}\nthe peer: {}\n", ours.story(), theirs.story()));
        match &case.fails {
            Some(words) if ours.code == 0 || !ours.stderr.contains(words) => wrong(&format!("should fail with {words:?}")),
            Some(_) if theirs.code == 0 => wrong("the peer builds it"),
            Some(_) => Ok(None),
            None if ours.code != 0 || theirs.code != 0 => wrong("is not built by both"),
            None => Ok(Some(case)),
        }
    }

    fn save(&self, cases: &[&Case]) -> PathBuf {
        let archive = self.store.dir.join("tare.tar");
        let images: Vec<String> = cases.iter().map(|case| case.image()).collect();
        let words = ["save", "-o", &archive.to_string_lossy()];
        self.store.ok(&[&words[..], &images.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        archive
    }
}

/// What is not as wanted. Layers are compared where the peer makes one for each step as we do, otherwise the files they come to.
fn judge(case: &Case, ours: &Facts, theirs: &Facts) -> Option<String> {
    let compared = |fact: &&String| match case.with_buildah {
        true => !fact.starts_with("layer ") && !fact.starts_with("history "),
        false => !fact.starts_with('/'),
    };
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).filter(compared).collect();
    let mut lines = Vec::new();
    let said = |fact: Option<&String>| fact.map_or("(nothing)", String::as_str).to_owned();
    for name in names {
        let (our, their) = (ours.get(name), theirs.get(name));
        match case.differs.iter().find(|wanted| wanted.fact == *name) {
            None if our != their => lines.push(format!("{name}\n    tare: {}\n    peer: {}", said(our), said(their))),
            Some(wanted) if wanted.ours.as_ref() != our => {
                lines.push(format!("{name}\n    tare: {}\n    want: {}", said(our), said(wanted.ours.as_ref())));
            }
            Some(_) if our == their => lines.push(format!("{name}: the peer says the same as tare, no difference is wanted")),
            _ => {}
        }
    }
    for wanted in case.differs.iter().filter(|wanted| !ours.contains_key(&wanted.fact) && !theirs.contains_key(&wanted.fact)) {
        lines.push(format!("{}: nobody has such a fact", wanted.fact));
    }
    for (name, value) in &case.expect {
        let our = said(ours.get(name));
        if our != *value {
            lines.push(format!("{name}\n    tare: {our}\n    want: {value}"));
        }
    }
    (!lines.is_empty()).then(|| format!("=== {}\n{}\n", case.image(), lines.join("\n")))
}
