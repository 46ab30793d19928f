//! `-v` and `--mount`: directories and files of the host inside a container.

use crate::common::Store;

#[test]
fn a_directory_of_the_host_is_read_and_written() {
    let store = Store::new();
    let file = store.file("shared/note", "from the host\n");
    let dir = file.parent().expect("a directory").to_str().expect("utf-8").to_string();
    let flag = format!("{dir}:/data");
    assert_eq!(store.ok(&["run", "--rm", "-v", &flag, "box", "sh", "-c", "cat /data/note; echo back >/data/answer"]), "from the host");
    assert_eq!(std::fs::read_to_string(format!("{dir}/answer")).expect("the answer"), "back\n");
    let mount = store.probe(&["-v", &flag]).mount("/data").expect("/data");
    assert!(mount.propagation.is_empty(), "private: {mount:?}");
}

#[test]
fn read_only_is_read_only() {
    let store = Store::new();
    let dir = store.file("shared/note", "x").parent().expect("a directory").to_str().expect("utf-8").to_string();
    for flags in [
        ["-v".to_string(), format!("{dir}:/data:ro")],
        ["--mount".into(), format!("type=bind,source={dir},target=/data,readonly")],
        ["--mount".into(), format!("type=bind,src={dir},dst=/data,ro=true")],
    ] {
        let ran = store.tare(&["run", "--rm", &flags[0], &flags[1], "box", "sh", "-c", "echo x >/data/new"]);
        assert_eq!(ran.code, 1, "{}", ran.story());
        assert!(ran.stderr.contains("Read-only"), "{}", ran.story());
    }
}

#[test]
fn a_single_file_can_be_mounted() {
    let store = Store::new();
    let file = store.file("conf", "setting\n");
    let flag = format!("{}:/etc/app/conf:ro", file.display());
    assert_eq!(store.ok(&["run", "--rm", "-v", &flag, "box", "cat", "/etc/app/conf"]), "setting");
    let flag = format!("{}:/etc/passwd:ro", file.display());
    assert_eq!(store.ok(&["run", "--rm", "-v", &flag, "box", "cat", "/etc/passwd"]), "setting");
}

#[test]
fn v_makes_a_missing_source_and_mount_does_not() {
    let store = Store::new();
    let missing = store.dir.join("made/here");
    store.ok(&["run", "--rm", "-v", &format!("{}:/data", missing.display()), "box", "true"]);
    assert!(missing.is_dir());
    let other = store.dir.join("not-made");
    let error = store.fails(125, &["run", "--rm", "--mount", &format!("type=bind,source={},target=/data", other.display()), "box", "true"]);
    assert!(error.contains("not-made"), "{error}");
    assert!(!other.exists());
    store.assert_nothing_left();
}

#[test]
fn mounts_are_made_from_the_outside_in() {
    let store = Store::new();
    let inner = store.file("inner/x", "inner");
    let outer = store.file("outer/y", "outer");
    let parent = |path: &std::path::Path| path.parent().expect("a directory").display().to_string();
    std::fs::create_dir(outer.with_file_name("sub")).expect("a directory");
    let flags = [format!("{}:/data/sub", parent(&inner)), format!("{}:/data", parent(&outer))];
    let seen = store.ok(&["run", "--rm", "-v", &flags[0], "-v", &flags[1], "box", "sh", "-c", "cat /data/sub/x /data/y"]);
    assert_eq!(seen, "innerouter", "an inner mount is not hidden by an outer one, in whatever order they were typed");
}

#[test]
fn propagation_can_be_chosen() {
    let store = Store::new();
    let dir = store.file("shared/note", "x").parent().expect("a directory").display().to_string();
    let mount = store.probe(&["-v", &format!("{dir}:/data:rslave")]).mount("/data").expect("/data");
    assert!(mount.propagation.is_empty() || mount.propagation.iter().any(|word| word.starts_with("master:")), "{mount:?}");
    let error = store.fails(125, &["run", "--rm", "-v", &format!("{dir}:/data:sideways"), "box", "true"]);
    assert!(error.contains("sideways"), "{error}");
}

#[test]
fn inspect_lists_mounts() {
    let store = Store::new();
    let dir = store.file("shared/note", "x").parent().expect("a directory").display().to_string();
    let id = store.ok(&["create", "-v", &format!("{dir}:/data:ro"), "box"]);
    let mounts = &store.inspect(&id)["Mounts"];
    assert_eq!(
        (&mounts[0]["Type"], &mounts[0]["Source"], &mounts[0]["Destination"], &mounts[0]["RW"]),
        (&"bind".into(), &dir.as_str().into(), &"/data".into(), &false.into()),
        "{mounts}"
    );
}

#[test]
fn a_mount_of_the_host_made_inside_stays_inside() {
    let store = Store::new();
    let dir = store.file("shared/note", "x").parent().expect("a directory").display().to_string();
    store.ok(&["run", "--rm", "--privileged", "-v", &format!("{dir}:/data"), "box", "mount", "-t", "tmpfs", "none", "/data"]);
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    assert!(!mounts.contains(&dir), "{mounts}");
    store.assert_nothing_left();
}

#[test]
fn the_files_of_the_host_survive_the_container() {
    let store = Store::new();
    let file = store.file("shared/deep/note", "keep me");
    let flag = format!("{}:/data", store.dir.join("shared").display());
    store.ok(&["run", "-d", "--name", "user", "-v", &flag, "box", "sleep", "1000"]);
    store.ok(&["rm", "-f", "user"]);
    assert_eq!(std::fs::read_to_string(file).expect("the note"), "keep me");
}
