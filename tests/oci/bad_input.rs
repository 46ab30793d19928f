//! What is broken, too large or impossible is refused in words, on standard error and in the log, and leaves nothing behind.

use super::bundle::Bundle;
use serde_json::{Value, json};

#[test]
fn a_config_that_is_no_config_is_refused() {
    let bundle = Bundle::new();
    let config = bundle.dir.join("config.json");
    let refused = |text: &str, words: &str| {
        std::fs::write(&config, text).expect("write");
        bundle.refuses(&["create", "one"], words);
        bundle.assert_nothing_left();
    };
    std::fs::remove_file(&config).expect("remove");
    bundle.refuses(&["create", "one"], "No such file");
    refused("", "damaged");
    refused("{\"ociVersion\": \"1.0.0\", \"proc", "damaged");
    refused(&format!("{}{}", "[".repeat(1000), "]".repeat(1000)), "damaged");
    // In a field that nobody knows depth does no harm; what is missing is told.
    refused(&format!("{{\"ociVersion\":\"1.0.0\",\"x\":{}1{}}}", "[".repeat(1000), "]".repeat(1000)), "no root");
    let large = std::fs::File::create(&config).expect("a file");
    large.set_len(100 << 20).expect("100 MiB");
    bundle.refuses(&["create", "one"], "longer than");
    bundle.assert_nothing_left();
}

#[test]
fn a_value_that_makes_no_sense_is_refused_by_name() {
    let cases: &[(&str, Value, &str)] = &[
        ("/ociVersion", json!("2.0.0"), "ociVersion"),
        ("/ociVersion", json!("one"), "ociVersion"),
        ("/root/path", json!("nosuch"), "root"),
        ("/root/path", json!(""), "root.path"),
        ("/root/path", json!("/etc/passwd"), "not a directory"),
        ("/process/cwd", json!("tmp"), "not an absolute path"),
        ("/process/args", json!([]), "process.args"),
        ("/process", json!(null), "process"),
        ("/linux", json!(null), "linux"),
        ("/linux/namespaces", json!([{"type": "pid"}]), "mount namespace"),
        ("/linux/namespaces", json!([{"type": "mount"}, {"type": "mount"}]), "two mount namespaces"),
        ("/linux/namespaces", json!([{"type": "mount"}, {"type": "network", "path": "/etc/passwd"}]), "network"),
        ("/linux/namespaces", json!([{"type": "mount"}, {"type": "network", "path": "/proc/self/ns/uts"}]), "another kind"),
        ("/linux/cgroupsPath", json!("/a/../../b"), "upwards"),
        ("/process/ioPriority", json!({"class": "IOPRIO_CLASS_BE", "priority": 9}), "ioPriority"),
        ("/linux/personality", json!({"domain": "LINUX", "flags": ["X"]}), "personality"),
    ];
    for (place, value, words) in cases {
        let mut bundle = Bundle::of(&["true"]);
        let (above, last) = place.rsplit_once('/').expect("a place");
        bundle.config.pointer_mut(above).expect(above)[last] = value.clone();
        bundle.write();
        bundle.refuses(&["create", "one"], words);
        bundle.assert_nothing_left();
    }
}

#[test]
fn fields_that_nobody_knows_mean_nothing() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["org.example.unknown"] = json!({"a": [1, 2]});
    bundle.config["linux"]["fromTheFuture"] = json!(true);
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn errors_go_to_the_log_in_both_forms() {
    let bundle = Bundle::of(&["nosuch"]);
    bundle.write();
    bundle.refuses(&["--log", "text.log", "create", "one"], "executable file not found");
    let text = std::fs::read_to_string(bundle.dir.join("text.log")).expect("the log");
    assert!(text.contains("level=error") && text.contains("executable file not found in $PATH"), "{text}");
    bundle.refuses(&["--log", "json.log", "--log-format", "json", "create", "one"], "nosuch");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(bundle.dir.join("json.log")).expect("the log")).expect("JSON");
    assert_eq!(json["level"], "error");
    assert!(json["msg"].as_str().is_some_and(|text| text.contains("executable file not found in $PATH")), "{json}");
    bundle.assert_nothing_left();
}
