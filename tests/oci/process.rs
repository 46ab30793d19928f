//! Fields of a process that only show when it runs: the processors of one that enters, capabilities as other runtimes' own example
//! has them, the size of its terminal.

use super::bundle::Bundle;
use crate::common::Report;
use serde_json::json;

#[test]
fn who_enters_runs_where_its_affinity_says() {
    let online = std::thread::available_parallelism().expect("processors").get();
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.call(&["start", "one"]);
    let all = std::fs::read_to_string("/proc/self/status").expect("status");
    let all = all.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:\t")).expect("a list").to_owned();
    let last = (online - 1).to_string();
    for (affinity, expected) in [
        (json!({"initial": "0"}), "0"),
        (json!({"final": &last}), last.as_str()),
        (json!({"initial": "0", "final": format!("0-{last}")}), all.as_str()),
        (json!({}), all.as_str()),
    ] {
        let mut process = bundle.config["process"].clone();
        process["args"] = json!(["grep", "Cpus_allowed_list", "/proc/self/status"]);
        process["execCPUAffinity"] = affinity.clone();
        std::fs::write(bundle.dir.join("process.json"), process.to_string()).expect("a file");
        assert_eq!(
            bundle.call(&["exec", "--process", "process.json", "one"]).trim(),
            format!("Cpus_allowed_list:\t{expected}"),
            "{affinity}"
        );
    }
    for (affinity, words) in [(json!({"initial": "900"}), "set its processors"), (json!({"final": "3-1"}), "execCPUAffinity.final \"3-1\"")]
    {
        let mut process = bundle.config["process"].clone();
        process["execCPUAffinity"] = affinity;
        std::fs::write(bundle.dir.join("process.json"), process.to_string()).expect("a file");
        bundle.refuses(&["exec", "--process", "process.json", "one"], words);
    }
    bundle.call(&["delete", "--force", "one"]);
}

#[test]
fn the_first_process_has_no_affinity_of_its_own() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["process"]["execCPUAffinity"] = json!({"initial": "900", "final": "900"});
    assert!(bundle.run("tare").status.success());
}

/// As `runc spec` writes it: the kernel raises none that is not inheritable, and runc goes on.
#[test]
fn ambient_capabilities_that_nobody_inherits_are_not_raised() {
    let mut bundle = Bundle::new();
    let set = json!(["CAP_KILL", "CAP_CHOWN"]);
    bundle.config["process"]["capabilities"] =
        json!({"bounding": set, "effective": set, "permitted": set, "inheritable": ["CAP_KILL"], "ambient": set});
    let ran = bundle.run("tare");
    let report = Report::parse(&String::from_utf8_lossy(&ran.stdout));
    assert_eq!((report.hex("CapAmb"), report.hex("CapPrm")), (1 << 5, 1 << 5 | 1));
}

#[test]
fn a_terminal_has_the_size_that_was_asked_for() {
    let mut bundle = Bundle::of(&["stty", "size"]);
    bundle.config["process"]["terminal"] = json!(true);
    bundle.config["process"]["consoleSize"] = json!({"height": 33, "width": 77});
    let ran = bundle.run("tare");
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "33 77", "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn shares_of_caches_are_refused_where_nobody_can_give_them() {
    if std::path::Path::new("/sys/fs/resctrl/schemata").exists() {
        let _ = crate::common::cannot("this host has a resctrl file system, whose groups are its own affair");
        return;
    }
    for wish in [json!({}), json!({"closID": "x"}), json!({"l3CacheSchema": "L3:0=f"}), json!({"schemata": ["L3:0=f"]})] {
        let mut bundle = Bundle::of(&["true"]);
        bundle.config["linux"]["intelRdt"] = wish;
        bundle.write();
        bundle.refuses(&["create", "one"], "linux.intelRdt: no resctrl file system is mounted");
        bundle.assert_nothing_left();
    }
}
