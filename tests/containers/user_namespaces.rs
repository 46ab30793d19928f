//! Containers whose root is nobody outside (`--userns`): seen from inside, where nothing looks different, and from outside, where
//! nobody is root. Files on disk keep the owners that they have inside.

use crate::common::town::Town;
use crate::common::{Image, Layer, Random, Report, Store, eventually, rounds, test_images};
use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

type Range = (u32, u32, u32);

fn map_of(pid: i32, name: &str) -> Vec<Range> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{name}")).expect("a map");
    let numbers = |line: &str| line.split_whitespace().map(|word| word.parse().expect("a number")).collect::<Vec<u32>>();
    text.lines().map(numbers).map(|three| (three[0], three[1], three[2])).collect()
}

/// Whom the root of a container is outside.
fn root_of(store: &Store, name: &str) -> u32 {
    map_of(store.pid(name), "uid_map")[0].1
}

fn owner(path: &Path) -> (u32, u32) {
    let found = std::fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (found.uid(), found.gid())
}

/// Nothing, if it has ended.
fn status(pid: i32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim_start_matches(':').trim().to_owned()
}

/// A directory beside the store, with one file of this owner in it.
fn directory(store: &Store, name: &str, uid: u32) -> std::path::PathBuf {
    let file = store.file(&format!("{name}/file"), "x");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    chown(&file, Some(uid), Some(uid)).expect("chown");
    file.parent().expect("a directory").to_owned()
}

#[test]
fn root_inside_is_nobody_outside() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "--userns", "auto", "box", "sleep", "1000"]);
    let (pid, first) = (store.pid("one"), root_of(&store, "one"));
    assert!((524_288..=1_879_048_191 - 65_535).contains(&first), "{first} is among the ids that systemd leaves to containers");
    for name in ["uid_map", "gid_map"] {
        assert_eq!(map_of(pid, name), [(0, first, 65_536)], "{name}");
    }
    let init: Vec<i32> = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .expect("children")
        .split_whitespace()
        .map(|pid| pid.parse().expect("a pid"))
        .collect();
    for pid in init.into_iter().chain([pid]) {
        for name in ["Uid", "Gid"] {
            assert_eq!(status(pid, name), vec![first.to_string(); 4].join("\t"), "{name} of {pid}");
        }
    }
    assert_eq!(store.ok(&["exec", "one", "id", "-u"]), "0");
    assert_eq!(store.inspect("one")["HostConfig"]["UsernsMode"], "auto");
    // Without the word nothing is new.
    store.ok(&["run", "-d", "--name", "plain", "box", "sleep", "1000"]);
    assert_eq!(root_of(&store, "plain"), map_of(std::process::id() as i32, "uid_map")[0].1);
    assert_eq!(std::fs::read_link(format!("/proc/{}/ns/user", store.pid("plain"))).ok(), std::fs::read_link("/proc/self/ns/user").ok());
    assert_eq!(store.inspect("plain")["HostConfig"]["UsernsMode"], "");
}

#[test]
fn it_looks_as_ever_inside() {
    let store = Store::new();
    let (plain, own) = (store.probe(&[]), store.probe(&["--userns", "auto"]));
    for name in ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"] {
        assert_eq!(plain.hex(name), own.hex(name), "{name}");
    }
    for name in ["uid", "gid", "hostname", "cwd"] {
        assert_eq!(plain.0[name].is_null(), own.0[name].is_null(), "{name}");
    }
    let names = |report: &Report| report.0["dev"].as_object().expect("the files of /dev").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&plain), names(&own));
    let look = "stat -c '%n %u:%g %a' / /etc /etc/passwd /etc/hosts /home/alice /home/alice/hers /tmp /dev /dev/pts /dev/shm
        umount /etc/hosts 2>&1; echo '1.2.3.4 added' >>/etc/hosts && tail -n 1 /etc/hosts; su alice -c 'cat ~/hers; id -u'";
    let seen = |flags: &[&str]| store.ok(&[&["run", "--rm"], flags, &["box", "sh", "-c", look]].concat());
    assert_eq!(seen(&["--userns", "auto"]), seen(&[]));
    let small = seen(&["--userns", "auto:size=1001"]);
    assert!(small.contains("/home/alice/hers 1000:1000 600") && small.ends_with("hers\n1000"), "{small}");
}

#[test]
fn what_is_the_host_s_stays_out_of_reach() {
    let store = Store::new();
    let before = std::fs::metadata("/dev/null").expect("/dev/null");
    let secret = directory(&store, "secret", 0);
    let source = format!("{}:/d:noidmap", secret.display());
    let tries = "chmod 600 /dev/null; chown 1:1 /dev/null; cat /d/file; touch /d/new; chown 0 /d/file; mknod /x c 1 3
        mknod /y b 7 0; echo 1 >/proc/sys/kernel/panic; echo 1 >/proc/sysrq-trigger; cat /proc/self/environ >/dev/null && echo own; id -u";
    for flags in [&[][..], &["--privileged"], &["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"]] {
        let words = [&["run", "--rm", "--userns", "auto", "-v", &source], flags, &["box", "sh", "-c", tries]].concat();
        let ran = store.tare(&words);
        assert_eq!(ran.stdout, "own\n0\n", "{flags:?}: {}", ran.story());
        let errors = ran.stderr.lines().count();
        assert!(errors >= 9, "{errors} of all these things fail: {}", ran.story());
    }
    let after = std::fs::metadata("/dev/null").expect("/dev/null");
    assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
    assert_eq!((owner(&secret.join("file")), secret.join("new").exists()), ((0, 0), false));
    // What an image brings as a device is none there.
    let layer = Layer::new().device("null", tar::EntryType::Char, 1, 3).tar();
    store.load_over_box("nodes", layer);
    assert_eq!(store.ok(&["run", "--rm", "nodes", "sh", "-c", "echo x >/null && echo open"]), "open");
    let ran = store.tare(&["run", "--rm", "--userns", "auto", "nodes", "sh", "-c", "echo x >/null && echo open"]);
    assert_eq!(ran.stdout, "", "{}", ran.story());
}

/// A file that the container's root makes setuid is root's on disk; nobody on the host gets there.
#[test]
fn files_of_the_store_are_for_root_alone() {
    let store = Store::new();
    store.ok(&["run", "--name", "one", "--userns", "auto", "box", "sh", "-c", "cp /bin/busybox /mine; chmod 4755 /mine"]);
    let id = store.inspect("one")["Id"].as_str().expect("an id").to_owned();
    let file = store.root.join("container").join(id).join("upper/mine");
    assert_eq!((owner(&file), file.metadata().expect("a file").mode() & 0o7777), ((0, 0), 0o4755));
    let above = file.ancestors().find(|dir| *dir == store.root.join("container")).expect("the containers");
    let closed = above.ancestors().take(2).any(|dir| dir.metadata().expect("a directory").mode() & 0o011 == 0);
    assert!(closed, "a directory above it is closed to others");
}

#[test]
fn thirty_at_once_and_no_two_share_a_range() {
    let store = Store::new();
    std::thread::scope(|scope| {
        for number in 0..30 {
            let store = &store;
            scope.spawn(move || store.ok(&["run", "-d", "--name", &format!("c{number}"), "--userns", "auto", "box", "sleep", "1000"]));
        }
    });
    let firsts: BTreeSet<u32> = (0..30).map(|number| root_of(&store, &format!("c{number}"))).collect();
    assert_eq!(firsts.len(), 30);
    let firsts: Vec<u32> = firsts.into_iter().collect();
    assert!(firsts.windows(2).all(|two| two[1] - two[0] >= 65_536), "{firsts:?}");
    assert_eq!(std::fs::read_dir(store.run.join("ids")).expect("the claims").count(), 30);
    store.ok(&[&["rm", "-f"][..], &store.names(true).iter().map(String::as_str).collect::<Vec<_>>()].concat());
    store.assert_nothing_left();
}

#[test]
fn a_large_range_is_several_in_a_row() {
    let store = Store::new();
    for (name, size) in [("a1", 200_000_u32), ("a2", 65_537), ("a3", 11), ("a4", 65_536)] {
        store.ok(&["run", "-d", "--name", name, "--userns", &format!("auto:size={size}"), "box", "sleep", "1000"]);
        assert_eq!(map_of(store.pid(name), "gid_map")[0].2, size);
    }
    let mut all: Vec<Range> = ["a1", "a2", "a3", "a4"].iter().map(|name| map_of(store.pid(name), "uid_map")[0]).collect();
    all.sort_by_key(|range| range.1);
    assert!(all.windows(2).all(|two| two[0].1 + two[0].2 <= two[1].1), "{all:?}");
}

#[test]
fn kill_9_of_the_monitor_gives_the_range_back() {
    let store = Store::new();
    let mut random = Random::new();
    store.ok(&["run", "--rm", "box", "true"]);
    for _ in 0..rounds(20) {
        let mut start = store.start(&["run", "-d", "--name", "one", "--userns", "auto", "box", "sleep", "1000"]);
        std::thread::sleep(random.moment());
        // The command, or the monitor, if there is one already.
        let state = std::fs::read_dir(store.run.join("container")).into_iter().flatten().flatten().find_map(|entry| {
            let text = std::fs::read_to_string(entry.path().join("state.json")).ok()?;
            serde_json::from_str::<serde_json::Value>(&text).ok()?["monitor"].as_i64()
        });
        let victim = state.map_or(start.pid(), |pid| pid as i32);
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(victim), nix::sys::signal::Signal::SIGKILL);
        eventually("the command ends", || start.is_over());
        store.tare(&["rm", "-f", "one"]);
        eventually("no range is in use", || {
            store.ok(&["ps", "-a"]);
            std::fs::read_dir(store.run.join("ids")).into_iter().flatten().count() == 0
        });
    }
    store.assert_nothing_left();
}

#[test]
fn ids_of_a_container_that_is_gone_are_given_back_by_system_check() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--userns", "auto", "box", "sleep", "1000"]);
    // Of another, whose run directory was taken away by hand.
    let claim = store.run.join("ids/1879000000");
    std::os::unix::fs::symlink("ab".repeat(32), &claim).expect("a claim");
    let told = store.tare(&["system", "check"]).expect_code(0).stdout;
    assert!(told.contains("ids/1879000000: ids of this host that belong to a container that is gone; given back"), "{told}");
    assert!(claim.symlink_metadata().is_err());
    assert_eq!(std::fs::read_dir(store.run.join("ids")).expect("the claims").count(), 1, "who runs keeps his");
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
}

#[test]
fn binds_and_volumes_show_the_owners_that_files_have() {
    let store = Store::new();
    let dir = directory(&store, "shared", 1000);
    let source = format!("{}:/d", dir.display());
    let look = "stat -c '%u:%g' /d/file /v; touch /d/root /v/root; su alice -c 'cat /d/file; touch /home/alice/x'; chown 1000:1000 /v/root
        cat /d/file";
    let words = ["run", "--rm", "--userns", "auto", "-v", &source, "-v", "data:/v", "box", "sh", "-c", look];
    assert_eq!(store.ok(&words), "1000:1000\n0:0\nxx");
    assert_eq!(owner(&dir.join("root")), (0, 0));
    let volume = store.ok(&["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]);
    assert_eq!(owner(&Path::new(&volume).join("root")), (1000, 1000));
    // Read-only, one file, and what is mounted by the long word.
    let file = format!("type=bind,src={},dst=/f,ro", dir.join("file").display());
    let ran = store.tare(&["run", "--rm", "--userns", "auto", "--mount", &file, "-u", "alice", "box", "sh", "-c", "cat /f; echo y >/f"]);
    assert!(ran.stdout == "x" && ran.stderr.contains("Read-only"), "{}", ran.story());
    // A volume that is filled from the image.
    let seen = store.ok(&["run", "--rm", "--userns", "auto", "-v", "homes:/home", "box", "stat", "-c", "%u:%g", "/home/alice/hers"]);
    assert_eq!(seen, "1000:1000");
}

#[test]
fn the_words_for_owners_mean_what_they_meant() {
    let store = Store::new();
    let dir = directory(&store, "hers", 1234);
    let seen = |option: &str, user: &str| {
        let source = format!("{}:/d:{option}", dir.display());
        store.ok(&["run", "--rm", "--userns", "auto", "-u", user, "-v", &source, "box", "stat", "-c", "%u:%g", "/d/file"])
    };
    assert_eq!(seen("rw", "0"), "1234:1234");
    assert_eq!(seen("noidmap", "0"), "65534:65534");
    assert_eq!(seen("idmap=uids=1234-1000-1;gids=1234-0-1", "0"), "1000:0");
    chown(&dir, Some(1234), Some(1234)).expect("chown");
    assert_eq!(seen("idmap", "alice"), "1000:1000");
    assert_eq!(owner(&dir.join("file")), (1234, 1234));
    assert_eq!(seen("U", "alice"), "1000:1000");
    assert_eq!(owner(&dir.join("file")), (1000, 1000));
}

#[test]
fn what_cannot_be_mapped_is_refused_and_what_helps_is_said() {
    let store = Store::new();
    let error = store.fails(125, &["run", "--rm", "--userns", "auto", "-v", "/proc/sys:/x", "box", "true"]);
    assert!(error.contains("cannot map owners") && error.contains("/proc/sys:/x:noidmap"), "{error}");
    store.ok(&["run", "--rm", "--userns", "auto", "-v", "/proc/sys:/x:noidmap", "box", "ls", "/x/kernel"]);
    store.assert_nothing_left();
}

#[test]
fn files_come_and_go_with_their_owners_whether_it_runs_or_not() {
    let store = Store::new();
    let make = "echo new >/made; chown alice:audio /made; rm /script; mkdir /home/alice/dir; rm -r /home/alice; mkdir /home/alice
        chown alice /home/alice; sleep 1000";
    store.ok(&["run", "-d", "--name", "one", "--userns", "auto", "--tmpfs", "/t", "box", "sh", "-c", make]);
    eventually("all is made", || store.tare(&["exec", "one", "stat", "-c", "%u", "/home/alice"]).stdout == "1000\n");
    let hers = store.file("out/hers", "in");
    chown(&hers, Some(1000), Some(29)).expect("chown");
    let path = |path: &Path| path.to_str().expect("utf-8").to_owned();
    let listed = |text: Vec<u8>| {
        let mut archive = tar::Archive::new(text.as_slice());
        let entries = archive.entries().expect("an archive").map(|entry| entry.expect("an entry"));
        let about = |entry: &tar::Entry<&[u8]>| {
            let header = entry.header();
            (entry.path_bytes().into_owned(), header.uid().expect("uid"), header.gid().expect("gid"))
        };
        entries
            .map(|entry| about(&entry))
            .map(|(name, uid, gid)| (String::from_utf8_lossy(&name).into_owned(), uid, gid))
            .collect::<Vec<_>>()
    };
    let export = |name: &str| {
        let file = store.dir.join(name);
        store.ok(&["export", "-o", &path(&file), "one"]);
        let mut all = listed(std::fs::read(file).expect("the archive"));
        all.sort();
        all
    };
    let look = || {
        store.ok(&["cp", "-a", "one:/made", &path(&store.dir.join("out/copied"))]);
        assert_eq!(owner(&store.dir.join("out/copied")), (1000, 29));
        std::fs::remove_file(store.dir.join("out/copied")).expect("it is there");
        store.ok(&["diff", "one"])
    };
    for target in ["/given", "/t/given"] {
        store.ok(&["cp", &path(&hers), &format!("one:{target}")]);
        store.ok(&["cp", "-a", &path(&hers), &format!("one:{target}-archived")]);
        let seen = store.ok(&["exec", "one", "stat", "-c", "%u:%g", target, &format!("{target}-archived")]);
        assert_eq!(seen, "0:0\n1000:29", "{target}");
    }
    let running = (look(), export("running"));
    assert!(running.0.contains("D /script") && running.0.contains("D /home/alice/hers") && running.0.contains("A /made"), "{}", running.0);
    assert!(running.1.contains(&("made".to_owned(), 1000, 29)), "{:?}", running.1);
    assert!(running.1.iter().all(|(_, uid, gid)| *uid <= 1000 && *gid <= 1000));
    store.ok(&["commit", "one", "image"]);
    store.ok(&["kill", "one"]);
    assert_eq!((look(), export("resting")), running);
    for flags in [&[][..], &["--userns", "auto"]] {
        let words = [&["run", "--rm"], flags, &["image", "sh", "-c", "stat -c '%u:%g' /made /given /home/alice; ls /script /home/alice"]];
        let ran = store.tare(&words.concat());
        assert_eq!(ran.stdout, "1000:29\n0:0\n1000:0\n/home/alice:\n", "{}", ran.story());
    }
    // Who is nobody inside is not made somebody else.
    chown(&hers, Some(100_000), Some(0)).expect("chown");
    store.ok(&["start", "one"]);
    let error = store.fails(1, &["cp", "-a", &path(&hers), "one:/nobody"]);
    assert!(error.contains("user 100000 or group 0 is nobody in the container"), "{error}");
}

#[test]
fn capabilities_of_files_count_inside() {
    let store = Store::new();
    // CAP_NET_RAW, permitted and effective: as ping has it.
    let capability: &[u8] = b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let program = std::fs::read(test_images::probe()).expect("the probe");
    let layer = Layer::new().pax(&[("SCHILY.xattr.security.capability", capability)]).file("able", 0o755, program).tar();
    store.load_over_box("able", layer);
    for flags in [&[][..], &["--userns", "auto"]] {
        let words = [&["run", "--rm", "-u", "alice"], flags, &["able", "/able"]].concat();
        assert_eq!(Report::parse(&store.ok(&words)).hex("CapEff"), 1 << 13, "{flags:?}");
    }
    // And travel in archives as what they are.
    store.ok(&["run", "-d", "--name", "one", "--userns", "auto", "able", "sleep", "1000"]);
    let (out, program) = (store.dir.join("able"), store.dir.join("able").display().to_string());
    store.ok(&["cp", "-a", "one:/able", &program]);
    assert_eq!(
        crate::common::attribute(&out, "security.capability").map(|value| value.len()),
        Some(20),
        "of any root, and not only of the container's"
    );
    store.ok(&["cp", "-a", &program, "one:/again"]);
    assert_eq!(Report::parse(&store.ok(&["exec", "-u", "alice", "one", "/again"])).hex("CapEff"), 1 << 13);
}

#[test]
fn further_processes_are_the_container_s_own_too() {
    let store = Store::new();
    let check = "--health-cmd=echo seen >/dev/stdout; id -u";
    store.ok(&["run", "-d", "--name", "one", "--userns", "auto", check, "--health-interval=100ms", "box", "sleep", "1000"]);
    let first = root_of(&store, "one");
    assert_eq!(store.ok(&["exec", "one", "sh", "-c", "echo a >/dev/stdout; echo b 2>&1 >/dev/stderr; id -u"]), "a\nb\n0");
    let alice = "echo a >/dev/stdout; cat ~/hers; touch /made 2>/dev/null || echo not hers; id -u";
    assert_eq!(store.ok(&["exec", "-u", "alice", "one", "sh", "-c", alice]), "a\nhers\nnot hers\n1000");
    let pids = |store: &Store| -> Vec<i32> {
        let all = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let users = |pid: &i32| std::fs::read_link(format!("/proc/{pid}/ns/user")).ok();
        let own = users(&store.pid("one"));
        all.filter(|pid| users(pid) == own).collect()
    };
    store.ok(&["exec", "-d", "-u", "alice", "one", "sleep", "1000"]);
    store.ok(&["exec", "-d", "--privileged", "one", "sleep", "1000"]);
    eventually("alice sleeps", || pids(&store).iter().any(|pid| status(*pid, "Uid").starts_with(&(first + 1000).to_string())));
    for pid in pids(&store) {
        let uid: u32 = status(pid, "Uid").split('\t').next().and_then(|word| word.parse().ok()).unwrap_or(first);
        assert!((first..first + 65_536).contains(&uid), "process {pid} is {uid} outside");
    }
    eventually("it is healthy", || store.inspect("one")["State"]["Health"]["Status"] == "healthy");
    let mut person = store.terminal(&["exec", "-it", "one", "sh"]);
    person.expect("# ");
    assert!(person.ask("tty").contains("/dev/pts/"));
}

#[test]
fn streams_can_be_opened_again_by_their_names() {
    let store = Store::new();
    let script = "echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin";
    for user in ["root", "alice"] {
        let ran = store.tare_with(&["run", "--rm", "-i", "--userns", "auto", "-u", user, "box", "sh", "-c", script], "in");
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\nin", "err\n"), "{user}");
    }
    let mut person = store.terminal(&["run", "-it", "--rm", "--userns", "auto", "-u", "alice", "box", "sh"]);
    person.expect("$ ");
    assert!(person.ask("echo hello >/dev/tty; stat -c %u $(tty)").contains("1000"));
}

#[test]
fn a_network_of_its_own_with_ports() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    store.serve("web", &["--userns", "auto", "-p", "8080:80"], &["tcp", "80"]);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    store.ok(&["run", "-d", "--name", "other", "--userns", "auto", "box", "sleep", "1000"]);
    let place = store.place("other", "bridge");
    store.hears_from("other", "tcp", &store.place("web", "bridge").address, 80, &format!("you are {}", place.address));
    store.ok(&["network", "create", "apart"]);
    store.ok(&["network", "connect", "apart", "other"]);
    assert!(store.ok(&["exec", "other", "ip", "addr"]).contains(&store.place("other", "apart").address));
    // The network is its own: what belongs to that it may change, if it has the capability.
    let words = ["run", "--rm", "--userns", "auto", "--cap-add", "NET_ADMIN", "--sysctl", "net.ipv4.ip_forward=1", "box", "sh", "-c"];
    let change = "ip link set eth0 mtu 1400 && cat /sys/class/net/eth0/mtu /proc/sys/net/ipv4/ip_forward";
    assert_eq!(store.ok(&[&words[..], &[change]].concat()), "1400\n1");
}

#[test]
fn a_hundred_layers_cost_what_one_does() {
    let store = Store::new();
    let base = test_images::box_image();
    let mut layers = vec![base.layers[0].clone()];
    let small = |number| Layer::new().dir("n/", 0o755).owned_file(&format!("n/{number}"), 0o600, (number, 7), "x").tar();
    layers.extend((1..100).map(small));
    store.load(&Image { tag: "tower".into(), layers, ..base }.docker_archive()).ok();
    let look = "ls /n | wc -l; stat -c %u:%g /n/1 /n/99; touch /n/made /n/50; stat -c %u:%g /n/50";
    let words = ["run", "--rm", "--userns", "auto", "tower", "sh", "-c", look];
    assert_eq!(store.ok(&words), "99\n1:7\n99:7\n50:7");
}

#[test]
fn it_starts_again_with_other_ids_and_the_same_files() {
    let store = Store::new();
    let script = "test -e /mine && stat -c '%u:%g %a' /mine; echo again >>/mine; chown alice:alice /mine; chmod 640 /mine; sleep 1000";
    let run = ["run", "-d", "--name", "one", "--userns", "auto", "--restart", "always", "box", "sh", "-c", script];
    store.ok(&run);
    let before = root_of(&store, "one");
    store.ok(&["stop", "-t", "0", "one"]);
    assert_eq!(std::fs::read_dir(store.run.join("ids")).expect("claims").count(), 0, "who rests has no ids");
    store.ok(&["run", "-d", "--name", "two", "--userns", "auto", "box", "sleep", "1000"]);
    assert_eq!(root_of(&store, "two"), before, "the lowest that is free");
    store.ok(&["start", "one"]);
    eventually("it looked", || store.ok(&["logs", "one"]) == "1000:1000 640");
    assert_ne!(root_of(&store, "one"), before);
    // By its monitor.
    let pid = store.pid("one");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
    eventually("it runs again", || store.ok(&["logs", "one"]) == "1000:1000 640\n1000:1000 640");
    store.ok(&["rm", "-f", "one", "two"]);
    store.assert_nothing_left();
}

#[test]
fn the_users_of_another_container() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "--userns", "auto", "--ipc", "shareable", "box", "sleep", "1000"]);
    let share = ["--userns", "container:one", "--pid", "container:one", "--network", "container:one", "--ipc", "container:one"];
    store.ok(&[
        &["run", "-d", "--name", "beside", "-v", "data:/d"],
        &share[..],
        &["box", "sh", "-c", "touch /made /d/made /dev/shm/made; sleep 1000"],
    ]
    .concat());
    let link = |name: &str, kind: &str| std::fs::read_link(format!("/proc/{}/ns/{kind}", store.pid(name))).expect("a namespace");
    for kind in ["user", "pid", "net", "ipc"] {
        assert_eq!(link("one", kind), link("beside", kind), "{kind}");
    }
    eventually("what it made is there", || store.tare(&["exec", "beside", "stat", "-c", "%u", "/made", "/d/made"]).stdout == "0\n0\n");
    assert_eq!(store.ok(&["exec", "one", "stat", "-c", "%u", "/dev/shm/made"]), "0");
    let id = store.inspect("one")["Id"].as_str().expect("an id").to_owned();
    assert_eq!(store.inspect("beside")["HostConfig"]["UsernsMode"], format!("container:{id}"));
    // One that shares is shared in its turn.
    store.ok(&["run", "--rm", "--userns", "container:beside", "--pid", "container:one", "box", "true"]);
    for flag in ["--pid", "--ipc", "--network"] {
        let error = store.fails(125, &["run", "--rm", "--userns", "auto", flag, "container:one", "box", "true"]);
        assert!(error.contains("--userns container:one"), "{error}");
    }
    store.ok(&["kill", "one"]);
    let error = store.fails(1, &["restart", "beside"]);
    assert!(error.contains("cannot share the"), "{error}");
    let error = store.fails(125, &["run", "--rm", "--userns", "container:nobody", "box", "true"]);
    assert!(error.contains("cannot share a user namespace"), "{error}");
    store.ok(&["run", "-d", "--name", "plain", "box", "sleep", "1000"]);
    store.ok(&["run", "--rm", "--userns", "container:plain", "--pid", "container:plain", "box", "true"]);
}

/// What it shares with the host it sees, and has no rights in.
#[test]
fn the_host_s_network_and_processes() {
    let store = Store::new();
    let mut share = vec!["run", "--rm", "--userns", "auto", "--network", "host", "--pid", "host"];
    if Path::new("/dev/mqueue").exists() {
        share.extend(["--ipc", "host"]);
    }
    share.extend(["box", "sh", "-c"]);
    let own = std::process::id();
    let look = format!(
        "ls /sys/class/net; cat /proc/{own}/comm; kill -0 {own} && echo killed; cat /proc/{own}/environ && echo read
         ip link set lo mtu 1000 && echo changed; echo 1 >/proc/sys/net/ipv4/ip_forward && echo written; ls /dev/mqueue; id -u"
    );
    let ran = store.tare(&[&share[..], &[&look]].concat());
    let interfaces: BTreeSet<String> = std::fs::read_dir("/sys/class/net")
        .expect("interfaces")
        .map(|entry| entry.expect("an interface").file_name().to_string_lossy().into_owned())
        .collect();
    let comm = std::fs::read_to_string(format!("/proc/{own}/comm")).expect("our name");
    for line in interfaces.iter().map(String::as_str).chain([comm.trim_end(), "0"]) {
        assert!(ran.stdout.lines().any(|said| said == line), "no {line}: {}", ran.story());
    }
    for word in ["killed", "read", "changed", "written"] {
        assert!(!ran.stdout.lines().any(|said| said == word), "{}", ran.story());
    }
    store.assert_nothing_left();
}

/// What its root could not take itself it has from the host.
#[test]
fn limits_and_clocks_are_kept_too() {
    let store = Store::new();
    let script = "ulimit -n; cat /proc/self/oom_score_adj; id -u";
    let words = ["run", "--rm", "--userns", "auto", "--ulimit", "nofile=1000:2000", "--oom-score-adj", "7", "box", "sh", "-c", script];
    assert_eq!(store.ok(&words), "1000\n7\n0");
    let clocks = ["run", "--rm", "--userns", "auto", "--time-offset", "monotonic=1000h", "box", "cat", "/proc/self/timens_offsets"];
    if Path::new("/proc/self/ns/time").exists() {
        assert!(store.ok(&clocks).contains("3600000"));
    }
}

#[test]
fn a_map_is_what_was_said() {
    let store = Store::new();
    let maps = |flags: &[&str]| {
        store.ok(&[&["run", "-d", "--name", "one"], flags, &["box", "sleep", "1000"]].concat());
        let found = (map_of(store.pid("one"), "uid_map"), map_of(store.pid("one"), "gid_map"));
        assert_eq!(store.ok(&["exec", "one", "id", "-u"]), "0");
        store.ok(&["rm", "-f", "one"]);
        found
    };
    let (some, more) = (vec![(0, 300_000, 11)], vec![(0, 300_000, 11), (1000, 5, 1)]);
    assert_eq!(maps(&["--userns", "0:300000:11"]), (some.clone(), some.clone()));
    assert_eq!(maps(&["--uidmap", "0:300000:11", "--uidmap", "1000:5:1"]), (more.clone(), more.clone()));
    assert_eq!(maps(&["--uidmap", "0:300000:11,1000:5", "--gidmap", "0:300000:11"]), (more, some));
    let (uids, gids) = maps(&["--userns", "auto:size=2000,uidmapping=0:7:1"]);
    assert_eq!((uids[0], uids[1].0, uids[1].2, gids.len()), ((0, 7, 1), 1, 1999, 1));
    // Who is not mapped is nobody.
    let look = ["run", "--rm", "--userns", "0:300000:11", "box", "stat", "-c", "%u:%g", "/home/alice/hers"];
    assert_eq!(store.ok(&look), "65534:65534");
    // One id is enough for a root without further groups; the image's root has some.
    let only_root = |user: &str| store.tare(&["run", "--rm", "--userns", "0:300000", "-u", user, "box", "cat", "/proc/self/uid_map"]);
    assert_eq!(only_root("0:0").ok().split_whitespace().collect::<Vec<_>>(), ["0", "300000", "1"]);
    let error = only_root("root").expect_code(125).stderr;
    assert!(error.contains("there is no group 10 here"), "{error}");
}

#[test]
fn words_that_make_no_sense() {
    let store = Store::new();
    for (flags, why) in [
        (&["--userns", "autos"][..], "no user namespace"),
        (&["--userns", "auto:size=x"], "no number of ids"),
        (&["--userns", "auto:x=1"], "auto takes no"),
        (&["--userns", "container:"], "no container is named"),
        (&["--uidmap", "0:1:4294967295"], "no range of ids"),
        (&["--uidmap", "1:1:5"], "nobody is the container's root"),
        (&["--uidmap", "0:5:9", "--uidmap", "3:50:1"], "overlaps"),
        (&["--userns", "auto", "--uidmap", "0:5:9"], "contradicts"),
        (&["--userns", "keep-id"], "ordinary user"),
        (&["--userns", "nomap"], "ordinary user"),
    ] {
        let error = store.fails(125, &[&["run", "--rm"], flags, &["box", "true"]].concat());
        assert!(error.contains(why), "{flags:?}: {error}");
    }
    store.ok(&["run", "--rm", "--userns", "host", "box", "true"]);
    store.assert_nothing_left();
}

#[test]
fn no_ids_are_left() {
    let store = Store::new();
    let error = store.fails(125, &["run", "--rm", "--userns", "auto:size=4000000000", "box", "true"]);
    assert!(error.contains("in a row are free") && error.contains("/etc/subuid"), "{error}");
    store.assert_nothing_left();
}
