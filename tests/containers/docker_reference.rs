//! The examples of Docker's reference, in its own words: the pages of `tests/docker_reference/`, with tare in docker's place. Where
//! the reference names an image of a registry, there is busybox under that name. What comes out was compared with Docker's own.

use crate::common::town::Town;
use crate::common::{Store, image_dir, transcript};

fn play(page: &str) {
    play_in(Store::empty(), page);
}

fn play_in(store: Store, page: &str) {
    let archive = image_dir().join("busybox.tar");
    store.ok(&["load", "-qi", archive.to_str().expect("utf-8")]);
    for name in ["alpine", "debian", "nginx:alpine", "redis", "ubuntu"] {
        store.ok(&["tag", "busybox", name]);
    }
    assert!(transcript::play(&store, &page.replace("docker ", "tare ")) > 5);
    let containers = store.ok(&["ps", "-aq"]);
    if !containers.is_empty() {
        store.ok(&[&["rm", "-fv"], &containers.lines().collect::<Vec<_>>()[..]].concat());
    }
    store.assert_nothing_left();
}

macro_rules! pages {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            play(include_str!(concat!("../docker_reference/", stringify!($name), ".md")));
        }
    )* };
}

/// On a machine of its own: it makes bridges.
#[test]
fn networks() {
    let Some(town) = Town::new() else { return };
    let mut store = Store::empty();
    store.machine = Some(town.host.clone());
    play_in(store, include_str!("../docker_reference/networks.md"));
}

pages! {
    create_start_attach
    ending
    exec
    images
    inspect
    logs
    others
    ps
    run
    volumes
}
