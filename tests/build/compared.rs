//! Every Dockerfile of the table that others can build gives, built by tare, what it gives built by them.

use crate::case::Case;
use crate::facts::{Facts, Saved};
use crate::peers::Peers;
use crate::workshop::{Workshop, all, only, pages, settle};
use std::collections::BTreeSet;

fn table() -> Vec<Vec<Case>> {
    pages!["add", "arguments", "attributes", "copy", "ignore", "settings", "stages", "steps", "syntax", "triggers"]
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
        let ours = saved.facts(&case.image()).expect("tare's image");
        judge(case, &ours, &theirs).map(|wrong| Err((case.image(), wrong)))
    }));
    settle(&pages, &complaints.into_iter().filter_map(Result::err).collect::<Vec<_>>());
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
fn both<'a>(shop: &Workshop, peers: &Peers, case: &'a Case) -> Result<Option<&'a Case>, (String, String)> {
    let (theirs, ours) = (peers.build(case, shop.context(case)), shop.build(case));
    let wrong = |what: &str| Err((case.image(), format!("{what}\ntare: {}\nthe peer: {}", ours.story(), theirs.story())));
    match &case.fails {
        Some(words) if ours.code == 0 || !ours.stderr.contains(words) => wrong(&format!("should fail with {words:?}")),
        Some(_) if (theirs.code == 0) != case.only_ours_fails => wrong("the peer thinks otherwise"),
        Some(_) => Ok(None),
        None if ours.code != 0 || theirs.code != 0 => wrong("is not built by both"),
        None => Ok(Some(case)),
    }
}

/// What differs everywhere, and why that is meant.
type Meant = (&'static str, fn(&str, &str, &str) -> bool);
const EVERYWHERE: [Meant; 6] = [
    ("a field for Windows, which the OCI specification calls deprecated: on Linux it says nothing", |fact, ours, _| {
        fact == "config.ArgsEscaped" && ours == NOTHING
    }),
    ("buildah signs its images", |fact, ours, theirs| {
        fact == "config.Labels" && ours == NOTHING && theirs.starts_with("{\"io.buildah.version\":")
    }),
    ("BuildKit shows the inside of its program here, tare what stands in the Dockerfile", |fact, ours, theirs| {
        fact.starts_with("history ") && ours.starts_with("empty: HEALTHCHECK ") && theirs.starts_with("empty: HEALTHCHECK &{")
    }),
    ("BuildKit 0.8 leaves the flags out, later ones tell them", |fact, ours, theirs| {
        let is_flag = |word: &&str| word.starts_with("--chown=") || word.starts_with("--chmod=");
        fact.starts_with("history ") && ours.split(' ').filter(|word| !is_flag(word)).eq(theirs.split(' '))
    }),
    ("BuildKit 0.8 tells the default of an argument, later ones the value that it has", |fact, ours, theirs| {
        let name = |line: &str| line.strip_prefix("empty: ARG ").map(|rest| rest.split(['=', ' ']).next().unwrap_or_default().to_owned());
        fact.starts_with("history ") && name(ours).is_some() && name(ours) == name(theirs)
    }),
    ("times of directories are lost on the way to Docker's daemon; between stages both sides keep them", |_, ours, theirs| {
        ours.starts_with("directory") && ours.rsplit_once(' ').is_some_and(|(rest, time)| rest == theirs && time.ends_with('Z'))
    }),
];
const NOTHING: &str = "(nothing)";

/// What is not as wanted. Layers are compared where the peer makes one for each step as we do, otherwise the files they come to.
fn judge(case: &Case, ours: &Facts, theirs: &Facts) -> Option<String> {
    let compared = |fact: &&String| match case.with_buildah {
        true => !fact.starts_with("layer ") && !fact.starts_with("history "),
        false => !fact.starts_with('/'),
    };
    let said = |facts: &Facts, name: &str| facts.get(name).map_or(NOTHING, String::as_str).to_owned();
    let mut lines = Vec::new();
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).filter(compared).collect();
    for name in names {
        let (our, their) = (said(ours, name), said(theirs, name));
        if our != their
            && !EVERYWHERE.iter().any(|(_, is_meant)| is_meant(name, &our, &their))
            && !case.differs.iter().any(|one| one.fact == *name)
        {
            lines.push(format!("{name}\n    tare: {our}\n    peer: {their}"));
        }
    }
    for wanted in &case.differs {
        let (our, their) = (said(ours, &wanted.fact), said(theirs, &wanted.fact));
        if our != wanted.ours.as_deref().unwrap_or(NOTHING) || our == their {
            lines.push(format!(
                "{}\n    tare: {our}\n    peer: {their}\n    want: {:?}, and another word of the peer",
                wanted.fact, wanted.ours
            ));
        }
    }
    (!lines.is_empty()).then(|| format!("\n{}", lines.join("\n")))
}
