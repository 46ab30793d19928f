//! The tour in the README is real: its commands are typed here, and what it shows must come.

use crate::common::{store::Store, transcript};

#[test]
fn the_tour_of_the_readme_is_real() {
    let store = Store::empty();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let Ok(readme) = readme else { return eprintln!("skipped: the README is not on this machine") };
    let Some((_registry, readme)) = transcript::with_registry(&readme) else { return };
    let commands = transcript::play(&store, &readme);
    assert!(commands > 10, "the tour has {commands} commands");
    store.assert_nothing_left();
}
