//! One field of a good config.json changed at random, again and again: whatever comes of it, nothing panics, hangs or is left.

use super::Bundle;
use crate::common::process::run;
use crate::common::{Random, rounds};
use serde_json::{Value, json};

/// A config.json that says something of nearly everything.
fn talkative() -> Bundle {
    let mut bundle = Bundle::of(&["true"]);
    let process = &mut bundle.config["process"];
    process["user"] = json!({"uid": 1000, "gid": 1000, "umask": 0o22, "additionalGids": [5, 6]});
    process["oomScoreAdj"] = json!(100);
    process["consoleSize"] = json!({"height": 24, "width": 80});
    process["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 4});
    process["scheduler"] = json!({"policy": "SCHED_OTHER", "nice": 1});
    process["rlimits"] = json!([{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]);
    bundle.config["domainname"] = json!("example");
    bundle.config["annotations"] = json!({"org.example.a": "b"});
    bundle.config["hooks"] = json!({
        "createRuntime": [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 10}],
        "createContainer": [{"path": "/bin/true", "timeout": 10}],
        "startContainer": [{"path": "/bin/true", "timeout": 10}],
        "poststop": [{"path": "/bin/true", "timeout": 10}],
    });
    let linux = &mut bundle.config["linux"];
    linux["devices"] = json!([{"path": "/dev/fifo", "type": "p"}, {"path": "/dev/one", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 1, "gid": 2}]);
    linux["sysctl"] = json!({"net.ipv4.ip_forward": "0", "kernel.shmmax": "100000"});
    linux["personality"] = json!({"domain": "LINUX"});
    linux["rootfsPropagation"] = json!("private");
    linux["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]});
    let mounts = bundle.config["mounts"].as_array_mut().expect("mounts");
    mounts.push(json!({"destination": "/mnt/a", "type": "bind", "source": "/etc", "options": ["rbind", "ro", "rprivate"]}));
    bundle
}

/// Where every value stands that is no list and no object, and every list and object, too.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{}", name.replace('/', "~1")), all)),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), all)),
        _ => {}
    }
    // Another root would be the host's own.
    if !at.is_empty() && !at.starts_with("/root") {
        all.push(at.to_owned());
    }
}

fn another(random: &mut Random) -> Value {
    let long = "x".repeat(5_000);
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(u32::MAX),
        json!(4_294_967_296_u64),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("/"),
        json!("/proc"),
        json!("/dev"),
        json!("/proc/self/fd/4"),
        json!("a\u{0}b"),
        json!("../../../.."),
        json!("\u{fffd}%s%n"),
        json!(long),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!(["", "x"]),
        json!({"x": {}}),
        json!({"": null}),
    ];
    values[random.below(values.len() as u64) as usize].clone()
}

#[test]
fn one_field_changed_at_random() {
    let mut bundle = talkative();
    let good = bundle.config.clone();
    let mut all = Vec::new();
    places(&good, "", &mut all);
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let random = &mut Random::new();
    let mut worked = 0;
    for _ in 0..rounds(150) {
        let place = &all[random.below(all.len() as u64) as usize];
        let value = another(random);
        bundle.config = good.clone();
        *bundle.config.pointer_mut(place).expect("a place") = value.clone();
        bundle.write();
        let ran = run(bundle.command("tare", &["run", "one"]), None);
        let what = || format!("{place} = {value}: {}", ran.story());
        assert!(ran.code < 128 && !ran.stderr.contains("panicked"), "{}", what());
        if ran.code == 0 {
            worked += 1;
        } else {
            let first = ran.stderr.lines().next().unwrap_or_default();
            assert!(first.starts_with("tare-oci: ") && first.len() > 20, "no words: {}", what());
        }
        bundle.assert_nothing_left();
    }
    eprintln!("{worked} worked all the same");
}
