//! Whose process it is: numbers that could be read as root's, and rights that nobody asked for.

use super::Bundle;
use crate::common::Report;
use serde_json::json;

/// Guards: `change_user` in oci/exec.rs, which takes digits alone.
#[test]
fn cve_2026_30892_a_user_to_execute_as_is_never_read_as_root() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    std::fs::write(bundle.root("etc/passwd"), "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n77:x:0:0::/:/bin/sh\n")
        .expect("a file");
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    for (typed, is) in
        [("1", "1 0\n"), ("1:2", "1 2\n"), ("01", "1 0\n"), ("77", "77 0\n"), ("1000:0", "1000 0\n"), ("4294967294", "4294967294 0\n")]
    {
        assert_eq!(bundle.call(&["exec", "-u", typed, "one", "sh", "-c", "echo $(id -u) $(id -g)"]), is, "-u {typed}");
    }
    let refused = [
        "",
        ":",
        "1:",
        ":1",
        "1:2:3",
        "alice",
        "alice:alice",
        "root",
        "-1",
        "+1",
        "1 ",
        " 1",
        "0x1",
        "1e3",
        "1:-1",
        "1:alice",
        "4294967295",
        "4294967296",
        "1:4294967295",
        "99999999999999999999",
        "1\n",
        "\u{661}",
    ];
    for typed in refused {
        bundle.refuses(&["exec", &format!("--user={typed}"), "one", "true"], "is not the number");
    }
    bundle.refuses(&["exec", "--additional-gids=4294967295", "one", "true"], "is not the number");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

/// setresuid(2) reads it as "leave it as it is", which is root. Guard: runtime/impossible.rs.
#[test]
fn cve_2026_30892_nobody_has_the_last_number() {
    let mut bundle = Bundle::of(&["id"]);
    for (uid, gid, more) in [(u32::MAX, 1000, 1000), (1000, u32::MAX, 1000), (1000, 1000, u32::MAX)] {
        bundle.config["process"]["user"] = json!({"uid": uid, "gid": gid, "additionalGids": [more]});
        bundle.write();
        bundle.refuses(&["run", "one"], "nobody can have this number");
        bundle.assert_nothing_left();
    }
    bundle.config["process"]["user"] = json!({"uid": 0, "gid": 0});
    bundle.config["process"]["args"] = json!(["sleep", "1000"]);
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    let process = json!({"cwd": "/", "args": ["id"], "user": {"uid": u32::MAX, "gid": 0}});
    std::fs::write(bundle.dir.join("process.json"), process.to_string()).expect("a file");
    bundle.refuses(&["exec", "--process", "process.json", "one"], "nobody can have this number");
    bundle.call(&["delete", "--force", "one"]);
}

/// Guards: `add_capabilities` in oci/exec.rs, and that `capabilities` in runtime/plan.rs takes each set as it is.
#[test]
fn cve_2022_29162_2022_27650_2022_24769_nothing_is_inheritable() {
    let mut bundle = Bundle::of(&["/probe"]);
    for uid in [0, 1000] {
        bundle.config["process"]["user"] = json!({"uid": uid, "gid": uid});
        let ran = bundle.run("tare");
        let report = Report::parse(&String::from_utf8_lossy(&ran.stdout));
        assert_eq!((report.hex("CapInh"), report.hex("CapAmb")), (0, 0), "uid {uid}");
    }
    bundle.config["process"]["args"] = json!(["sleep", "1000"]);
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    for flags in [&[][..], &["-u", "0"], &["--cap", "CAP_NET_RAW"], &["-u", "0", "--cap", "net_raw"]] {
        let report = Report::parse(&bundle.call(&[&["exec"], flags, &["one", "/probe"]].concat()));
        assert_eq!((report.hex("CapInh"), report.hex("CapAmb")), (0, 0), "{flags:?}");
        assert_eq!(report.hex("CapBnd") >> 13 & 1, u64::from(flags.contains(&"--cap")), "{flags:?}");
    }
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}
