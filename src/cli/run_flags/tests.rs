//! Promises about the command line of `run` and `create`, made without a container.

use super::*;
use crate::error::Kind;
use crate::options::restart::Restart;
use crate::options::{IoRateKind, Ipc, Mount, Network, Pid, Seccomp};
use std::path::PathBuf;

fn words(command: &'static str, line: &[&str]) -> Result<Parsed> {
    let matches = define(clap::Command::new(command)).try_get_matches_from(std::iter::once(&command).chain(line)).map_err(|e| {
        crate::cli::suggest::refusal(&e, &crate::cli::suggest::Place::of(&[])).unwrap_or_else(|| Error::usage(e.to_string()))
    })?;
    parse(command, &matches)
}

fn run(line: &[&str]) -> Result<Parsed> {
    words("run", line)
}

/// A file that is gone when the test is.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> File {
        let path = std::env::temp_dir().join(format!("tare-flags-{}-{name}", std::process::id()));
        let fd = crate::sys::file::create(&path, nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_TRUNC, 0o600).unwrap();
        crate::sys::file::write_all(std::os::fd::AsFd::as_fd(&fd), text.as_bytes()).unwrap();
        File(path)
    }
    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = crate::sys::file::remove_file(&self.0);
    }
}

#[test]
fn options_end_at_the_image() {
    let parsed = run(&["-it", "--rm", "alpine", "sh", "-c", "echo --rm", "--", "-d"]).unwrap();
    assert_eq!(parsed.image, "alpine");
    assert_eq!(parsed.wishes.command, ["sh", "-c", "echo --rm", "--", "-d"]);
    assert!(parsed.wishes.interactive && parsed.wishes.terminal && parsed.wishes.remove && !parsed.detach);
    assert_eq!(run(&["--rm", "--", "alpine", "ls"]).unwrap().wishes.command, ["ls"]);
    assert_eq!(run(&["alpine", "--", "ls"]).unwrap().wishes.command, ["--", "ls"]);
}

#[test]
fn switches_take_a_value_only_behind_an_equals_sign() {
    let parsed = run(&["-it=false", "--rm=true", "--init=false", "--sig-proxy=0", "a:b"]).unwrap();
    assert!(parsed.wishes.interactive && !parsed.wishes.terminal && parsed.wishes.remove && !parsed.sig_proxy);
    assert_eq!(parsed.wishes.init, Some(false));
    assert_eq!(run(&["--init", "true"]).unwrap().image, "true");
    assert_eq!(run(&["x"]).unwrap().wishes.init, None);
    assert!(run(&["--rm=maybe", "x"]).unwrap_err().to_string().contains("--rm"));
}

#[test]
fn values_come_in_every_spelling() {
    for line in [
        &["-m64m", "x"][..],
        &["-m", "64m", "x"],
        &["-m=64m", "x"],
        &["--memory=64m", "x"],
        &["--memory", "64m", "x"],
        &["-itm", "64m", "x"],
    ] {
        assert_eq!(run(line).unwrap().wishes.limits.memory, Some(64 << 20), "{line:?}");
    }
    assert_eq!(run(&["-m", "64m", "--memory-swap", "-1", "x"]).unwrap().wishes.limits.memory_swap, Some(-1));
    assert_eq!(run(&["-m", "64m", "-m", "128m", "x"]).unwrap().wishes.limits.memory, Some(128 << 20));
}

#[test]
fn every_flag_becomes_its_wish() {
    let parsed = run(&[
        "-d",
        "--name",
        "web1",
        "-e",
        "A=1",
        "--env",
        "B=2",
        "-w",
        "/srv",
        "-u",
        "1000:100",
        "-h",
        "box",
        "-v",
        "/src:/dst:ro",
        "--mount",
        "type=tmpfs,target=/t",
        "--tmpfs",
        "/run",
        "--read-only",
        "--entrypoint",
        "/bin/x",
        "-l",
        "k=v",
        "--label",
        "k2",
        "--cap-add",
        "NET_ADMIN",
        "--cap-drop",
        "ALL",
        "--privileged",
        "--security-opt",
        "no-new-privileges",
        "--security-opt",
        "seccomp=unconfined",
        "--ulimit",
        "nofile=10:20",
        "--device",
        "/dev/fuse",
        "--stop-signal",
        "INT",
        "--stop-timeout",
        "3",
        "-m",
        "64m",
        "--memory-swap",
        "128m",
        "--cpus",
        "0.5",
        "-c",
        "512",
        "--pids-limit",
        "9",
        "--net",
        "host",
        "--pid",
        "host",
        "--ipc",
        "host",
        "--pull",
        "never",
        "-q",
        "--detach-keys",
        "ctrl-a",
        "image",
        "cmd",
    ])
    .unwrap();
    let wishes = parsed.wishes;
    assert!(parsed.detach && parsed.pull == Some(When::Never) && parsed.quiet && parsed.attach == Attach::default());
    assert_eq!((parsed.image.as_str(), parsed.name.as_deref(), &parsed.detach_keys[..]), ("image", Some("web1"), &[1][..]));
    assert_eq!(wishes.env, ["A=1", "B=2"]);
    assert_eq!(
        (wishes.workdir.as_deref(), wishes.user.as_deref(), wishes.hostname.as_deref()),
        (Some("/srv"), Some("1000:100"), Some("box"))
    );
    assert_eq!(wishes.mounts.iter().map(Mount::target).collect::<Vec<_>>(), ["/dst", "/t", "/run"]);
    assert_eq!(wishes.entrypoint, Some(vec!["/bin/x".to_owned()]));
    assert_eq!(wishes.labels, [("k".into(), "v".into()), ("k2".into(), String::new())]);
    assert_eq!((wishes.cap_add, wishes.cap_drop), (vec!["NET_ADMIN".to_owned()], vec!["ALL".to_owned()]));
    assert!(
        wishes.read_only
            && wishes.privileged
            && wishes.no_new_privileges
            && wishes.pid == Pid::Host
            && wishes.ipc == Ipc::Host
            && !wishes.host_uts
    );
    assert_eq!((wishes.seccomp, wishes.network), (Seccomp::Unconfined, Network::Host));
    assert_eq!((wishes.ulimits.len(), wishes.devices.len()), (1, 1));
    assert_eq!((wishes.stop_signal.as_deref(), wishes.stop_timeout), (Some("INT"), Some(3)));
    let limits = wishes.limits;
    assert_eq!((limits.memory, limits.memory_swap), (Some(64 << 20), Some(128 << 20)));
    assert_eq!((limits.nano_cpus, limits.cpu_shares, limits.pids), (Some(500_000_000), Some(512), Some(9)));
    assert_eq!(wishes.command, ["cmd"]);
}

#[test]
fn a_bad_value_is_named_with_its_flag() {
    for (flag, value) in [
        ("memory", "12q"),
        ("memory", "5m"),
        ("memory-swap", "x"),
        ("cpus", "0"),
        ("cpu-shares", "1"),
        ("pids-limit", "-7"),
        ("user", "4294967295"),
        ("workdir", "srv"),
        ("hostname", "a b"),
        ("hostname", "-x"),
        ("env", "=1"),
        ("label", "=1"),
        ("volume", "/a:b"),
        ("mount", "type=x,target=/a"),
        ("tmpfs", "run"),
        ("device", "fuse"),
        ("ulimit", "x=1"),
        ("stop-signal", "NOPE"),
        ("stop-timeout", "soon"),
        ("security-opt", "what"),
        ("name", "a/b"),
        ("pid", "hots"),
        ("ipc", "hots"),
        ("uts", "hots"),
        ("uts", "container:x"),
        ("cgroupns", "hots"),
        ("pid", "container:"),
        ("time-offset", "monotonic"),
        ("time-offset", "wall=1h"),
        ("add-host", "db"),
        ("add-host", "db:nowhere"),
        ("dns", "dns.example"),
        ("dns-search", "a b"),
        ("dns-option", "a\nb"),
        ("attach", "stdfoo"),
        ("detach-keys", "f13"),
        ("pull", "perhaps"),
        ("cap-add", ""),
        ("cap-drop", "FLY"),
        ("network", ""),
        ("network", "a b"),
        ("publish", "80/icmp"),
        ("net-rate", "10mbit"),
        ("group-add", "a:b"),
        ("oom-score-adj", "1001"),
        ("memory-reservation", "1m"),
        ("memory-swappiness", "101"),
        ("cpu-quota", "5"),
        ("cpu-period", "5"),
        ("cpuset-cpus", "0-"),
        ("cpuset-mems", "x"),
        ("blkio-weight", "9"),
        ("device-read-bps", "/dev/sda"),
        ("device-write-bps", "sda:1m"),
        ("device-read-iops", "/dev/sda:1m"),
        ("device-write-iops", "/dev/sda:0"),
        ("device-cgroup-rule", "c 10:200"),
        ("shm-size", "big"),
        ("sysctl", "net.core.somaxconn"),
        ("domainname", "a b"),
        ("cgroup-parent", "/a/../b"),
        ("annotation", "tare.seccomp=x"),
        ("annotation", "x"),
        ("expose", "0"),
        ("platform", "linux/"),
        ("cidfile", ""),
        ("pidfile", ""),
    ] {
        let error = run(&[&format!("--{flag}={value}"), "x"]).unwrap_err();
        assert!(error.to_string().starts_with(&format!("invalid value {value:?} for --{flag}: ")), "{error}");
        assert_eq!(error.kind(), Kind::Usage, "{error}");
    }
}

#[test]
fn what_becomes_of_it_and_how_it_does() {
    let parsed = run(&["--restart=on-failure:3", "--health-cmd", "true", "--health-interval=2s", "--health-retries", "5", "x"]).unwrap();
    assert_eq!(parsed.wishes.restart, Restart::OnFailure(Some(3)));
    let check = parsed.wishes.health.unwrap();
    assert_eq!((check.command().unwrap().join(" ").as_str(), check.interval(), check.retries()), ("/bin/sh -c true", 2_000_000_000, 5));
    assert_eq!(run(&["--no-healthcheck", "x"]).unwrap().wishes.health.unwrap().command(), None);
    assert_eq!(run(&["x"]).unwrap().wishes.health, None);
    for line in [
        &["--restart", "always", "--rm", "x"][..],
        &["--restart", "sometimes", "x"],
        &["--no-healthcheck", "--health-cmd", "true", "x"],
        &["--health-interval", "5", "x"],
        &["--health-timeout", "-1s", "x"],
        &["--health-retries", "few", "x"],
    ] {
        assert_eq!(run(line).unwrap_err().kind(), Kind::Usage, "{line:?}");
    }
    assert_eq!(run(&["--rm", "--restart", "no", "x"]).unwrap().wishes.restart, Restart::No);
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    for line in [
        &["--gpus", "all", "x"][..],
        &["--volume-driver", "local", "x"],
        &["--security-opt", "apparmor=x", "x"],
        &["--network", "name=a,driver-opt=b=c", "x"],
    ] {
        let error = run(line).unwrap_err();
        assert_eq!(error.kind(), Kind::CannotKeep, "{line:?}: {error}");
        assert!(error.to_string().contains("not built yet"), "{error}");
    }
    let error = run(&["--gpus", "all", "x"]).unwrap_err();
    assert!(error.to_string().starts_with("--gpus") && error.hint_text().is_some(), "{error}");
}

#[test]
fn every_limit_becomes_its_wish() {
    let parsed = run(&[
        "--group-add=audio",
        "--group-add=44",
        "--oom-score-adj=500",
        "--memory-reservation=64m",
        "--memory-swappiness=-1",
        "--cpu-quota=50000",
        "--cpu-period=200000",
        "--cpuset-cpus=1,0",
        "--cpuset-mems=0",
        "--blkio-weight=300",
        "--device-read-bps=/dev/a:1m",
        "--device-write-iops=/dev/a:5",
        "--device-cgroup-rule=c 10:200 rwm",
        "--shm-size=1m",
        "--sysctl=net.core.somaxconn=1",
        "--sysctl=net.core.somaxconn=2",
        "--domainname=example",
        "--cgroup-parent=batch/",
        "--annotation=a=b=c",
        "--expose=81-82",
        "--expose=53/udp",
        "--expose=82",
        "--cidfile=id",
        "--pidfile=pid",
        "x",
    ])
    .unwrap();
    let (wishes, limits) = (&parsed.wishes, &parsed.wishes.limits);
    assert_eq!((&wishes.groups[..], wishes.oom_score_adj), (&["audio".to_owned(), "44".to_owned()][..], Some(500)));
    assert_eq!((limits.memory_reservation, limits.cpu_quota, limits.cpu_period), (Some(64 << 20), Some(50_000), Some(200_000)));
    assert_eq!((limits.cpuset_cpus.as_deref(), limits.cpuset_mems.as_deref(), limits.io_weight), (Some("0-1"), Some("0"), Some(300)));
    assert_eq!(
        limits.io_rates.iter().map(|rate| (rate.kind, rate.rate)).collect::<Vec<_>>(),
        [(IoRateKind::ReadBytes, 1 << 20), (IoRateKind::WriteOperations, 5)]
    );
    assert_eq!((&wishes.device_rules[..], wishes.shm_size), (&["c 10:200 rwm".to_owned()][..], Some(1 << 20)));
    assert_eq!(wishes.sysctls, [("net.core.somaxconn".to_owned(), "2".to_owned())]);
    assert_eq!((wishes.domainname.as_deref(), wishes.cgroup_parent.as_deref()), (Some("example"), Some("/batch")));
    assert_eq!(wishes.annotations, [("a".to_owned(), "b=c".to_owned())]);
    assert_eq!(wishes.exposed, ["53/udp", "81/tcp", "82/tcp"]);
    assert_eq!(parsed.id_file.as_deref(), Some(std::path::Path::new("id")));
    assert!(wishes.pid_file.as_ref().unwrap().is_absolute());
}

#[test]
fn what_no_container_can_have_is_refused_with_the_reason() {
    for (flag, word) in [
        ("--memory-swappiness=60", "cgroup v2"),
        ("--sysctl=kernel.panic=1", "whole machine"),
        ("--platform=plan9/68000", "this machine is linux/"),
    ] {
        let error = run(&[flag, "x"]).unwrap_err();
        assert_eq!(error.kind(), Kind::CannotKeep, "{flag}");
        assert!(error.to_string().contains(word) && error.hint_text().is_some(), "{flag}: {error}");
    }
}

#[test]
fn wishes_that_contradict_each_other_are_refused() {
    for line in [
        &["-d", "-a", "stdout", "x"][..],
        &["--uts", "host", "-h", "n", "x"],
        &["--network", "container:y", "-h", "n", "x"],
        &["--network", "container:y", "--add-host", "h:1.2.3.4", "x"],
        &["--network", "container:y", "--dns", "1.2.3.4", "x"],
        &["--network", "container:y", "--dns-search", "lan", "x"],
        &["--network", "container:y", "--dns-opt", "ndots:2", "x"],
        &["--memory-swap", "1g", "x"],
        &["--uts", "host", "--domainname", "n", "x"],
        &["--ipc", "host", "--shm-size", "1m", "x"],
        &["--ipc", "host", "--sysctl", "kernel.shmmax=1", "x"],
        &["--network", "host", "--sysctl", "net.core.somaxconn=1", "x"],
        &["--network", "container:y", "--sysctl", "net.core.somaxconn=1", "x"],
        &["--ipc", "container:y", "--sysctl", "kernel.shmmax=1", "x"],
        &["--cpus", "1", "--cpu-quota", "1000", "x"],
        &["--cpus", "1", "--cpu-period", "1000", "x"],
        &["-m", "64m", "--memory-reservation", "65m", "x"],
        &["-m", "1g", "--memory-swap", "512m", "x"],
        &["-v", "/a:/x", "--tmpfs", "/x", "x"],
        &[],
        &["-d"],
        &[""],
        &["--nope", "x"],
    ] {
        assert!(run(line).is_err(), "{line:?}");
    }
}

#[test]
fn streams_are_all_connected_unless_some_are_named() {
    assert_eq!(run(&["x"]).unwrap().attach, Attach { stdin: false, stdout: true, stderr: true });
    assert_eq!(run(&["-i", "x"]).unwrap().attach, Attach { stdin: true, stdout: true, stderr: true });
    assert_eq!(run(&["-i", "-a", "STDOUT", "x"]).unwrap().attach, Attach { stdin: false, stdout: true, stderr: false });
}

#[test]
fn an_empty_entrypoint_takes_the_image_s_away() {
    assert_eq!(run(&["--entrypoint", "", "x", "ls"]).unwrap().wishes.entrypoint, Some(vec![]));
    assert_eq!(run(&["--entrypoint=", "x", "ls"]).unwrap().wishes.entrypoint, Some(vec![]));
    assert_eq!(run(&["x"]).unwrap().wishes.entrypoint, None);
}

#[test]
fn files_are_read_before_flags_count() {
    let env = File::new("env", "A=file\nB=file\n");
    let labels = File::new("labels", "a=file\nb=file\n");
    let parsed = run(&["-e", "A=flag", "--env-file", env.name(), "-l", "a=flag", "--label-file", labels.name(), "x"]).unwrap();
    assert_eq!(parsed.wishes.env, ["A=file", "B=file", "A=flag"]);
    assert_eq!(parsed.wishes.labels, [("a".into(), "flag".into()), ("b".into(), "file".into())]);
    let profile = File::new("profile", "{}");
    let option = format!("seccomp={}", profile.name());
    assert_eq!(run(&["--security-opt", &option, "x"]).unwrap().wishes.seccomp, Seccomp::Profile("{}".into()));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    for line in [
        &["--env-file", "/nowhere/env", "x"][..],
        &["--label-file", "/dev/zero", "x"],
        &["--env-file", "/", "x"],
        &["--security-opt", "seccomp=/nowhere/p", "x"],
    ] {
        assert!(run(line).unwrap_err().to_string().contains(&format!("for --{}", line[0].trim_start_matches('-'))), "{line:?}");
    }
}

#[test]
fn create_has_no_flags_of_a_running_command() {
    let parsed = words("create", &["-i", "--name", "c1", "x", "-d"]).unwrap();
    assert_eq!((parsed.wishes.command, parsed.detach, parsed.sig_proxy), (vec!["-d".to_owned()], false, true));
    assert!(words("create", &["-d", "x"]).is_err());
}

#[test]
fn the_definition_is_sound() {
    define(clap::Command::new("run")).debug_assert();
    define(clap::Command::new("create")).debug_assert();
}

/// `cargo test --release -- --ignored --nocapture price`
#[test]
#[ignore = "a measurement"]
fn price_of_a_command_line() {
    let mut times: Vec<u128> = (0..1000)
        .map(|_| {
            let start = std::time::Instant::now();
            std::hint::black_box(run(&["--rm", "-e", "A=1", "alpine", "true"]).unwrap());
            start.elapsed().as_nanos()
        })
        .collect();
    println!("first {} ns", times[0]);
    times.sort_unstable();
    println!("median {} ns", times[500]);
}
