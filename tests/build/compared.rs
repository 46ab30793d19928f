//! Every Dockerfile of the table that others can build gives, built by tare, what it gives built by them.

use crate::case::Case;
use crate::facts::{Facts, Saved};
use crate::peers::Peers;
use crate::workshop::{Workshop, all, only, pages};
use std::collections::BTreeSet;

fn table() -> Vec<Vec<Case>> {
    pages!["add", "arguments", "copy", "ignore", "settings", "stages", "steps", "syntax", "triggers"]
}

#[test]
fn what_is_built_equals_what_others_build() {
    let Some(peers) = Peers::new() else { return };
    let pages = only(table());
    let shop = Workshop::new(&pages);
    let built = all(&pages, |case| both(&shop, &peers, case));
    let (cases, mut complaints): (Vec<_>, Vec<_>) = built.into_iter().partition(Result::is_ok);
    let cases: Vec<&Case> = cases.into_iter().flatten().flatten().collect();
    let saved = shop.save(&cases);
    complaints.extend(theirs(&peers, &cases, shop.fresh).into_iter().zip(&cases).filter_map(|(theirs, case)| {
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
    let shop = Workshop::new(&pages);
    let built = all(&pages, |case| {
        let ran = peers.build(case, shop.context(case));
        if ran.code != 0 {
            println!("=== {}: {}", case.image(), ran.stderr.trim_end().lines().last().unwrap_or_default());
        }
        (ran.code == 0).then_some(case)
    });
    let cases: Vec<&Case> = built.into_iter().flatten().collect();
    for (case, facts) in cases.iter().zip(theirs(&peers, &cases, shop.fresh)) {
        println!("=== {}", case.image());
        let is_news = |name: &str| !name.starts_with("layer 1 /") && (case.with_buildah || !name.starts_with('/'));
        facts.iter().filter(|(name, _)| is_news(name)).for_each(|(name, value)| println!("{name}: {value}"));
    }
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

/// Builds a case on both sides: it itself, if there is something to compare now, or what is wrong.
fn both<'a>(shop: &Workshop, peers: &Peers, case: &'a Case) -> Result<Option<&'a Case>, String> {
    let (theirs, ours) = (peers.build(case, shop.context(case)), shop.build(case));
    let wrong = |what: &str| Err(format!("=== {}: {what}\ntare: {}\nthe peer: {}\n", case.image(), ours.story(), theirs.story()));
    match &case.fails {
        Some(words) if ours.code == 0 || !ours.stderr.contains(words) => wrong(&format!("should fail with {words:?}")),
        Some(_) if (theirs.code == 0) != case.only_ours_fails => wrong("the peer thinks otherwise"),
        Some(_) => Ok(None),
        None if ours.code != 0 || theirs.code != 0 => wrong("is not built by both"),
        None => Ok(Some(case)),
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
