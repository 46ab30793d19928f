//! Containers where the root is an initramfs, as in many machines for tests. In the throw-away machine `before-the-disk` runs
//! them before the disk becomes the root, and leaves what was said; here it is judged.
//!
//! The next line lets `scripts/test` run this in that machine.
// vm: also

mod common;

const SAID: &str = "/before-the-disk.said";

/// The part that a step of the script said, and with which code it ended.
fn part(said: &str, name: &str) -> (String, i32) {
    let (_, rest) = said.split_once(&format!("== {name}\n")).unwrap_or_else(|| panic!("{name} was not reached:\n{said}"));
    let (text, rest) = rest.split_once("== ended with ").unwrap_or_else(|| panic!("{name} did not end:\n{said}"));
    (text.to_string(), rest.lines().next().and_then(|code| code.parse().ok()).expect("a code"))
}

#[test]
fn containers_run_on_an_initramfs_root() {
    let Ok(said) = std::fs::read_to_string(SAID) else {
        let _ = match common::in_vm() {
            true => common::lacking(&format!("{SAID}: start it with -c tests/before-the-disk:/before-the-disk")),
            false => common::cannot("the root is no initramfs here; scripts/vm has one at its start"),
        };
        return;
    };
    let text = |name: &str| {
        let (text, code) = part(&said, name);
        assert_eq!(code, 0, "{name}:\n{said}");
        text
    };
    assert!(text("root").contains(" - rootfs "), "the root was no initramfs:\n{said}");
    text("load");
    let info = text("info");
    let new_root = info.lines().find(|line| line.trim().starts_with("new root ")).expect("a line on the new root");
    assert!(new_root.contains("MS_MOVE"), "{new_root}");
    let (ran, code) = part(&said, "run");
    assert_eq!((ran.as_str(), code), ("pid 1 is tare-init, its name has 127.0.1.1\n", 7), "{said}");
    let top = text("top");
    let top: Vec<&str> = top.lines().collect();
    assert!(top.contains(&"bin") && top.contains(&"proc") && !top.contains(&"new") && !top.contains(&"modules"), "{top:?}");
    let mounts = text("mounts");
    let roots: Vec<&str> = mounts.lines().filter(|line| line.split(' ').nth(4) == Some("/")).collect();
    assert!(roots.len() == 1 && roots[0].contains(" - overlay "), "only the container's own root is seen:\n{mounts}");
    assert!(!mounts.contains("rootfs") && !mounts.contains("/dev/vda"), "{mounts}");
    let (up, code) = part(&said, "up");
    assert!(code != 0 && up.contains("No such file"), "no way leads up to the old root:\n{up}");
    assert!(text("bind").contains("busybox.tar") && text("bind").ends_with("written\n"), "{said}");
    text("detached");
    let (exec, _) = part(&said, "exec");
    assert!(exec.starts_with("in pid:[]\n") && exec.contains("/new: No such file"), "{exec}");
    let shared = text("shared");
    assert!(shared.contains("sleep 1000") && shared.contains("ps"), "{shared}");
    assert_eq!(text("memory"), "seen\n");
    text("removed");
    assert_eq!(part(&said, "left").0, "0\n", "no mount is left:\n{said}");
}
