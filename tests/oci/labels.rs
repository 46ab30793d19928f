//! AppArmor and SELinux: the kernel is asked where it has them (AppArmor in the throw-away machine), else they are refused by name.

use super::bundle::Bundle;
use crate::common::cannot;
use serde_json::json;
use std::path::Path;

fn has_apparmor() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'))
}

fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux").exists()
}

fn started(words: &[&str]) -> Bundle {
    let bundle = Bundle::of(words);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.call(&["start", "one"]);
    bundle
}

#[test]
fn labels_that_the_kernel_cannot_give_are_refused_by_name() {
    for (place, label, module, there) in [
        ("/process/apparmorProfile", "no-such-profile", "AppArmor", has_apparmor()),
        ("/process/selinuxLabel", "system_u:system_r:container_t:s0", "SELinux", has_selinux()),
        ("/linux/mountLabel", "system_u:object_r:container_file_t:s0", "SELinux", has_selinux()),
    ] {
        for value in [label, ""] {
            let mut bundle = Bundle::of(&["true"]);
            let (above, field) = place.rsplit_once('/').expect("a place");
            bundle.config.pointer_mut(above).expect("it is there")[field] = json!(value);
            bundle.write();
            if value.is_empty() {
                assert!(bundle.run("tare").status.success(), "an empty {place} is no wish");
            } else if !there {
                bundle.refuses(&["create", "one"], &format!("{}: this kernel has no {module}", place[1..].replace('/', ".")));
            }
            bundle.assert_nothing_left();
        }
    }
}

#[test]
fn exec_refuses_them_too() {
    let bundle = started(&["sleep", "1000"]);
    if !has_apparmor() {
        bundle.refuses(&["exec", "--apparmor", "no-such-profile", "one", "true"], "this kernel has no AppArmor");
        bundle.call(&["exec", "--apparmor", "unconfined", "one", "true"]);
    }
    if !has_selinux() {
        bundle.refuses(&["exec", "--process-label", "a:b:c:s0", "one", "true"], "this kernel has no SELinux");
        bundle.call(&["exec", "--process-label", "", "one", "true"]);
    }
    bundle.call(&["delete", "--force", "one"]);
}

/// Without a policy of our own: the kernel says that it does not know the profile, or that nothing confines the process.
#[test]
fn apparmor_is_asked_for_the_profile() {
    if !has_apparmor() {
        let _ = cannot("this kernel has no AppArmor; the one of scripts/vm has");
        return;
    }
    let mut bundle = Bundle::of(&["cat", "/proc/self/attr/apparmor/current"]);
    bundle.config["process"]["apparmorProfile"] = json!("unconfined");
    assert_eq!(String::from_utf8_lossy(&bundle.run("tare").stdout).trim(), "unconfined");
    bundle.config["process"]["apparmorProfile"] = json!("no-such-profile");
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.refuses(&["start", "one"], "exec no-such-profile: No such file or directory");
    bundle.call(&["delete", "--force", "one"]);

    let bundle = started(&["sleep", "1000"]);
    assert_eq!(bundle.call(&["exec", "--apparmor", "unconfined", "one", "cat", "/proc/self/attr/apparmor/current"]).trim(), "unconfined");
    bundle.refuses(&["exec", "--apparmor", "no-such-profile", "one", "true"], "exec no-such-profile: No such file or directory");
    bundle.call(&["delete", "--force", "one"]);
}
