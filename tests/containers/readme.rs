//! The tour in the README is real: its commands are typed here, and what it shows must come.

use crate::common::town::Town;
use crate::common::{store::Store, transcript};

#[test]
fn the_tour_of_the_readme_is_real() {
    let store = Store::empty();
    let Some(readme) = readme() else { return };
    let (before, _, after) = divided(&readme);
    let Some((_registry, readme)) = transcript::with_registry(&format!("{before}{after}")) else { return };
    let commands = transcript::play(&store, &readme);
    assert!(commands > 10, "the tour has {commands} commands");
    store.assert_nothing_left();
}

#[test]
fn the_networks_of_the_readme_are_real() {
    let (Some(readme), Some(town)) = (readme(), Town::new()) else { return };
    let mut store = Store::empty();
    store.machine = Some(town.host.clone());
    store.ok(&["load", "-qi", &crate::common::world::busybox_archive()]);
    let commands = transcript::play(&store, divided(&readme).1);
    assert!(commands > 4, "the networks have {commands} commands");
    store.assert_nothing_left();
}

fn readme() -> Option<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    readme.inspect_err(|_| eprintln!("skipped: the README is not on this machine")).ok()
}

/// What is told of networks is typed on a machine of its own.
fn divided(readme: &str) -> (&str, &str, &str) {
    let at = |heading: &str| readme.find(heading).expect("the heading is there");
    let (begin, end) = (at("## Networks"), at("## Registries"));
    (&readme[..begin], &readme[begin..end], &readme[end..])
}
