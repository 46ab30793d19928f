//! A /proc that is not the kernel's, and what is written through it.

use super::{Bundle, UPWARDS};
use crate::common::{Report, Victim};
use serde_json::json;

/// Guards: the root is ours before a name is used, and `open_no_link` in runtime/root/mounts.rs.
#[test]
fn cve_2019_16884_2019_19921_2023_27561_2023_28642_proc_is_a_link_or_no_directory() {
    for by_detour in [false, true] {
        let mut bundle = Bundle::of(&["/probe"]);
        let victim = Victim::new(&bundle.dir);
        bundle.make_detour(by_detour);
        std::fs::create_dir_all(bundle.root("volume/proc")).expect("a directory");
        for name in ["proc", "sys"] {
            for to in [victim.path(), "/volume/proc", "volume", "tmp", "/proc", "../../../../../proc"] {
                bundle.link_in_place_of(name, to);
                let ran = bundle.attack(&format!("/{name} leads to {to}"), &victim);
                assert!(!ran.status.success(), "/{name} leads to {to}, and a container was made");
            }
            std::fs::remove_file(bundle.root(name)).expect("the link");
            std::fs::write(bundle.root(name), "no directory").expect("a file");
            assert!(!bundle.attack("a file", &victim).status.success());
            std::fs::remove_file(bundle.root(name)).expect("the file");
            std::fs::create_dir(bundle.root(name)).expect("a directory");
        }
    }
}

/// What the kernel is told goes to the kernel, whatever the configuration mounted over the file meanwhile. Guard: `private_proc`.
#[test]
fn cve_2025_52881_files_of_the_kernel_with_others_mounted_over_them() {
    for by_detour in [false, true] {
        let mut bundle =
            Bundle::of(&["sh", "-c", "umount /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward /proc/1/comm; true"]);
        let victim = Victim::new(&bundle.dir);
        bundle.make_detour(by_detour);
        let file = format!("{}/file", victim.path());
        for place in ["/proc/sys/net/ipv4/ip_forward", "/proc/1/oom_score_adj", "/proc/1/attr/exec", "/proc/1/attr/current"] {
            bundle.bind(&file, place);
        }
        let capabilities = json!(["CAP_SYS_ADMIN"]);
        bundle.config["process"]["capabilities"] = json!({"bounding": capabilities, "effective": capabilities, "permitted": capabilities});
        bundle.config["process"]["oomScoreAdj"] = json!(500);
        bundle.config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
        bundle.config["linux"]["readonlyPaths"] = json!([]);
        let ran = bundle.attack("mounts over files of /proc", &victim);
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "1\nsh\n", "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// The same where all of /proc is memory, in which paths lead where they like. Guard: `private_proc`.
#[test]
fn cve_2025_52881_a_proc_of_memory() {
    let mut bundle = Bundle::of(&["true"]);
    let victim = Victim::new(&bundle.dir);
    for dir in ["proc/1", "proc/self", "proc/sys/net/ipv4"] {
        std::fs::create_dir_all(bundle.root(dir)).expect("a directory");
    }
    let file = format!("{UPWARDS}{}/file", victim.path());
    for name in ["proc/1/oom_score_adj", "proc/self/oom_score_adj", "proc/sys/net/ipv4/ip_forward"] {
        std::fs::write(bundle.root(name), "untouched").expect("a file");
    }
    bundle.link_in_place_of("proc/sys/net/ipv4/tcp_syncookies", &file);
    bundle.leave_bare("/proc");
    bundle.config["process"]["oomScoreAdj"] = json!(500);
    bundle.config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1", "net.ipv4.tcp_syncookies": "0"});
    let ran = bundle.attack("a /proc of the root's own", &victim);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for name in ["proc/1/oom_score_adj", "proc/self/oom_score_adj", "proc/sys/net/ipv4/ip_forward"] {
        assert_eq!(std::fs::read_to_string(bundle.root(name)).expect("a file"), "untouched", "{name}");
    }
}

/// Guards: no capability to mount, and the options of the configuration. CVE-2022-0492 itself is mended in the kernel.
#[test]
fn cve_2022_0492_2023_25809_no_writable_group_with_a_view_of_its_own_or_without() {
    for own_view in [true, false] {
        let mut bundle = Bundle::of(&["/probe", "try", "mount-cgroup", "mkdir-cgroup", "mount-tmpfs", "write-uevent-helper"]);
        if !own_view {
            bundle.without_namespace("cgroup");
        }
        let ran = bundle.run("tare");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(said.lines().count() == 4 && said.lines().all(|line| !line.ends_with(" OK")), "own view {own_view}: {said}");
    }
    let ran = Bundle::of(&["/probe"]).run("tare");
    let report = Report::parse(&String::from_utf8_lossy(&ran.stdout));
    assert!(report.mount("/sys/fs/cgroup").is_some_and(|mount| mount.has("ro")), "the groups can be written");
}
