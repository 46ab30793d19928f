//! Docker drives its containers with tare: run, exec, logs, stop, kill, pause, restart, on its own bridge.

use crate::common::drivers::Docker;
use crate::common::world::NETWORK;
use crate::common::{Terminal, cgroup2, eventually};
use std::time::Instant;

fn docker() -> Option<Docker> {
    let bridge = format!("{NETWORK}1.1/24");
    // Root may not raise its own limits here.
    Docker::new(&["--bip", &bridge, "--default-ulimit", "nofile=1024:1024"])
}

#[test]
fn docker_runs_executes_pauses_and_kills() {
    let Some(docker) = docker() else { return };
    let run = |words: &[&str]| docker.call(&[&["run", "--rm", "--runtime", "tare", "busybox"], words].concat());
    assert_eq!(run(&["echo", "hello"]).ok(), "hello");
    run(&["sh", "-c", "exit 7"]).expect_code(7);
    run(&["nosuch"]).expect_code(127);
    run(&["/etc"]).expect_code(126);

    docker.ok(&["run", "-d", "--name", "web", "--runtime", "tare", "busybox", "sh", "-c", "echo logged; exec sleep 1000"]);
    let is = |field: &str| docker.ok(&["inspect", "-f", &format!("{{{{.{field}}}}}"), "web"]);
    assert_eq!((is("HostConfig.Runtime"), is("State.Status")), ("tare".into(), "running".into()));
    eventually("its log", || docker.ok(&["logs", "web"]) == "logged");
    assert_eq!(docker.ok(&["exec", "web", "cat", "/proc/1/comm"]), "sleep");
    docker.call(&["exec", "web", "sh", "-c", "exit 5"]).expect_code(5);
    for words in [&["web", "nosuch"][..], &["web", "/etc"], &["-w", "/nosuch", "web", "true"]] {
        docker.call(&[&["exec"], words].concat()).expect_code(126);
    }
    let who = ["exec", "-w", "/tmp", "-u", "1000:7", "-e", "A=b", "web", "sh", "-c", "pwd; id -u; id -G; echo $A"];
    assert_eq!(docker.ok(&who), "/tmp\n1000\n7\nb");
    assert!(docker.ok(&["exec", "-t", "web", "tty"]).starts_with("/dev/pts/"));
    docker.ok(&["exec", "-d", "web", "sleep", "2000"]);
    eventually("both are seen", || docker.ok(&["top", "web"]).matches("sleep").count() == 2);
    if cgroup2().is_some() {
        docker.ok(&["pause", "web"]);
        assert_eq!(is("State.Status"), "paused");
        docker.ok(&["unpause", "web"]);
        assert_eq!(is("State.Status"), "running");
    }
    docker.ok(&["kill", "web"]);
    assert_eq!((docker.ok(&["wait", "web"]), is("State.Status")), ("137".into(), "exited".into()));
    docker.ok(&["start", "web"]);
    docker.ok(&["restart", "-t", "0", "web"]);
    assert_eq!(is("State.Status"), "running");
    docker.ok(&["rm", "-f", "web"]);
    docker.world.assert_no_groups();
}

#[test]
fn docker_attaches_restarts_and_shares() {
    let Some(docker) = docker() else { return };
    docker.ok(&["run", "-d", "-i", "--name", "reader", "--runtime", "tare", "busybox", "sh", "-c", "read word; echo got $word"]);
    let mut attach = docker.command(&["attach", "reader"]);
    let word = docker.world.dir.join("word");
    std::fs::write(&word, "this\n").expect("a file");
    attach.stdin(std::fs::File::open(&word).expect("a file"));
    docker.world.run(attach);
    eventually("it has read", || docker.ok(&["logs", "reader"]) == "got this");

    docker.ok(&[
        "run",
        "-d",
        "--name",
        "again",
        "--restart",
        "on-failure:2",
        "--runtime",
        "tare",
        "busybox",
        "sh",
        "-c",
        "echo try; exit 3",
    ]);
    eventually("it was tried three times", || docker.ok(&["logs", "again"]) == "try\ntry\ntry");

    docker.ok(&["run", "-d", "--name", "first", "--runtime", "tare", "busybox", "sleep", "1000"]);
    // Pid 1 of the second is the first's: its end is its own nevertheless.
    docker.ok(&["run", "-d", "--name", "second", "--pid", "container:first", "--runtime", "tare", "busybox", "sleep", "2000"]);
    assert!(docker.ok(&["exec", "first", "ps"]).contains("sleep 2000"));
    docker.ok(&["kill", "second"]);
    assert_eq!(docker.ok(&["wait", "second"]), "137");
    assert_eq!(docker.ok(&["inspect", "-f", "{{.State.Status}}", "first"]), "running");
    docker.ok(&["rm", "-f", "reader", "again", "first", "second"]);
    docker.world.assert_no_groups();
}

#[test]
fn docker_stops_with_a_signal_that_can_be_answered() {
    let Some(docker) = docker() else { return };
    let script = "trap 'echo ended; exit 9' TERM; echo ready; while :; do sleep 0.1; done";
    docker.ok(&["run", "-d", "--name", "web", "--runtime", "tare", "busybox", "sh", "-c", script]);
    eventually("it is ready", || docker.ok(&["logs", "web"]) == "ready");
    let before = Instant::now();
    docker.ok(&["stop", "-t", "1000", "web"]);
    assert!(before.elapsed().as_secs() < 1000);
    assert_eq!(docker.ok(&["inspect", "-f", "{{.State.ExitCode}}", "web"]), "9");
    assert_eq!(docker.ok(&["logs", "web"]), "ready\nended");
    docker.ok(&["rm", "web"]);
    docker.world.assert_no_groups();
}

#[test]
fn docker_s_options_reach_the_container() {
    let Some(docker) = docker() else { return };
    let run = |flags: &[&str], script: &str| {
        docker.ok(&[&["run", "--rm", "--runtime", "tare"], flags, &["busybox", "sh", "-c", script]].concat())
    };
    let confined =
        ["--cap-drop", "ALL", "--cap-add", "CHOWN", "--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined"];
    let seen = run(&confined, "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status");
    assert_eq!(seen, "CapEff:\t0000000000000001\nCapBnd:\t0000000000000001\nNoNewPrivs:\t1\nSeccomp:\t0");
    let all = run(&["--privileged"], "awk '/^CapEff/ { print $2 }' /proc/self/status");
    let all = u64::from_str_radix(&all, 16).expect("a mask");
    assert!(all & 1 << 21 != 0 && all & !own_capabilities() == 0, "{all:x}: what we have, and no more");
    let person = ["-u", "1000", "--group-add", "7", "-w", "/new", "--ulimit", "nofile=100:200", "--oom-score-adj", "500"];
    assert_eq!(run(&person, "id -u; id -G; pwd; ulimit -n; cat /proc/self/oom_score_adj"), "1000\n1000 7 29\n/new\n100\n500");
    let world = ["--hostname", "tower", "--sysctl", "net.ipv4.ip_forward=0", "--shm-size", "1m", "--device", "/dev/null:/dev/nothing"];
    assert_eq!(
        run(&world, "hostname; cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | awk 'END { print $2 }'; echo x > /dev/nothing"),
        "tower\n0\n1024"
    );
    let files = ["--read-only", "--tmpfs", "/t:size=1m,mode=700", "-v", "kept:/kept"];
    assert_eq!(run(&files, "touch /x 2>/dev/null || touch /t/x /kept/x; stat -c %a /t; ls /kept"), "700\nx");
    assert_eq!(run(&["-v", "kept:/kept:ro"], "ls /kept; touch /kept/y 2>/dev/null || echo refused"), "x\nrefused");
    assert_eq!(run(&["--init"], "cat /proc/1/comm"), "docker-init");
    assert_eq!(run(&["--pid", "host"], "cat /proc/1/comm"), "sh", "the first process of the world");
    docker.world.assert_no_groups();
}

#[test]
fn docker_s_bridge_reaches_from_container_to_container() {
    let Some(docker) = docker() else { return };
    let serve = "echo here > /tmp/index.html; exec httpd -f -p 80 -h /tmp";
    docker.ok(&["run", "-d", "--name", "web", "--runtime", "tare", "-p", "8080:80", "busybox", "sh", "-c", serve]);
    let address = docker.ok(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web"]);
    assert!(address.starts_with(NETWORK), "{address}");
    let fetch = |flags: &[&str], url: &str| {
        docker.call(&[&["run", "--rm", "--runtime", "tare"], flags, &["busybox", "wget", "-qO-", url]].concat()).stdout
    };
    eventually("the other one answers", || fetch(&[], &format!("http://{address}/")) == "here\n");
    eventually("so does its port", || fetch(&["--network", "host"], "http://127.0.0.1:8080/") == "here\n");
    assert_eq!(fetch(&["--network", "container:web"], "http://127.0.0.1/"), "here\n");
    docker.ok(&["network", "create", "--subnet", &format!("{NETWORK}2.0/24"), "named"]);
    docker.ok(&["network", "connect", "named", "web"]);
    eventually("its name is known", || fetch(&["--network", "named"], "http://web/") == "here\n");
    docker.ok(&["rm", "-f", "web"]);
    docker.world.assert_no_groups();
}

#[test]
fn docker_s_terminal_is_a_terminal() {
    let Some(docker) = docker() else { return };
    let mut person =
        Terminal::spawn(docker.command(&["run", "-it", "--rm", "--name", "web", "--runtime", "tare", "busybox", "sh"]), 33, 77);
    person.expect("# ");
    assert_eq!(person.ask("tty"), "/dev/pts/0");
    eventually("its size is ours", || person.ask("stty size") == "33 77");
    let mut second = Terminal::spawn(docker.command(&["exec", "-it", "web", "sh"]), 24, 80);
    second.expect("# ");
    assert_eq!(second.ask("tty"), "/dev/pts/1");
    second.send("exit 4\n");
    assert_eq!(second.wait(), 4);
    person.send("exit 3\n");
    assert_eq!(person.wait(), 3);
}

fn own_capabilities() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("our status");
    let mask = status.lines().find_map(|line| line.strip_prefix("CapPrm:\t")).expect("a mask");
    u64::from_str_radix(mask, 16).expect("a mask")
}
