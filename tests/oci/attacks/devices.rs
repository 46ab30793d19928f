//! A /dev of the root's own, on which the configuration mounts nothing: everything in it may lie.

use super::{Bundle, racer};
use crate::common::{Mend, Victim, race_rounds};
use serde_json::json;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

fn about(path: &str) -> (u32, u32, u32) {
    std::fs::metadata(path).map(|about| (about.uid(), about.gid(), about.mode())).expect("a file of the host")
}

/// Guard: the root is ours before a name in it is used (`enter` and `Detour::begin` in runtime/root/mod.rs).
#[test]
fn cve_2026_41579_2026_47766_the_root_s_dev_is_a_directory_of_the_host() {
    for by_detour in [false, true] {
        let mut bundle = Bundle::of(&["true"]);
        let victim = Victim::new(&bundle.dir);
        bundle.leave_bare("/dev");
        bundle.make_detour(by_detour);
        for to in [victim.path().to_owned(), format!("../..{}", victim.path()), "/proc/1/root/dev".into(), "../../victim".into()] {
            for devices in
                [json!([]), json!([{"path": "/dev/hostname", "type": "c", "major": 5, "minor": 2}, {"path": "/dev/file", "type": "p"}])]
            {
                for terminal in [false, true] {
                    bundle.link_in_place_of("dev", &to);
                    bundle.config["linux"]["devices"] = devices.clone();
                    bundle.config["process"]["terminal"] = json!(terminal);
                    bundle.attack(&format!("/dev leads to {to}, {devices}, terminal {terminal}"), &victim);
                }
            }
        }
    }
}

/// Guards: `open_terminal` makes the file and takes none that is there, `is_null_device` is asked, and the streams are not given
/// to the user (`give_streams`).
#[test]
fn cve_2026_88264_2026_88265_links_in_place_of_the_console_and_the_null_device() {
    let before = about("/dev/null");
    let _as_it_was = Mend;
    let mut bundle = Bundle::of(&["true"]);
    let victim = Victim::new(&bundle.dir);
    bundle.leave_bare("/dev");
    for by_detour in [false, true] {
        bundle.make_detour(by_detour);
        for (uid, terminal) in [(0, false), (1000, false), (0, true), (1000, true)] {
            bundle.config["process"]["user"] = json!({"uid": uid, "gid": uid});
            bundle.config["process"]["terminal"] = json!(terminal);
            for name in ["console", "null", "ptmx", "pts", "tty"] {
                let _ = std::fs::remove_dir_all(bundle.root("dev"));
                std::fs::create_dir(bundle.root("dev")).expect("a directory");
                bundle.link_in_place_of(&format!("dev/{name}"), &format!("{}/{name}", victim.path()));
                bundle.attack(&format!("/dev/{name}, uid {uid}, terminal {terminal}"), &victim);
                assert_eq!(about("/dev/null"), before);
            }
        }
    }
}

/// Whose null device may lie, with a file that shall be hidden behind it; and the directory that is its /dev.
fn with_a_secret() -> (Bundle, PathBuf) {
    let mut bundle = Bundle::of(&["sh", "-c", "cat /secret && echo end"]);
    let dev = bundle.share_dev();
    std::fs::write(bundle.root("secret"), "a secret").expect("a file");
    bundle.config["linux"]["maskedPaths"] = json!(["/secret"]);
    (bundle, dev)
}

/// What is hidden is hidden behind the real null device, or the container is not made. Guard: `null` in runtime/root/hide.rs.
#[test]
fn cve_2025_31133_another_file_in_place_of_the_null_device() {
    let (bundle, dev) = with_a_secret();
    bundle.write();
    bundle.refuses(&["run", "one"], "/dev/null");
    for to in ["/proc/sys/kernel/core_pattern", "/etc/passwd", "/proc/self/fd/0", "/nowhere", "."] {
        std::os::unix::fs::symlink(to, dev.join("null")).expect("a symlink");
        bundle.refuses(&["run", "one"], "/dev/null");
        bundle.assert_nothing_left();
        std::fs::remove_file(dev.join("null")).expect("the link");
    }
}

/// The same while somebody exchanges the real one and the link.
#[test]
fn cve_2025_31133_the_null_device_is_exchanged_during_the_start() {
    let (bundle, dev) = with_a_secret();
    let (null, link) = (dev.join("null"), dev.join("link"));
    let made = std::process::Command::new("mknod").arg(&null).args(["c", "1", "3"]).status();
    assert!(made.is_ok_and(|status| status.success()), "mknod");
    std::os::unix::fs::symlink("/proc/sys/kernel/core_pattern", &link).expect("a symlink");
    let racer = racer(&null, &link);
    let (mut made, mut refused) = (0, 0);
    // A race that always ends in the same way was none.
    for _ in 0..race_rounds() * 10 {
        if made + refused >= race_rounds() && made > 0 && refused > 0 {
            break;
        }
        let ran = bundle.run("tare");
        let said = String::from_utf8_lossy(&ran.stdout);
        if ran.status.success() {
            made += 1;
            assert_eq!(said, "end\n");
        } else {
            refused += 1;
            assert!(String::from_utf8_lossy(&ran.stderr).contains("/dev/null"), "{}", String::from_utf8_lossy(&ran.stderr));
        }
        bundle.assert_nothing_left();
    }
    assert!(made > 0 && refused > 0, "nothing was raced for: made {made}, refused {refused}");
    drop(racer);
}

/// The terminal that is mounted on /dev/console is the one whose master was handed over, whatever its name leads to meanwhile.
/// Guard: `pty::open` asks the master (TIOCGPTPEER).
#[test]
fn cve_2025_52565_the_console_s_name_is_exchanged_during_the_start() {
    let mut bundle = Bundle::of(&["sh", "-c", "stat -c %t:%T /dev/console 2>/dev/null || echo gone; stat -L -c %t:%T /proc/self/fd/0"]);
    let victim = Victim::new(&bundle.dir);
    bundle.leave_bare("/dev");
    bundle
        .mounts()
        .push(json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}));
    bundle.config["process"]["terminal"] = json!(true);
    bundle.config["linux"]["maskedPaths"] = json!([]);
    bundle.config["linux"]["devices"] = json!([{"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]);
    // Where the name of the terminal leads is the image's to say: its /dev is exchanged with another.
    let (dev, other) = (bundle.root("dev"), bundle.root("other"));
    std::fs::create_dir_all(dev.join("pts")).expect("a directory");
    std::fs::create_dir_all(other.join("pts")).expect("a directory");
    for name in ["0", "ptmx"] {
        std::os::unix::fs::symlink("/proc/sys/kernel/core_pattern", other.join("pts").join(name)).expect("a symlink");
    }
    let racer = racer(&dev, &other);
    let mut made = 0;
    for _ in 0..race_rounds() * 10 {
        if made >= race_rounds() {
            break;
        }
        let ran = bundle.attack("the race", &victim);
        for dir in [&dev, &other] {
            let _ = std::fs::remove_file(dir.join("console"));
            let _ = std::fs::remove_file(dir.join("null"));
        }
        let said = String::from_utf8_lossy(&ran.stdout).replace('\r', "");
        if let (true, Some((console, input))) = (ran.status.success(), said.trim().split_once('\n')) {
            made += 1;
            assert_eq!(input, "88:0", "the terminal is the first of its own /dev/pts: {said}");
            assert!(console == input || ["gone", "0:0"].contains(&console), "{said}");
        }
    }
    assert!(made > 0, "nothing was raced for");
    drop(racer);
}
