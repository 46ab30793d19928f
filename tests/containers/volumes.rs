//! `-v` and `--mount`: directories and files of the host inside a container.

use crate::common::process::{self, Ran};
use crate::common::{Store, program};
use std::os::unix::fs::MetadataExt;

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

#[test]
fn a_source_may_be_a_symlink_a_socket_or_a_device() {
    let store = Store::new();
    let dir = store.file("real/note", "behind the link\n").parent().expect("a directory").to_owned();
    let link = store.dir.join("link");
    std::os::unix::fs::symlink(&dir, &link).expect("a link");
    assert_eq!(store.ok(&["run", "--rm", "-v", &format!("{}:/d", link.display()), "box", "cat", "/d/note"]), "behind the link");
    let socket = store.dir.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    assert_eq!(
        store.ok(&["run", "--rm", "-v", &format!("{}:/run/s", socket.display()), "box", "sh", "-c", "test -S /run/s && echo yes"]),
        "yes"
    );
    assert_eq!(store.ok(&["run", "--rm", "-v", "/dev/zero:/z", "box", "sh", "-c", "head -c 3 /z | wc -c"]), "3");
    // A file over a directory, or the other way round, cannot be.
    store.fails(125, &["run", "--rm", "-v", "/dev/zero:/etc", "box", "true"]);
    store.fails(125, &["run", "--rm", "-v", &format!("{}:/etc/passwd", dir.display()), "box", "true"]);
    store.assert_nothing_left();
}

#[test]
fn a_source_that_v_makes_is_open_to_the_container_s_user() {
    let store = Store::new();
    let missing = store.dir.join("made/here");
    store.ok(&["run", "--rm", "-u", "alice", "-v", &format!("{}:/data", missing.display()), "box", "ls", "/data"]);
    assert_eq!(std::fs::metadata(missing).expect("the directory").mode() & 0o7777, 0o755);
}

/// A directory with a tmpfs mounted below it, in a mount namespace of its own, so that this machine's mounts stay as they are.
fn run_over_a_mount(store: &Store, words: &str) -> Ran {
    let dir = store.dir.join("shared");
    std::fs::create_dir_all(dir.join("sub")).expect("directories");
    let script = format!(
        "mount -t tmpfs none {dir}/sub && echo below >{dir}/sub/note && exec {program} run --rm --mount type=bind,src={dir},dst=/d,{words} box \
         sh -c 'cat /d/sub/note; touch /d/x && echo top; touch /d/sub/x && echo sub'",
        dir = dir.display(),
        program = program().display()
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c", &script]);
    command.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
    process::run(command, None)
}

#[test]
fn mounts_below_a_source_are_as_was_asked() {
    let store = Store::new();
    for (words, expected) in [
        ("bind-propagation=rprivate", "below\ntop\nsub\n"),
        ("readonly", "below\n"),
        ("readonly,bind-recursive=readonly,bind-propagation=rprivate", "below\n"),
        ("readonly,bind-recursive=writable", "below\nsub\n"),
        ("bind-recursive=disabled", "top\nsub\n"),
        ("bind-nonrecursive,readonly", ""),
    ] {
        let ran = run_over_a_mount(&store, words);
        assert_eq!(ran.stdout, expected, "{words}: {}", ran.story());
    }
    store.assert_nothing_left();
}

#[test]
fn what_the_host_has_mounted_read_only_stays_so() {
    let store = Store::new();
    let dir = store.dir.join("shared");
    std::fs::create_dir_all(&dir).expect("a directory");
    let script = format!(
        "mount -t tmpfs none {dir} && mount -o remount,bind,ro {dir} && exec {program} run --rm -v {dir}:/d box touch /d/x",
        dir = dir.display(),
        program = program().display()
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c", &script]);
    command.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
    let ran = process::run(command, None);
    assert!(ran.stderr.contains("Read-only file system"), "{}", ran.story());
    store.assert_nothing_left();
}

#[test]
fn mounts_made_later_go_the_ways_that_were_asked_for() {
    let store = Store::new();
    let dir = store.dir.join("host");
    std::fs::create_dir_all(&dir).expect("a directory");
    for (word, expected) in [("rprivate", ""), ("rslave", "heard\n"), ("rshared", "heard\ntold\n")] {
        let script = format!(
            "tare={program}; mount -t tmpfs none {dir}; mount --make-shared {dir}; mkdir {dir}/in {dir}/out
             $tare run -d --name one --cap-add SYS_ADMIN -v {dir}:/d:{word} box sleep 1000 >/dev/null
             mount -t tmpfs none {dir}/in; touch {dir}/in/heard; $tare exec one ls /d/in
             $tare exec one sh -c 'mount -t tmpfs none /d/out && touch /d/out/told'; ls {dir}/out; $tare rm -f one >/dev/null",
            dir = dir.display(),
            program = program().display()
        );
        let mut command = std::process::Command::new("unshare");
        command.args(["-m", "--propagation", "private", "sh", "-c", &script]);
        command.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
        let ran = process::run(command, None);
        assert_eq!(ran.stdout, expected, "{word}: {}", ran.story());
    }
    store.assert_nothing_left();
}

#[test]
fn a_mount_in_memory_has_the_size_and_mode_that_were_asked_for() {
    let store = Store::new();
    let mount = store.probe(&["--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700"]).mount("/t").expect("/t");
    assert!(mount.kind == "tmpfs" && mount.super_options.contains("size=1024k") && mount.super_options.contains("mode=700"), "{mount:?}");
}

/// The oldest complaint about bind mounts: whose are the files (moby#2259).
#[test]
fn the_owner_of_a_source_and_the_container_s_user_can_stand_for_each_other() {
    let store = Store::new();
    let file = store.file("shared/hers", "x");
    let dir = file.parent().expect("a directory");
    for path in [dir, &file] {
        std::os::unix::fs::chown(path, Some(1234), Some(2345)).expect("chown");
    }
    let flag = format!("{}:/d:idmap", dir.display());
    let look = "touch /d/new$(id -u); stat -c '%u:%g' /d /d/hers /d/new$(id -u)";
    assert_eq!(store.ok(&["run", "--rm", "-v", &flag, "box", "sh", "-c", look]), "0:0\n0:0\n0:0");
    assert_eq!(store.ok(&["run", "--rm", "-v", &flag, "-u", "alice", "box", "sh", "-c", look]), "1000:1000\n1000:1000\n1000:1000");
    // On the host nothing has changed hands, and what was made belongs to her.
    for name in ["hers", "new0", "new1000"] {
        let about = std::fs::metadata(dir.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((about.uid(), about.gid()), (1234, 2345), "{name}");
    }
    // Kept for the next start, although the user is found only once.
    store.ok(&["create", "--name", "again", "-v", &flag, "-u", "alice", "box", "stat", "-c", "%u", "/d/hers"]);
    assert_eq!(store.ok(&["start", "-a", "again"]), "1000");
    store.ok(&["rm", "again"]);
    let explicit = format!("{}:/d:ro,idmap=uids=1234-7-1;gids=2345-8-1", dir.display());
    assert_eq!(store.ok(&["run", "--rm", "-v", &explicit, "box", "stat", "-c", "%u:%g", "/d/hers"]), "7:8");
    store.assert_nothing_left();
}

#[test]
fn a_source_can_be_given_to_the_container_s_user() {
    let store = Store::new();
    let file = store.file("shared/deep/note", "x");
    let dir = store.dir.join("shared");
    let outside = store.file("outside", "x");
    std::os::unix::fs::symlink(&outside, dir.join("link")).expect("a link");
    store.ok(&["run", "--rm", "-u", "alice", "-v", &format!("{}:/d:U", dir.display()), "box", "touch", "/d/deep/new"]);
    for path in [&dir, &file, &dir.join("deep/new")] {
        assert_eq!(std::fs::metadata(path).expect("a file").uid(), store.outside(1000), "{}", path.display());
    }
    assert_eq!(std::fs::symlink_metadata(dir.join("link")).expect("the link").uid(), store.outside(1000));
    assert_eq!(std::fs::metadata(outside).expect("a file").uid(), store.outside(0), "a symlink was followed");
    assert_eq!(store.ok(&["run", "--rm", "-u", "alice", "-v", "data:/d:U", "box", "sh", "-c", "touch /d/x && stat -c %u /d"]), "1000");
    let before = std::fs::metadata("/etc").expect("/etc").uid();
    store.fails(125, &["run", "--rm", "-u", "alice", "-v", "/etc:/d:U", "box", "true"]);
    assert_eq!(std::fs::metadata("/etc").expect("/etc").uid(), before);
    store.assert_nothing_left();
}
