//! Pushes in bad weather: connections break, answers are lost, registries forget, limit and make no sense.

use crate::common::taker::{Asked, Meet, Taker, assert_arrived, load_as};
use crate::common::{Store, eventually};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was said about the large layer's way.
fn patches(asked: &[Asked]) -> Vec<String> {
    asked.iter().filter(|asked| asked.method == "PATCH").map(Asked::short).collect()
}

#[test]
fn a_mount_that_is_refused_is_no_error() {
    for status in [0, 202, 403, 404, 500] {
        let registry = Taker::start(move |asked| match asked.path.contains("mount=") {
            true if status == 202 => Meet::Well,
            true if status == 0 => Meet::Silence,
            true => Meet::Say(status, vec![("Retry-After", "0".to_owned())], "no"),
            false => Meet::Well,
        });
        let store = Store::empty();
        let name = format!("{}/team/app:1", registry.host);
        let image = load_as(&store, &name, 1000);
        // This one was never there.
        store.ok(&["tag", &name, &format!("{}/other/app:1", registry.host)]);
        let said = store.ok(&["push", &name]);
        assert_arrived(&registry, &image, &said);
        let mounts = registry.asked().iter().filter(|asked| asked.path.contains("from=other/app")).count();
        assert!(mounts >= 3 && said.matches(": Pushed\n").count() == 2, "{said}");
        let begun = registry.asked().iter().filter(|asked| asked.path.ends_with("/blobs/uploads/")).count();
        assert_eq!(begun, if status == 202 { 0 } else { 3 }, "what the refusal has begun is gone on with");
    }
}

#[test]
fn who_takes_no_more_at_once_gets_pieces() {
    let registry = Taker::start(|asked| match asked.length() > 300_000 {
        true => Meet::Say(413, Vec::new(), "too much"),
        false => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 900_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let asked = registry.asked();
    let taken: Vec<usize> = asked.iter().filter(|asked| asked.method == "PATCH" && asked.length() <= 300_000).map(Asked::length).collect();
    assert_eq!((taken.len(), taken.iter().sum()), (4, image.layers[0].len()), "{taken:?}");
    // None is shorter than what the registry takes at least.
    let registry = Taker::start(|asked| match (asked.method.as_str(), asked.length() > 500_000) {
        (_, true) => Meet::Say(413, Vec::new(), "too much"),
        ("POST", _) => {
            Meet::Say(202, vec![("Location", "/v2/x/blobs/uploads/".to_owned()), ("OCI-Chunk-Min-Length", "400000".to_owned())], "")
        }
        ("PATCH", _) => Meet::Say(202, Vec::new(), ""),
        ("PUT", _) => Meet::Say(201, Vec::new(), ""),
        _ => Meet::Well,
    });
    let name = format!("{}/team/app:1", registry.host);
    store.ok(&["tag", "source:1", &name]);
    store.ok(&["push", "-q", &name]);
    let asked = registry.asked();
    let taken: Vec<String> = patches(&asked)
        .into_iter()
        .filter(|range| !range.ends_with(&format!("-{}", image.layers[0].len() - 1)) || !range.contains(" 0-"))
        .collect();
    assert_eq!(taken, ["PATCH 0-399999", "PATCH 400000-799999", &format!("PATCH 800000-{}", image.layers[0].len() - 1)]);
}

#[test]
fn who_hangs_up_on_much_gets_little() {
    let registry = Taker::start(|asked| if asked.length() > 300_000 { Meet::Break(0) } else { Meet::Well });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 900_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
}

#[test]
fn who_takes_no_pieces_gets_the_whole() {
    let breaks = AtomicUsize::new(0);
    let registry = Taker::start(move |asked| match asked.method.as_str() {
        "PATCH" => Meet::Say(405, Vec::new(), "no pieces"),
        "PUT" if asked.length() > 100_000 && breaks.fetch_add(1, Ordering::Relaxed) == 0 => Meet::Break(1000),
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 300_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert_eq!(patches(&registry.asked()).len(), 1);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let breaks = AtomicUsize::new(0);
    let registry = Taker::start(move |asked| match asked.length() > 50_000 {
        // First as a whole, then the piece, twice.
        true if breaks.fetch_add(1, Ordering::Relaxed) < 3 => Meet::Break(100_000),
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 400_000);
    let end = image.layers[0].len() - 1;
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let asked = registry.asked();
    assert_eq!(patches(&asked), [format!("PATCH 0-{end}"), "PATCH 100000-362143".to_owned(), format!("PATCH 200000-{end}")]);
    assert_eq!(asked.iter().filter(|asked| asked.short() == "GET upload").count(), 2, "it is asked how far it got");
}

#[test]
fn a_line_that_breaks_all_the_time_is_enough_while_something_arrives() {
    let registry = Taker::start(|asked| if asked.length() > 25_000 { Meet::Break(30_000) } else { Meet::Well });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 300_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert!(patches(&registry.asked()).len() > 9, "{:?}", patches(&registry.asked()));
}

#[test]
fn a_push_that_is_killed_leaves_nothing_behind_and_the_next_one_completes_it() {
    let is_open = Arc::new(AtomicBool::new(false));
    let gate = is_open.clone();
    let registry = Taker::start(move |asked| {
        // The large layer waits here with its sender.
        while asked.length() > 100_000 && !gate.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Meet::Well
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 400_000);
    let begun = store.start(&["push", &name]);
    eventually("the large layer is on its way", || registry.asked().iter().any(|asked| asked.length() > 100_000));
    begun.signal(nix::sys::signal::Signal::SIGKILL);
    assert_eq!(begun.wait().code, 137);
    assert!(registry.held().manifests.is_empty());
    is_open.store(true, Ordering::Relaxed);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert!(store.ok(&["system", "check"]).contains("Nothing is wrong"));
}

#[test]
fn only_the_answer_was_lost() {
    let lost = AtomicUsize::new(0);
    let registry = Taker::start(move |asked| match asked.method.as_str() {
        "PUT" if asked.length() > 100_000 && lost.fetch_add(1, Ordering::Relaxed) == 0 => Meet::Silence,
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 300_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert_eq!(registry.asked().iter().filter(|asked| asked.length() > 100_000).count(), 1, "it is not sent twice");
}

#[test]
fn a_registry_that_is_elsewhere_than_we_think_says_where() {
    // The piece arrives, and what is said of it is 416, or 503; the registry knows better when it is asked.
    for status in [416, 503] {
        let tries = AtomicUsize::new(0);
        let registry = Taker::start(move |asked| match (asked.method.as_str(), asked.length() > 100_000) {
            ("PUT", true) => Meet::Say(413, Vec::new(), ""),
            ("PATCH", true) if tries.fetch_add(1, Ordering::Relaxed) == 0 => {
                if status == 416 {
                    Meet::Say(416, Vec::new(), "")
                } else {
                    Meet::Silence
                }
            }
            _ => Meet::Well,
        });
        let store = Store::empty();
        let name = format!("{}/team/app:1", registry.host);
        let image = load_as(&store, &name, 300_000);
        assert_arrived(&registry, &image, &store.ok(&["push", &name]));
        assert!(registry.asked().iter().any(|asked| asked.short() == "GET upload"));
    }
}

#[test]
fn one_who_has_too_much_to_do_is_asked_again_and_not_for_ever() {
    let met: Mutex<HashSet<String>> = Mutex::default();
    let registry = Taker::start(move |asked| {
        let is_first = met.lock().unwrap().insert(format!("{} {}", asked.method, asked.path));
        let busy = || Meet::Say(if asked.method == "PUT" { 429 } else { 503 }, vec![("Retry-After", "0".to_owned())], "slowly");
        if asked.method != "GET" && is_first { busy() } else { Meet::Well }
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 1000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let limited = Taker::start(|asked| match asked.method.as_str() {
        "PUT" => Meet::Say(429, vec![("Retry-After", "86400".to_owned())], r#"{"errors":[{"message":"too many pushes"}]}"#),
        _ => Meet::Well,
    });
    let name = format!("{}/team/app:1", limited.host);
    store.ok(&["tag", "source:1", &name]);
    let error = store.fails(1, &["push", "-q", &name]);
    assert!(error.contains("too many pushes") && error.contains("tare login"), "{error}");
    assert!(limited.held().manifests.is_empty());
}

#[test]
fn registries_that_make_no_sense_keep_nobody_for_ever() {
    let store = Store::empty();
    load_as(&store, "source:2", 300_000);
    let error = |manners: fn(&Asked) -> Meet| {
        let registry = Taker::start(manners);
        let name = format!("{}/team/app:1", registry.host);
        store.ok(&["tag", "source:1", &name]);
        let error = store.fails(1, &["push", "-q", &name]);
        assert!(registry.held().manifests.is_empty(), "no manifest without its blobs");
        store.ok(&["rmi", &name]);
        error
    };
    fn in_pieces(asked: &Asked, of_piece: impl Fn() -> Meet) -> Meet {
        match asked.method.as_str() {
            "PUT" if asked.length() > 100_000 => Meet::Say(413, Vec::new(), ""),
            "PATCH" => of_piece(),
            _ => Meet::Well,
        }
    }
    assert!(
        error(|asked| in_pieces(asked, || Meet::Say(202, vec![("Range", "0-999999999".to_owned())], ""))).contains("more than it was sent")
    );
    assert!(
        error(|asked| in_pieces(asked, || Meet::Say(202, vec![("Range", "0-0".to_owned())], ""))).contains("does not keep what it is sent")
    );
    assert!(error(|asked| in_pieces(asked, || Meet::Say(404, Vec::new(), ""))).contains("404"));
    assert!(error(|asked| if asked.method == "PUT" { Meet::Break(10) } else { Meet::Well }).contains("cannot push"));
    assert!(error(|asked| if asked.method == "POST" { Meet::Say(202, Vec::new(), "") } else { Meet::Well }).contains("does not say where"));
    assert!(
        error(|asked| match asked.method.as_str() {
            "POST" => Meet::Say(202, vec![("Location", "http://169.254.169.254/latest".to_owned())], ""),
            _ => Meet::Well,
        })
        .contains("surroundings")
    );
    assert!(
        error(|asked| match asked.method.as_str() {
            "PUT" => Meet::Say(400, Vec::new(), r#"{"errors":[{"code":"DIGEST_INVALID","message":"not \u001b[2J so"}]}"#),
            _ => Meet::Well,
        })
        .contains("not  [2J so")
    );
    // The registry makes another manifest of ours.
    assert!(
        error(|asked| match (asked.method.as_str(), asked.path.contains("/manifests/")) {
            ("PUT", true) => Meet::Say(201, vec![("Docker-Content-Digest", format!("sha256:{}", "0".repeat(64)))], ""),
            _ => Meet::Well,
        })
        .contains("another manifest")
    );
}
