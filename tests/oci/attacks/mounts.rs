//! Mount points that lead out of the root, or do so for a moment.

use super::{Bundle, racer};
use crate::common::{Victim, race_rounds};
use serde_json::json;

/// Guard: the root is ours before a name in it is used (`enter` and `Detour::begin` in runtime/root/mod.rs).
#[test]
fn cve_2019_18837_2025_24965_links_in_place_of_mount_points() {
    for by_detour in [false, true] {
        let mut bundle = Bundle::of(&["true"]);
        let victim = Victim::new(&bundle.dir);
        bundle.make_detour(by_detour);
        let bare = bundle.config.clone();
        for to in [victim.path().to_owned(), "../../victim".into(), format!("/tmp/../../../..{}", victim.path())] {
            for name in ["etc", "mnt", "sys", "tmp"] {
                bundle.config = bare.clone();
                bundle.link_in_place_of(name, &to);
                for target in ["hosts", "hostname", "resolv.conf", "made", "a/b/c"] {
                    bundle.bind("/etc/passwd", &format!("/{name}/{target}"));
                }
                bundle.bind("/etc", &format!("/{name}/directory/deep"));
                bundle.mounts().push(json!({"destination": format!("/{name}/memory"), "type": "tmpfs", "source": "tmpfs"}));
                bundle.attack(&format!("/{name} leads to {to}, detour {by_detour}"), &victim);
                bundle.link_in_place_of(name, "nowhere");
                std::fs::remove_file(bundle.root(name)).expect("the link");
                std::fs::create_dir(bundle.root(name)).expect("a directory");
            }
        }
    }
}

/// A volume that two containers share, in which a directory and a link to the host change places. Guard: as above.
#[test]
fn cve_2021_30465_2024_45310_mount_points_are_exchanged_during_the_start() {
    for by_detour in [false, true] {
        let mut bundle = Bundle::of(&["true"]);
        let victim = Victim::new(&bundle.dir);
        bundle.make_detour(by_detour);
        let shared = bundle.dir.join("shared");
        std::fs::create_dir_all(shared.join("dir")).expect("a directory");
        std::os::unix::fs::symlink(victim.path(), shared.join("link")).expect("a symlink");
        bundle.bind(&shared.display().to_string(), "/shared");
        bundle.bind("/etc", "/shared/dir/made/here");
        bundle.bind("/etc/passwd", "/shared/dir/a-file");
        bundle.mounts().push(json!({"destination": "/shared/dir/memory", "type": "tmpfs", "source": "tmpfs"}));
        bundle.config["linux"]["devices"] = json!([{"path": "/shared/dir/device", "type": "c", "major": 1, "minor": 3}]);
        bundle.config["linux"]["maskedPaths"] = json!(["/shared/dir", "/shared/link"]);
        bundle.config["linux"]["readonlyPaths"] = json!(["/shared/dir/memory", "/shared/link/file"]);
        bundle.config["process"]["cwd"] = json!("/shared/dir/cwd");
        let racer = racer(&shared.join("dir"), &shared.join("link"));
        for _ in 0..race_rounds() {
            bundle.attack("the race", &victim);
        }
        drop(racer);
    }
}

/// The same with a link of /proc to what we have open, which no root holds. Guard: sys/inside.rs.
#[test]
fn cve_2024_21626_2024_45310_a_link_of_proc_is_exchanged_during_the_start() {
    let mut bundle = Bundle::of(&["true"]);
    let victim = Victim::new(&bundle.dir);
    bundle.without_namespace("pid");
    let shared = bundle.dir.join("shared");
    std::fs::create_dir_all(shared.join("dir")).expect("a directory");
    let to = format!("/proc/{}/root{}", std::process::id(), victim.path());
    std::os::unix::fs::symlink(to, shared.join("link")).expect("a symlink");
    bundle.bind(&shared.display().to_string(), "/shared");
    bundle.bind("/etc", "/shared/dir/made/here");
    bundle.mounts().push(json!({"destination": "/shared/dir/memory", "type": "tmpfs", "source": "tmpfs"}));
    bundle.config["linux"]["devices"] = json!([{"path": "/shared/dir/device", "type": "c", "major": 1, "minor": 3}]);
    bundle.config["process"]["cwd"] = json!("/shared/dir/cwd");
    let racer = racer(&shared.join("dir"), &shared.join("link"));
    for _ in 0..race_rounds() {
        bundle.attack("the race", &victim);
    }
    drop(racer);
}

/// A length that overflows must not switch anything off. Guard: `Namespaces::new` counts kinds and bounds paths.
#[test]
fn cve_2021_43784_more_namespaces_than_fit_into_64_kib() {
    let mut bundle = Bundle::of(&["true"]);
    let usual = bundle.config["linux"]["namespaces"].clone();
    bundle.config["hostname"] = json!("");
    let long = format!("/proc/self/ns/net{}", "/".repeat(70_000));
    let mut many = usual.as_array().expect("namespaces").clone();
    many.extend((0..5_000).map(|_| json!({"type": "network", "path": "/proc/self/ns/net"})));
    for (namespaces, words) in [
        (json!([{"type": "mount"}, {"type": "network", "path": long}]), "a path of 7"),
        (json!(many), "two network namespaces"),
        (json!([{"type": "mount"}, {"type": "network", "path": format!("/proc/self/ns/net{}", "x".repeat(4_000))}]), "network namespace"),
    ] {
        bundle.config["linux"]["namespaces"] = namespaces;
        bundle.write();
        bundle.refuses(&["run", "one"], words);
        bundle.assert_nothing_left();
    }
}
