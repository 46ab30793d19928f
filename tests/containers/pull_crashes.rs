//! Pulls that do not come to their end: killed at any moment, interrupted, several at once, with prune beside them, on a full disk.
//! The store is whole at any time, the old image is what it was, and the next pull goes on where the last one ended.

use super::disk_full::{Part, small_store};
use crate::common::registry::{Asked, Manner, Strange};
use crate::common::shelf::{Shelf, Shelved};
use crate::common::{Image, Layer, Random, Running, Store, archive, eventually, rounds, test_images};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Five layers that cannot be packed, and one that can.
fn layers(random: &mut Random) -> Vec<Vec<u8>> {
    let mut noise = |count: u64| (0..count).map(|_| random.below(256) as u8).collect::<Vec<u8>>();
    let one = |number: usize, noise: Vec<u8>| {
        Layer::new()
            .dir(&format!("d{number}/"), 0o755)
            .file(&format!("d{number}/noise"), 0o644, noise)
            .file("word", 0o644, format!("{number}"))
            .tar()
    };
    let mut layers: Vec<Vec<u8>> =
        [300_000, 200_000, 150_000, 100_000, 400].into_iter().enumerate().map(|(i, size)| one(i, noise(size))).collect();
    layers.push(Layer::new().file("zeros", 0o644, vec![0; 2_000_000]).file("etc/word", 0o644, "whole\n").tar());
    layers
}

struct Scene {
    store: Store,
    registry: Strange,
    image: Shelved,
    /// `HOST/team/app:1`, not there yet; and the same tag in another repository, which is.
    name: String,
    old: String,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(Store::empty())
    }

    /// A registry that takes its time with layers, so that there is a middle.
    fn with(store: Store) -> Scene {
        let mut shelf = Shelf::default();
        let image = shelf.image("1", &Image::new("new", layers(&mut Random::new())));
        shelf.image("old", &test_images::probe_image());
        let registry = Strange::start(move |asked| {
            let answer = shelf.answer(asked);
            if asked.path.contains("/blobs/") { answer.said(Manner::Slowly(16 << 10, Duration::from_millis(4))) } else { answer }
        });
        let (name, old) = (format!("{}/team/app:1", registry.host), format!("{}/team/app:old", registry.host));
        store.ok(&["pull", "-q", &old]);
        Scene { store, registry, image, name, old }
    }

    fn pull(&self) -> Running {
        self.store.start(&["pull", "-q", &self.name])
    }

    /// How much of the layers lies where they arrive. What was put in place and not yet named is nobody's, and goes.
    fn had(&self) -> u64 {
        let place = |layer: &Vec<u8>| self.store.root.join("arriving").join(archive::sha256(layer)).join("blob");
        self.image.layers.iter().map(|layer| std::fs::metadata(place(layer)).map_or(0, |found| found.len())).sum()
    }

    fn total(&self) -> u64 {
        self.image.layers.iter().map(|layer| layer.len() as u64).sum()
    }

    /// Bytes of layers that were asked for, and how often each layer was.
    fn asked_since(&self, before: usize) -> (u64, BTreeMap<String, usize>) {
        let (mut bytes, mut times) = (0, BTreeMap::new());
        let asked = self.registry.asked();
        for asked in &asked[before..] {
            let Some(layer) = self.image.layers.iter().find(|layer| asked.path.ends_with(&archive::sha256(layer))) else { continue };
            bytes += layer.len() as u64 - from(asked);
            *times.entry(archive::sha256(layer)).or_default() += 1;
        }
        (bytes, times)
    }

    fn asks(&self) -> usize {
        self.registry.asked().len()
    }

    /// What may be seen at any time: the old image, and the new one whole or not at all.
    fn assert_valid(&self, when: &str) -> bool {
        let images = self.store.ok(&["images", "--format", "{{.Tag}}"]);
        let is_new = images.lines().any(|tag| tag == "1");
        assert!(images.lines().any(|tag| tag == "old") && images.lines().count() == 1 + usize::from(is_new), "{when}: {images}");
        self.store.tare(&["run", "--rm", "--pull", "never", &self.old, "exit", "7"]).expect_code(7);
        if is_new {
            self.assert_whole(when);
        }
        is_new
    }

    fn assert_whole(&self, when: &str) {
        assert_whole(&self.store, &self.name, when);
    }

    /// What crashes leave is put right, and that is all that is wrong.
    fn assert_mended(&self, when: &str) {
        let had = self.had();
        self.store.tare(&["system", "check", "--deep"]).expect_code(0);
        assert_eq!(self.store.ok(&["system", "check", "--deep"]), "Nothing is wrong", "{when}");
        assert_eq!(self.had(), had, "{when}: what can be resumed is nothing wrong");
    }

    /// The next pull fetches what is missing, and only that.
    fn assert_completes(&self, when: &str) -> u64 {
        let (had, before) = (self.had(), self.asks());
        self.store.ok(&["pull", "-q", &self.name]);
        let (fetched, _) = self.asked_since(before);
        assert_eq!(fetched + had, self.total(), "{when}: {had} bytes were here, and {fetched} were fetched");
        self.assert_whole(when);
        had
    }

    /// And nothing is left of its way here.
    fn remove(&self) {
        self.store.ok(&["rmi", &self.name]);
        assert_eq!(names(&self.store.root.join("arriving")), Vec::<String>::new());
        assert_eq!(names(&self.store.root.join("unfinished")), Vec::<String>::new());
    }
}

fn from(asked: &Asked) -> u64 {
    asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()).unwrap_or(0)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Its files are those of all layers.
fn assert_whole(store: &Store, name: &str, when: &str) {
    let id = store.ok(&["create", "--pull", "never", name]);
    for (path, length) in [("/d0/noise", 300_000), ("/d3/noise", 100_000), ("/d4/noise", 400), ("/zeros", 2_000_000), ("/etc/word", 6)] {
        let mut copied = store.command(&["cp", &format!("{id}:{path}"), "-"]);
        let copied = copied.output().expect("cp");
        // A header, and what fills up the last block.
        assert!(
            copied.status.success() && (512 + length..512 + length + 20_000).contains(&copied.stdout.len()),
            "{when}: {path}: {copied:.0?}"
        );
    }
    store.ok(&["rm", &id]);
}

#[test]
fn kill_9_in_the_middle_of_many_pulls() {
    let scene = Scene::new();
    let started = std::time::Instant::now();
    scene.store.ok(&["pull", "-q", &scene.name]);
    let whole = started.elapsed().as_micros() as u64;
    scene.remove();
    let mut random = Random::new();
    let (rounds, mut cut, mut resumed) = (rounds(40).min(100), 0, 0);
    for round in 0..rounds {
        let when = format!("round {round}");
        let mut pull = scene.pull();
        std::thread::sleep(Duration::from_micros(random.below(whole)));
        pull.child.kill().expect("kill");
        cut += usize::from(!pull.child.wait().expect("wait").success());
        // Sometimes it is killed once more on its way.
        if random.below(3) == 0 {
            let mut pull = scene.pull();
            std::thread::sleep(Duration::from_micros(random.below(whole)));
            pull.child.kill().expect("kill");
        }
        let is_new = scene.assert_valid(&when);
        // It looks twice, a second apart.
        if random.below(5) == 0 {
            scene.assert_mended(&when);
        }
        if is_new {
            // Killed when all was done but for clearing up, which is the next one's then.
            scene.store.ok(&["rmi", &scene.name]);
        } else {
            resumed += scene.assert_completes(&when);
            scene.remove();
        }
    }
    assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
    let all = scene.total() * rounds as u64;
    eprintln!("{cut} of {rounds} were cut; {resumed} of {all} bytes were not fetched a second time");
    assert!(cut > rounds / 2 && resumed > all / 10, "{cut} of {rounds} were cut, {resumed} of {all} bytes resumed");
}

/// False: all of it came before anybody looked.
fn until_some_has_come(scene: &Scene, pull: &mut Running) -> bool {
    let mut is_over = false;
    eventually("something has come", || {
        is_over = pull.is_over();
        is_over || scene.had() >= 50_000
    });
    !is_over && scene.had() < scene.total() / 2
}

/// A pull of which some has come, and not all.
fn in_the_middle(scene: &Scene) -> Running {
    for _ in 0..50 {
        let mut pull = scene.pull();
        if until_some_has_come(scene, &mut pull) {
            return pull;
        }
        pull.wait().ok();
        scene.store.ok(&["rmi", &scene.name]);
    }
    panic!("all pulls are over before anybody looks");
}

#[test]
fn an_interrupted_pull_says_so_and_can_go_on() {
    let scene = Scene::new();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let pull = in_the_middle(&scene);
        pull.signal(signal);
        let ran = pull.wait().expect_code(code);
        assert!(ran.stderr.contains("tare: interrupted; "), "{signal}: {}", ran.story());
        assert!(!scene.assert_valid(signal.as_str()));
        assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong", "{signal} leaves nothing to put right");
        assert!(scene.assert_completes(signal.as_str()) >= 50_000);
        scene.remove();
    }
}

/// A registry that says nothing holds nobody who wants to go.
#[test]
fn one_who_waits_for_a_silent_registry_can_be_interrupted() {
    let mut shelf = Shelf::default();
    let image = shelf.image("1", &Image::new("new", layers(&mut Random::new())));
    let hex = archive::sha256(&image.layers[0]);
    let registry = Strange::start(move |asked| {
        let answer = shelf.answer(asked);
        if asked.path.ends_with(&hex) {
            crate::common::registry::Answer { cut: Some(100_000), ..answer }.said(Manner::Silence)
        } else {
            answer
        }
    });
    let store = Store::empty();
    let pull = store.start(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    let place = store.root.join("arriving").join(archive::sha256(&image.layers[0])).join("blob");
    eventually("it waits", || std::fs::metadata(&place).is_ok_and(|found| found.len() == 100_000));
    pull.signal(Signal::SIGINT);
    let ran = pull.wait().expect_code(130);
    assert!(ran.took < Duration::from_secs(25), "{:?}", ran.took);
    assert_eq!(store.ok(&["images", "-q"]), "");
    store.tare(&["system", "check"]).expect_code(0);
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
}

#[test]
fn two_pulls_share_the_work() {
    let scene = Scene::new();
    for round in 0..rounds(5).min(20) {
        let before = scene.asks();
        let pulls: Vec<Running> = (0..3).map(|_| scene.pull()).collect();
        for pull in pulls {
            pull.wait().ok();
        }
        let (bytes, times) = scene.asked_since(before);
        assert!(times.values().all(|count| *count == 1), "round {round}: {times:?}");
        assert_eq!(bytes, scene.total(), "round {round}");
        scene.assert_valid(&format!("round {round}"));
        scene.remove();
    }
}

#[test]
fn one_of_two_pulls_is_killed_and_the_other_completes() {
    let scene = Scene::new();
    let mut random = Random::new();
    for round in 0..rounds(8).min(40) {
        let before = scene.asks();
        let (mut first, second) = (scene.pull(), scene.pull());
        std::thread::sleep(random.moment());
        until_some_has_come(&scene, &mut first);
        first.child.kill().expect("kill");
        first.child.wait().expect("wait");
        second.wait().ok();
        let (bytes, times) = scene.asked_since(before);
        // Two at most were on their way, and are asked for from where they broke.
        let again = times.values().filter(|count| **count > 1).count();
        assert!(again <= 2 && times.values().all(|count| *count <= 2), "round {round}: {times:?}");
        assert!(bytes <= 2 * scene.total() - 50_000, "round {round}: {bytes} bytes of {}, {times:?}", scene.total());
        assert!(scene.assert_valid(&format!("round {round}")));
        scene.store.ok(&["rmi", &scene.name]);
    }
    scene.assert_mended("after all");
}

/// Each holds what the other one waits for, if they can.
#[test]
fn shared_layers_in_opposite_orders_come_once() {
    let mut shelf = Shelf::default();
    let mut layers = layers(&mut Random::new());
    let there = shelf.image("there", &Image::new("there", layers.clone()));
    layers.reverse();
    shelf.image("back", &Image::new("back", layers.clone()));
    layers.rotate_left(3);
    shelf.image("between", &Image::new("between", layers));
    let registry = Strange::start(move |asked| {
        let answer = shelf.answer(asked);
        if asked.path.contains("/blobs/") { answer.said(Manner::Slowly(16 << 10, Duration::from_millis(2))) } else { answer }
    });
    let store = Store::empty();
    let images: Vec<String> = ["there", "back", "between"].iter().map(|tag| format!("{}/team/app:{tag}", registry.host)).collect();
    for round in 0..rounds(8).min(40) {
        let before = registry.asked().len();
        let pulls: Vec<Running> = images.iter().map(|name| store.start(&["pull", "-q", name])).collect();
        for pull in pulls {
            pull.wait().ok();
        }
        let asked = registry.asked();
        for layer in &there.layers {
            let hex = archive::sha256(layer);
            let count = asked[before..].iter().filter(|asked| asked.path.ends_with(&hex)).count();
            assert_eq!(count, 1, "round {round}: a layer of {} bytes", layer.len());
        }
        for name in &images {
            assert_whole(&store, name, &format!("round {round}"));
        }
        store.ok(&[&["rmi"], &images.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
    }
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
}

/// Three pull over and over; beside them one prunes, and one removes an image that has the same layers.
#[test]
fn pulls_with_prune_and_rmi_beside_them() {
    let scene = Scene::new();
    let twin = scene.name.replace(":1", ":twin");
    scene.store.ok(&["pull", "-q", &scene.name]);
    scene.store.ok(&["tag", &scene.name, &twin]);
    let over = AtomicBool::new(false);
    let beside = |words: &[&[&str]]| {
        while !over.load(Ordering::Relaxed) {
            for words in words {
                let ran = scene.store.tare(words);
                assert!(ran.code == 0 || ran.stderr.contains("no such image"), "{}", ran.story());
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| beside(&[&["image", "prune", "-f"], &["system", "prune", "-f"]]));
        scope.spawn(|| beside(&[&["rmi", &scene.name], &["rmi", &twin]]));
        let pulls = (0..3).map(|_| {
            scope.spawn(|| {
                for _ in 0..rounds(10).min(40) {
                    scene.pull().wait().ok();
                    let ran = scene.store.tare(&["tag", &scene.name, &twin]);
                    // Nobody says that it is still there, but if it is, it is whole.
                    assert!(ran.code == 0 || ran.stderr.contains("no such image"), "{}", ran.story());
                }
            })
        });
        let ended: Vec<bool> = pulls.collect::<Vec<_>>().into_iter().map(|pull| pull.join().is_ok()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(|ended| *ended), "a pull failed");
    });
    scene.store.ok(&["pull", "-q", &scene.name]);
    scene.assert_whole("after all");
    scene.store.tare(&["system", "check", "--deep"]).expect_code(0);
    assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_pull() {
    let (small, store) = small_store(Part::Root);
    let scene = Scene::with(store);
    let (used, _) = small.used();
    let lifted = ["pull", "-q", "--max-layer-size", "1g", "--max-layer-entries", "100000"];
    let mut refused = 0;
    // Of four megabytes: not the first layer, some of them, all but the last words.
    for room in [40, 200, 700, 1200, 2500, 3200, 3500] {
        small.resize(&format!("size={}k", used + room));
        let ran = scene.store.tare(&[&lifted[..], &[&scene.name]].concat());
        let is_there = ran.code == 0;
        if !is_there {
            refused += 1;
            assert!(ran.stderr.contains("No space left on device") && ran.stderr.contains("hint: "), "{room} kB: {}", ran.story());
            crate::common::store::assert_proper_error(&ran);
        }
        // Others have room again.
        scene.store.tare(&["run", "--rm", "--pull", "never", &scene.old, "exit", "7"]).expect_code(7);
        small.resize("size=1g");
        assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong", "{room} kB");
        scene.store.ok(&["pull", "-q", &scene.name]);
        scene.assert_whole(&format!("{room} kB"));
        scene.remove();
        eprintln!("{room} kB: {}", ran.stderr.trim());
    }
    assert!(refused >= 4, "{refused} refused");
    // And what is kept for later goes when it is asked to.
    small.resize(&format!("size={}k", used + 700));
    scene.store.tare(&[&lifted[..], &[&scene.name]].concat()).expect_code(1);
    small.resize("size=1g");
    scene.store.ok(&["system", "prune", "-f"]);
    let (after, _) = small.used();
    assert!(after <= used + 8, "{after} kB are used, and were {used}");
}
