//! What a runtime believes between two commands: its records, its control groups, and numbers of processes.

use super::Bundle;
use crate::common::{Running, eventually};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn sleeping() -> Bundle {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle
}

fn shelf(bundle: &Bundle) -> PathBuf {
    bundle.shelf.join("tare")
}

fn record(bundle: &Bundle) -> Value {
    serde_json::from_str(&std::fs::read_to_string(shelf(bundle).join("one/state.json")).expect("a record")).expect("JSON")
}

fn write_record(bundle: &Bundle, record: &Value) {
    std::fs::write(shelf(bundle).join("one/state.json"), record.to_string()).expect("a record");
}

/// Guard: `Shelf::check`.
#[test]
fn a_state_directory_that_others_can_write_is_not_believed() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    let dir = shelf(&bundle);
    for (mode, owner) in [(0o777, 0), (0o1777, 0), (0o722, 0), (0o755, 1000)] {
        std::fs::set_permissions(&dir, Permissions::from_mode(mode)).expect("chmod");
        chown(&dir, Some(owner), None).expect("chown");
        for words in [&["state", "one"][..], &["kill", "one", "KILL"], &["delete", "--force", "one"], &["start", "one"], &["create", "two"]]
        {
            bundle.refuses(words, "cannot keep containers in");
        }
        chown(&dir, Some(0), None).expect("chown");
    }
    std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("chmod");
    assert_eq!(bundle.status("one"), "created");
    bundle.call(&["delete", "--force", "one"]);
}

/// Guard: the modes in `Shelf::claim` and `channel::listen`. (CVE-2021-41091 and its like, for a runtime.)
#[test]
fn other_users_walk_no_further_than_the_state_directory() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    let mode = |name: &str| std::fs::metadata(shelf(&bundle).join(name)).map(|about| about.mode() & 0o777).expect(name);
    assert_eq!((mode(""), mode("one") & 0o066), (0o700, 0));
    for name in ["one/state.json", "one/config.json", "one/gate", "one/lock"] {
        assert_eq!(mode(name) & 0o077, 0, "{name}");
    }
    bundle.call(&["delete", "--force", "one"]);
}

/// Guard: `check_id`.
#[test]
fn an_id_is_one_name_and_no_path() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    let long = "x".repeat(2_000);
    let absolute = bundle.dir.join("elsewhere").display().to_string();
    for id in ["../tare/one", "one/", "./one", "one/.", &absolute, "..", ".", "", "a/b", "one\n", "*", "ä", "a b", &long] {
        for words in
            [&["create", "--", id][..], &["state", "--", id], &["start", "--", id], &["kill", "--", id], &["delete", "--force", "--", id]]
        {
            bundle.refuses(words, "is no container id");
        }
    }
    // The kernel's limit for a name, and one more.
    for (length, fits) in [(255, true), (256, false)] {
        let mut second = sleeping();
        second.config["linux"]["cgroupsPath"] = json!("/tare-oci-test/long");
        second.write();
        let id = "x".repeat(length);
        let said = second.try_call(&["create", &id]);
        assert_eq!(said.code == 0, fits, "{length}: {}", said.error);
        if fits {
            second.call(&["delete", "--force", &id]);
        }
        second.assert_nothing_left();
    }
    assert_eq!(bundle.status("one"), "created");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

/// Guard: `ShelfPlace::is_dir`.
#[test]
fn an_id_that_is_a_link_in_the_state_directory() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    let (dir, elsewhere) = (shelf(&bundle), bundle.dir.join("elsewhere"));
    std::fs::create_dir(&elsewhere).expect("a directory");
    symlink(&elsewhere, dir.join("empty")).expect("a symlink");
    symlink(dir.join("one"), dir.join("two")).expect("a symlink");
    bundle.refuses(&["create", "empty"], "exists already");
    for id in ["empty", "two"] {
        bundle.refuses(&["state", id], "does not exist");
        bundle.refuses(&["start", id], "does not exist");
        bundle.call(&["delete", "--force", id]);
        std::fs::remove_file(dir.join(id)).expect("the link is still there");
    }
    assert_eq!(std::fs::read_dir(&elsewhere).expect("a directory").count(), 0, "something was written there");
    assert_eq!((bundle.status("one").as_str(), bundle.call(&["list", "-q"]).as_str()), ("created", "one\n"));
    bundle.call(&["delete", "--force", "one"]);
}

/// Guard: `Shelf::find` compares the id.
#[test]
fn a_record_of_another_container_is_not_believed() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    let right = record(&bundle);
    let mut wrong = right.clone();
    wrong["id"] = json!("../../elsewhere");
    write_record(&bundle, &wrong);
    bundle.refuses(&["delete", "--force", "one"], "is one of");
    write_record(&bundle, &right);
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

/// Guard: `process::is_alive` compares the moment at which it started.
#[test]
fn a_process_that_has_the_number_of_a_container_s_is_left_alone() {
    let bundle = sleeping();
    bundle.call(&["run", "-d", "one"]);
    let right = record(&bundle);
    // The kernel counts in hundredths of a second.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null());
    let mut stranger = Running::spawn(command);
    let mut wrong = right.clone();
    wrong["pid"] = json!(stranger.pid());
    write_record(&bundle, &wrong);
    assert_eq!(bundle.status("one"), "stopped");
    bundle.refuses(&["kill", "one", "KILL"], "is not running");
    bundle.refuses(&["exec", "one", "true"], "it is stopped");
    bundle.refuses(&["start", "one"], "it is stopped");
    bundle.call(&["delete", "--force", "one"]);
    assert!(!stranger.is_over(), "somebody else's process was ended");
    bundle.assert_nothing_left();
}

/// Without a pid namespace and without its group there is only the first process to be asked. It called itself for ever.
#[test]
fn a_container_whose_group_is_gone_can_be_killed_and_deleted() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.without_namespace("pid");
    for ended in [true, false] {
        bundle.write();
        bundle.call(&["run", "-d", "one"]);
        let mut record = record(&bundle);
        record["cgroup"] = json!("/sys/fs/cgroup/no/such/group");
        write_record(&bundle, &record);
        if ended {
            bundle.call(&["kill", "one", "KILL"]);
            eventually("it has stopped", || bundle.status("one") == "stopped");
            bundle.refuses(&["kill", "one", "KILL"], "is not running");
            bundle.refuses(&["kill", "--all", "one", "KILL"], "is not running");
        }
        bundle.call(&["delete", "--force", "one"]);
        if let Some(group) = bundle.group() {
            eventually("the group is empty", || std::fs::remove_dir(&group).is_ok());
        }
        bundle.assert_nothing_left();
    }
}

/// At its end a container's group is killed as a whole. Guard: `is_populated` in runtime/strict/lifecycle.rs.
#[test]
fn a_group_that_somebody_lives_in_is_not_taken() {
    if crate::common::cgroup2().is_none() {
        let _ = crate::common::cannot("this host has no cgroup2");
        return;
    }
    let mut first = sleeping();
    let above = first.config["linux"]["cgroupsPath"].as_str().expect("a path").to_owned();
    let group = format!("{above}/below");
    first.config["linux"]["cgroupsPath"] = json!(group);
    first.write();
    first.call(&["run", "-d", "one"]);
    let mut second = Bundle::of(&["no-such-command"]);
    for path in [group, above] {
        second.config["linux"]["cgroupsPath"] = json!(path);
        second.write();
        second.refuses(&["create", "two"], "other processes are in this group");
        assert_eq!(first.status("one"), "running");
    }
    first.call(&["delete", "--force", "one"]);
    first.assert_nothing_left();
}

/// One is made and works; the others are told, and have taken nothing from it. Guard: the lock in `Shelf::claim`.
#[test]
fn of_many_creates_with_one_id_one_succeeds() {
    let bundle = sleeping();
    for _ in 0..crate::common::rounds(5) {
        let create = || bundle.command("tare", &["create", "one"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tare runs");
        let all: Vec<_> = (0..6).map(|_| create()).collect();
        let succeeded = all.into_iter().filter_map(|mut one| one.wait().ok()).filter(|status| status.success()).count();
        assert_eq!((succeeded, bundle.status("one").as_str()), (1, "created"));
        bundle.call(&["start", "one"]);
        bundle.call(&["exec", "one", "true"]);
        bundle.call(&["delete", "--force", "one"]);
        bundle.assert_nothing_left();
    }
}

/// Whoever comes second finds a container that is whole or none. Guard: `Shelf::hold`.
#[test]
fn starts_kills_and_deletes_at_once_leave_nothing() {
    let bundle = sleeping();
    for _ in 0..crate::common::rounds(8) {
        bundle.call(&["create", "one"]);
        let all: Vec<_> = [
            &["start", "one"][..],
            &["delete", "--force", "one"],
            &["start", "one"],
            &["kill", "one", "KILL"],
            &["delete", "--force", "one"],
        ]
        .iter()
        .map(|words| {
            let mut command = bundle.command("tare", words);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("tare runs")
        })
        .collect();
        for one in all {
            let ended = one.wait_with_output().expect("an end");
            let error = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(ended.status.code().is_some() && !error.contains("panicked"), "{error}");
        }
        bundle.call(&["delete", "--force", "one"]);
        bundle.assert_nothing_left();
    }
}

/// A delete that waited for its turn while the container went, and another with its id came, must not take that one.
/// Guard: `Shelf::hold` looks again.
#[test]
fn a_delete_that_comes_too_late_takes_no_other_container() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    let (dir, away) = (shelf(&bundle).join("one"), bundle.dir.join("away"));
    let lock = std::fs::File::options().read(true).write(true).open(dir.join("lock")).expect("the lock");
    lock_it(&lock);
    let late = bundle.command("tare", &["delete", "--force", "one"]).stderr(Stdio::null()).spawn().expect("tare runs");
    let holds = |pid: u32| {
        let dir = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        dir.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|to| to.ends_with("one/lock"))
    };
    eventually("the delete waits for its turn", || holds(late.id()));
    // Somebody else removes the container and makes another.
    let first = bundle.state("one")["pid"].as_i64().expect("a pid") as i32;
    std::fs::rename(&dir, &away).expect("rename");
    // SAFETY: the process is this test's own container.
    unsafe { libc::kill(first, libc::SIGKILL) };
    if let Some(group) = bundle.group() {
        eventually("the first one's group goes", || std::fs::remove_dir(&group).is_ok() || !group.exists());
    }
    bundle.call(&["create", "one"]);
    drop(lock);
    let mut late = late;
    late.wait().expect("the delete ends");
    assert_eq!(bundle.status("one"), "created");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

fn lock_it(file: &std::fs::File) {
    use std::os::fd::AsRawFd;
    let whole = libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 };
    // SAFETY: the structure lives until the call returns.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const whole) }, 0);
}

/// Nobody is left who waits at a gate for ever, and the id is free. Guards: `wait_for_start` before `accept` in runtime/child.rs, and
/// that `Shelf::claim` takes the old gate away.
#[test]
fn a_create_that_is_killed_leaves_no_process_and_a_free_id() {
    let bundle = sleeping();
    let random = &mut crate::common::Random::new();
    for _ in 0..crate::common::rounds(30) {
        let mut create = bundle.command("tare", &["create", "one"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tare runs");
        std::thread::sleep(random.moment());
        create.kill().and_then(|()| create.wait()).expect("create is ended");
        if bundle.try_call(&["state", "one"]).code != 0 {
            let group = bundle.group();
            let lives = || {
                group.as_ref().is_some_and(|group| std::fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|text| !text.is_empty()))
            };
            eventually("nobody is left in its group", || !lives());
            bundle.call(&["create", "one"]);
        }
        bundle.call(&["delete", "--force", "one"]);
        bundle.assert_nothing_left();
    }
}
