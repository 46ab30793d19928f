//! AppArmor and SELinux: applied where the kernel has them (`tests/vm/`), refused where it has not, and never passed over.

use super::bundle::Bundle;
use serde_json::json;
use std::path::Path;

#[test]
fn labels_that_the_kernel_cannot_give_are_refused_by_name() {
    let has_apparmor = std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'));
    for (place, label, module, there) in [
        ("/process/apparmorProfile", "no-such-profile", "AppArmor", has_apparmor),
        ("/process/selinuxLabel", "system_u:system_r:container_t:s0", "SELinux", Path::new("/sys/fs/selinux").exists()),
        ("/linux/mountLabel", "system_u:object_r:container_file_t:s0", "SELinux", Path::new("/sys/fs/selinux").exists()),
    ] {
        if there {
            let _ = crate::common::cannot(&format!("this kernel has {module}"));
            continue;
        }
        for value in [label, ""] {
            let mut bundle = Bundle::of(&["true"]);
            let (above, field) = place.rsplit_once('/').expect("a place");
            bundle.config.pointer_mut(above).expect("it is there")[field] = json!(value);
            bundle.write();
            if value.is_empty() {
                assert!(bundle.run("tare").status.success(), "an empty {place} is no wish");
            } else {
                bundle.refuses(&["create", "one"], &format!("{}: this kernel has no {module}", place[1..].replace('/', ".")));
            }
            bundle.assert_nothing_left();
        }
    }
}

#[test]
fn exec_refuses_them_too() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.call(&["start", "one"]);
    if !Path::new("/sys/module/apparmor").exists() {
        bundle.refuses(&["exec", "--apparmor", "no-such-profile", "one", "true"], "this kernel has no AppArmor");
        bundle.call(&["exec", "--apparmor", "unconfined", "one", "true"]);
    }
    if !Path::new("/sys/fs/selinux").exists() {
        bundle.refuses(&["exec", "--process-label", "a:b:c:s0", "one", "true"], "this kernel has no SELinux");
        bundle.call(&["exec", "--process-label", "", "one", "true"]);
    }
    bundle.call(&["delete", "--force", "one"]);
}
