//! Links of /proc, which lead through a root as if it were not there: to what our own process has open, and, where the container
//! sees the host's processes, to the host.

use super::{Bundle, UPWARDS};
use crate::common::Victim;
use serde_json::json;

/// A bundle that sees the host's processes or not, whose root is entered at once or by a detour.
fn bundles() -> impl Iterator<Item = (Bundle, Vec<String>, String)> {
    [(false, false), (false, true), (true, false), (true, true)].into_iter().map(|(sees_host, by_detour)| {
        let mut bundle = Bundle::of(&["true"]);
        let victim = bundle.dir.join("victim").display().to_string();
        let mut ways: Vec<String> = (3..=12).map(|fd| format!("/proc/self/fd/{fd}/{UPWARDS}{victim}")).collect();
        if sees_host {
            bundle.without_namespace("pid");
            ways = vec![format!("/proc/{}/root{victim}", std::process::id())];
        }
        bundle.make_detour(by_detour);
        (bundle, ways, format!("host's processes {sees_host}, detour {by_detour}"))
    })
}

/// The directory would be made before it is seen to be outside. The guards: `sys/inside.rs`, and `Plan::descriptors`.
#[test]
fn cve_2024_21626_a_working_directory_that_is_missing_on_the_host() {
    for (mut bundle, ways, what) in bundles() {
        let victim = Victim::new(&bundle.dir);
        for way in ways {
            bundle.config["process"]["cwd"] = json!(format!("{way}/made"));
            let ran = bundle.attack(&format!("{what}, {way}"), &victim);
            assert!(!ran.status.success(), "{what}: {way}");
        }
    }
}

/// Guard: `sys/inside.rs`, in every step of `runtime/root/`.
#[test]
fn cve_2024_45310_2025_24965_2026_41579_links_of_proc_in_the_way_of_what_we_make() {
    for (mut bundle, ways, what) in bundles() {
        let victim = Victim::new(&bundle.dir);
        let bare = bundle.config.clone();
        for way in ways {
            for place in ["mnt/a-directory", "mnt/a-file", "mnt/memory", "mnt/device"] {
                bundle.config = bare.clone();
                bundle.link_in_place_of("mnt", &way);
                let target = format!("/{place}");
                match place {
                    "mnt/a-directory" => bundle.bind("/etc", &target),
                    "mnt/a-file" => bundle.bind("/etc/passwd", &target),
                    "mnt/memory" => bundle.mounts().push(json!({"destination": target, "type": "tmpfs", "source": "tmpfs"})),
                    _ => bundle.config["linux"]["devices"] = json!([{"path": target, "type": "c", "major": 1, "minor": 5}]),
                }
                let ran = bundle.attack(&format!("{what}, {way}, {place}"), &victim);
                assert!(!ran.status.success(), "{what}: {way}, {place}");
            }
        }
    }
}

/// A terminal of the host's own /dev/pts, and a file for it on the host. Guard: `sys/pty.rs` opens by `sys/inside.rs`.
#[test]
fn cve_2025_52565_2026_88264_links_of_proc_in_the_way_of_the_console() {
    for (mut bundle, _, what) in bundles().skip(2) {
        let victim = Victim::new(&bundle.dir);
        bundle.leave_bare("/dev");
        bundle.config["process"]["terminal"] = json!(true);
        bundle.config["linux"]["maskedPaths"] = json!([]);
        let host = format!("/proc/{}/root", std::process::id());
        bundle.link_in_place_of("dev/pts", &format!("{host}/dev/pts"));
        let ran = bundle.attack(&what, &victim);
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(error.contains("/dev/pts/ptmx"), "{what}: a terminal of the host, or {error}");
    }
}

/// What the links would lead to must be there to be found, or the tests above prove nothing.
#[test]
fn the_ways_out_are_real() {
    let bundle = Bundle::new();
    let victim = Victim::new(&bundle.dir);
    let way = format!("/proc/{}/root{}/file", std::process::id(), victim.path());
    assert_eq!(std::fs::read_to_string(way).expect("the victim's file"), "untouched");
}
