//! Options of mounts: each word of the specification is obeyed or refused by name, and a tmpfs can be filled with what it covers.

use super::bundle::Bundle;
use crate::common::program;
use serde_json::{Value, json};
use std::process::Command;

fn with_mount(words: &[&str], mount: Value) -> Bundle {
    let mut bundle = Bundle::of(words);
    bundle.config["mounts"].as_array_mut().expect("mounts").push(mount);
    bundle
}

fn output(bundle: &Bundle) -> String {
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// The options of the mount at `target` and those of its file system, as /proc/self/mountinfo shows them.
fn options(mounts: &str, target: &str) -> Vec<String> {
    let line = mounts.lines().rev().find(|line| line.split(' ').nth(4) == Some(target)).unwrap_or_else(|| panic!("no {target}: {mounts}"));
    let words: Vec<&str> = line.split(' ').collect();
    [words[5], words[words.len() - 1]].iter().flat_map(|words| words.split(',')).map(str::to_owned).collect()
}

#[test]
fn a_new_file_system_has_every_option() {
    for (words, seen, unseen) in [
        ("ro", "ro", ""),
        ("rro,nosuid", "ro,nosuid", ""),
        ("nosuid,nodev,noexec", "nosuid,nodev,noexec", ""),
        ("rnosuid,rnodev,rnoexec", "nosuid,nodev,noexec", ""),
        ("nosuid,nodev,noexec,suid,dev,exec", "", "nosuid,nodev,noexec"),
        ("nosymfollow", "nosymfollow", ""),
        ("rnosymfollow", "nosymfollow", ""),
        ("noatime", "noatime", "relatime"),
        ("rnoatime", "noatime", "relatime"),
        ("noatime,relatime", "relatime", "noatime"),
        ("strictatime", "", "noatime,relatime"),
        ("rstrictatime", "", "noatime,relatime"),
        ("nodiratime", "nodiratime", ""),
        ("sync,dirsync", "sync,dirsync", ""),
        ("lazytime,loud", "lazytime", ""),
        ("lazytime,nolazytime,silent", "", "lazytime"),
        ("iversion,noiversion,async,symfollow,defaults", "", "sync,nosymfollow"),
        ("size=64k,nr_inodes=7,mode=0710", "size=64k,nr_inodes=7,mode=710", ""),
    ] {
        let list: Vec<&str> = words.split(',').collect();
        let bundle =
            with_mount(&["cat", "/proc/self/mountinfo"], json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": list}));
        let found = options(&output(&bundle), "/m");
        let has = |word: &&str| found.iter().any(|found| found == word);
        assert!(seen.split_terminator(',').all(|word| has(&word)), "{words}: {found:?}");
        assert!(!unseen.split_terminator(',').any(|word| has(&word)), "{words}: {found:?}");
    }
}

#[test]
fn a_bind_has_every_option_and_only_those_that_a_bind_can_have() {
    // The host has everything switched off there, in a mount namespace of the test's own.
    for (words, seen, unseen) in [
        ("bind", "noexec,nosuid,nodev,noatime,ro", ""),
        ("bind,exec", "nosuid,nodev,ro", "noexec"),
        ("bind,rw,suid,dev,relatime", "rw,noexec,relatime", "ro,nosuid,nodev,noatime"),
        ("bind,atime", "relatime", "noatime"),
        ("rbind,rrw,rexec", "rw,nosuid", "noexec"),
        ("bind,nosymfollow,silent", "nosymfollow", ""),
        ("bind,nodiratime", "nodiratime,noatime", ""),
    ] {
        let mut bundle = with_mount(
            &["cat", "/proc/self/mountinfo"],
            json!({"destination": "/m", "type": "none", "source": "host", "options": words.split(',').collect::<Vec<_>>()}),
        );
        let host = bundle.dir.join("host");
        std::fs::create_dir(&host).expect("a directory");
        bundle.config["mounts"].as_array_mut().expect("mounts").last_mut().expect("one")["source"] = json!(host);
        bundle.write();
        let script = format!(
            "cd {}; mount -t tmpfs none host && mount -o remount,bind,ro,noexec,nosuid,nodev,noatime host && {} oci --root shelf/tare run one",
            bundle.dir.display(),
            program().display()
        );
        let ran = Command::new("unshare").args(["-m", "--propagation", "private", "sh", "-c", &script]).output().expect("unshare runs");
        assert!(ran.status.success(), "{words}: {}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8_lossy(&ran.stdout);
        let line = text.lines().find(|line| line.split(' ').nth(4) == Some("/m")).expect("the mount");
        let found: Vec<&str> = line.split(' ').nth(5).expect("options").split(',').collect();
        assert!(seen.split_terminator(',').all(|word| found.contains(&word)), "{words}: {found:?}");
        assert!(!unseen.split_terminator(',').any(|word| found.contains(&word)), "{words}: {found:?}");
    }
    for word in ["sync", "dirsync", "lazytime", "iversion", "mand", "tmpcopyup", "size=1m", "nonsense"] {
        let bundle = with_mount(&["true"], json!({"destination": "/m", "type": "bind", "source": "/tmp", "options": ["bind", word]}));
        bundle.write();
        bundle.refuses(&["create", "one"], &format!("mount /m: option {word}"));
        bundle.assert_nothing_left();
    }
}

#[test]
fn a_tmpfs_is_filled_with_what_it_covers() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    let show = "cd /data; stat -c '%n %a %u:%g' . file sub sub/deep; readlink link; cat file sub/deep; echo changed >file && rm -r sub; ls /etc/new";
    let mount = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "size=1m"]});
    let mut bundle = with_mount(&["sh", "-c", show], mount);
    let all = json!(["CAP_DAC_OVERRIDE"]);
    bundle.config["process"]["capabilities"] = json!({"bounding": all, "effective": all, "permitted": all});
    let data = bundle.root("data");
    std::fs::create_dir_all(data.join("sub")).expect("directories");
    for (name, content, mode) in [("file", "one\n", 0o4710), ("sub/deep", "two\n", 0o600)] {
        std::fs::write(data.join(name), content).expect("a file");
        chown(data.join(name), Some(7), Some(8)).expect("chown");
        std::fs::set_permissions(data.join(name), PermissionsExt::from_mode(mode)).expect("chmod");
    }
    std::fs::set_permissions(data.join("sub"), PermissionsExt::from_mode(0o2750)).expect("chmod");
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o751)).expect("chmod");
    // It leads out of the root where somebody follows it on the host.
    symlink("/etc/new", data.join("link")).expect("a link");
    let ran = bundle.run("tare");
    let expected = ". 751 0:0\nfile 4710 7:8\nsub 2750 0:0\nsub/deep 600 7:8\n/etc/new\none\ntwo\n";
    assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(std::fs::read_to_string(data.join("file")).expect("the root's file"), "one\n", "what it covers stays as it is");
    assert!(data.join("sub/deep").exists());
    bundle.assert_nothing_left();
}

#[test]
fn what_is_copied_up_must_fit() {
    let mount = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "size=64k"]});
    let bundle = with_mount(&["true"], mount);
    std::fs::create_dir(bundle.root("data")).expect("a directory");
    std::fs::write(bundle.root("data/big"), vec![1; 1 << 20]).expect("a file");
    bundle.write();
    let error = bundle.refuses(&["create", "one"], "copy up /data");
    assert!(error.contains("No space left on device") && error.contains("big"), "{error}");
    bundle.assert_nothing_left();
}

#[test]
fn a_tmpfs_has_the_mode_of_the_directory_or_the_one_asked_for() {
    for (options, mode) in [(json!([]), "1710"), (json!(["mode=0700"]), "700"), (json!(["mode=0700", "tmpcopyup"]), "700")] {
        let mount = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": options});
        let bundle = with_mount(&["stat", "-c", "%a", "/data"], mount);
        std::fs::create_dir(bundle.root("data")).expect("a directory");
        std::fs::set_permissions(bundle.root("data"), std::os::unix::fs::PermissionsExt::from_mode(0o1710)).expect("chmod");
        assert_eq!(output(&bundle).trim(), mode, "{options}");
    }
}

#[test]
fn a_read_only_tmpfs_takes_the_mounts_and_devices_below_it_first() {
    let mut bundle =
        with_mount(&["sh", "-c", "mkdir /m/n/x /c/x && ls -1 /m; ls -1 /dev/null /dev/console /dev/wished; touch /m/y /dev/y"], json!({}));
    let mounts = bundle.config["mounts"].as_array_mut().expect("mounts");
    *mounts.last_mut().expect("one") = json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]});
    mounts.push(json!({"destination": "/m/n", "type": "tmpfs", "source": "tmpfs"}));
    // Below another, it is that one which is read-only, and not what covers it.
    mounts.push(json!({"destination": "/c", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]}));
    mounts.push(json!({"destination": "/c", "type": "tmpfs", "source": "tmpfs"}));
    let dev = mounts.iter_mut().find(|mount| mount["destination"] == "/dev").expect("/dev");
    dev["options"] = json!(["nosuid", "ro", "mode=755"]);
    bundle.config["process"]["terminal"] = json!(true);
    bundle.config["linux"]["devices"] = json!([{"path": "/dev/wished", "type": "c", "major": 1, "minor": 3}]);
    let ran = bundle.run("tare");
    let seen = String::from_utf8_lossy(&ran.stdout).replace('\r', "");
    let read_only = |path: &str| format!("touch: {path}: Read-only file system");
    for expected in ["n", "/dev/console", "/dev/null", "/dev/wished", &read_only("/m/y"), &read_only("/dev/y")] {
        assert!(seen.lines().any(|line| line == expected), "no {expected}: {seen} {}", String::from_utf8_lossy(&ran.stderr));
    }
    bundle.assert_nothing_left();
}

#[test]
fn what_is_mounted_can_be_mounted_anew() {
    let mut bundle = with_mount(
        &["cat", "/proc/self/mountinfo"],
        json!({"destination": "/proc", "type": "proc", "source": "proc", "options": ["remount", "hidepid=2"]}),
    );
    let mounts = bundle.config["mounts"].as_array_mut().expect("mounts");
    mounts.push(json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]}));
    mounts.push(json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["remount", "size=2m", "nosuid"]}));
    mounts.push(json!({"destination": "/m", "source": "/m", "options": ["remount", "bind", "noexec"]}));
    let mounts = output(&bundle);
    assert!(options(&mounts, "/proc").contains(&"hidepid=invisible".to_owned()), "{mounts}");
    let found = options(&mounts, "/m");
    assert!(found.contains(&"size=2048k".to_owned()) && found.contains(&"noexec".to_owned()), "{found:?}");
}

#[test]
fn places_and_kinds_that_do_not_fit_are_told() {
    let mount =
        |destination: &str, source: &str| json!({"destination": destination, "type": "bind", "source": source, "options": ["bind"]});
    for (mount, words) in [
        (mount("/etc/passwd", "/tmp"), "mount /tmp on /etc/passwd"),
        (mount("/tmp", "/etc/hostname"), "mount /etc/hostname on /tmp"),
        (mount("/m", "/no/such/source"), "/no/such/source"),
        (json!({"destination": "/m", "type": "nosuchfs", "source": "x"}), "nosuchfs"),
        (json!({"destination": "/etc/passwd", "type": "tmpfs", "source": "x"}), "/etc/passwd"),
        (json!({"destination": "/etc/passwd/below", "type": "tmpfs", "source": "x"}), "/etc/passwd/below"),
    ] {
        let bundle = with_mount(&["true"], mount);
        bundle.write();
        bundle.refuses(&["create", "one"], words);
        bundle.assert_nothing_left();
    }
    // A relative destination is one below the root, as the specification's older versions have it.
    let mut bundle =
        with_mount(&["sh", "-c", "stat -f -c %T /a/b; ls /dev/null"], json!({"destination": "a/b", "type": "tmpfs", "source": "x"}));
    for mount in bundle.config["mounts"].as_array_mut().expect("mounts") {
        mount["destination"] = json!(mount["destination"].as_str().expect("a path").trim_start_matches('/'));
    }
    assert_eq!(output(&bundle), "tmpfs\n/dev/null\n");
}
