//! Mounts that are made after a container has started: who sees whose. In mount namespaces of the tests' own.

use super::bundle::Bundle;
use crate::common::program;
use serde_json::json;
use std::process::{Command, Output};

/// Runs a script where /host of the bundle is a shared file system in memory and `oci` the runtime; nobody else sees what it mounts.
fn in_own_mounts(bundle: &Bundle, script: &str) -> Output {
    bundle.write();
    std::fs::create_dir_all(bundle.dir.join("host")).expect("a directory");
    let before = format!(
        "set -e; cd {}; oci() {{ {} oci --root shelf/tare \"$@\"; }}; mount -t tmpfs none host; mount --make-shared host; \
         mkdir host/in host/out; cp -a rootfs host/rootfs\n",
        bundle.dir.display(),
        program().display()
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c", &(before + script)]).output().expect("unshare runs")
}

fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

#[test]
fn a_bind_hears_of_later_mounts_and_tells_of_them_as_was_asked() {
    // The bind's own words, those of the root, whether it hears, whether it tells.
    for (word, root, hears, tells) in [
        ("rprivate", "", false, false),
        ("private", "rshared", false, false),
        ("rslave", "", true, false),
        ("slave", "rslave", true, false),
        ("rslave", "shared", true, false),
        ("rshared", "shared", true, true),
        ("shared", "rshared", true, true),
        // As under runc: it is shared with whoever copies it from the container, and hears of the host's.
        ("rshared", "", true, false),
        ("defaults", "", false, false),
    ] {
        let mut bundle = Bundle::of(&["sleep", "1000"]);
        let bind = json!({"destination": "/d", "type": "bind", "source": bundle.dir.join("host"), "options": ["rbind", word]});
        bundle.config["mounts"].as_array_mut().expect("mounts").push(bind);
        bundle.config["linux"]["rootfsPropagation"] = json!(root);
        let admin = json!(["CAP_SYS_ADMIN"]);
        bundle.config["process"]["capabilities"] = json!({"bounding": admin, "effective": admin, "permitted": admin});
        let ran = in_own_mounts(
            &bundle,
            "oci create one; oci start one
             mount -t tmpfs none host/in; touch host/in/heard
             oci exec one mount -t tmpfs none /d/out; oci exec one touch /d/out/told
             oci exec one ls /d/in; ls host/out
             oci delete --force one; grep -q host/rootfs /proc/self/mountinfo && echo left; true",
        );
        let expected = [hears.then_some("heard"), tells.then_some("told")].into_iter().flatten().collect::<Vec<_>>().join("\n");
        assert_eq!(said(&ran), expected, "{word}, the root {root:?}: {ran:?}");
        bundle.assert_nothing_left();
    }
}

#[test]
fn the_root_hears_of_the_host_s_mounts_only_as_a_slave() {
    for (root, hears, seen) in [
        ("", false, ""),
        ("private", false, ""),
        ("rprivate", false, ""),
        ("slave", true, "master:"),
        ("rslave", true, "master:"),
        ("shared", false, "shared:"),
        ("rshared", false, "shared:"),
        ("unbindable", false, "unbindable"),
        ("runbindable", false, "unbindable"),
    ] {
        let mut bundle = Bundle::of(&["sleep", "1000"]);
        bundle.config["root"]["path"] = json!("host/rootfs");
        bundle.config["linux"]["rootfsPropagation"] = json!(root);
        let ran = in_own_mounts(
            &bundle,
            "oci create one; oci start one
             [ $(grep -c host/rootfs /proc/self/mountinfo) = 0 ] || echo its mounts are on the host
             mount -t tmpfs none host/rootfs/tmp; touch host/rootfs/tmp/heard
             oci exec one ls /tmp; oci exec one cat /proc/1/mountinfo | grep ' /rootfs / ' | sed 's/.*\\(shared:\\|master:\\|unbindable\\).*/\\1/; t; d'
             umount host/rootfs/tmp; oci delete --force one",
        );
        let heard = if hears { "heard\n" } else { "" };
        assert_eq!(said(&ran), format!("{heard}{seen}").trim(), "{root:?}: {ran:?}");
        bundle.assert_nothing_left();
    }
}

#[test]
fn a_propagation_that_there_is_not_is_refused() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["linux"]["rootfsPropagation"] = json!("upwards");
    bundle.write();
    bundle.refuses(&["create", "one"], "linux.rootfsPropagation \"upwards\"");
    bundle.assert_nothing_left();
}
