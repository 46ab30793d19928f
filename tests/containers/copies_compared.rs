//! `cp`, `diff` and `export` beside Docker's: the same commands on the same files leave the same behind.

use crate::common::drivers::Docker;
use crate::common::world::{NETWORK, busybox_archive};
use crate::common::{Ran, Store};
use std::path::Path;

/// What both are asked for, one after the other; C is the container, HERE a directory of the host.
const COMMANDS: &[&str] = &[
    // A file.
    "HERE/file C:/t/new",
    "HERE/other C:/t/new",
    "HERE/file C:/t",
    "HERE/file C:/t/",
    "HERE/file C:/t/.",
    "HERE/file C:t/relative",
    "HERE/file C:/t/missing/",
    "HERE/file C:/t/missing/name",
    "HERE/file C:/t/new/",
    "HERE/file C:/t/new/below",
    "HERE/missing C:/t/x",
    "HERE/file/ C:/t/x",
    // A directory.
    "HERE/dir C:/t/copied",
    "HERE/dir C:/t/copied",
    "HERE/dir/ C:/t/copied",
    "HERE/dir/. C:/t/flat",
    "HERE/dir/. C:/t/flat/",
    "HERE/dir C:/t/slash/",
    "HERE/dir C:/t/new",
    "HERE/dir/. C:/t/new",
    "HERE/dir C:/t/missing/dir",
    // Links.
    "HERE/link C:/t/link",
    "-L HERE/link C:/t/followed",
    "-L HERE/link C:/t/",
    "HERE/to-dir C:/t/to-dir",
    "HERE/to-dir/ C:/t/through",
    "HERE/to-dir/. C:/t/content",
    "-L HERE/to-dir C:/t",
    "HERE/dangling C:/t/",
    "-L HERE/dangling C:/t/x",
    "HERE/other C:/t/inside-link",
    "HERE/other C:/t/inside-to-dir/through-link",
    "HERE/dir/. C:/t/inside-to-dir",
    "HERE/file C:/t/inside-dangling",
    // Something in the way.
    "HERE/clash/. C:/t/clash",
    "HERE/clash2/. C:/t/clash",
    // Out.
    "C:/t/new HERE/out-new",
    "C:/t/flat HERE/out-flat",
    "C:/t/flat HERE/out-flat",
    "C:/t/flat/ HERE/out-flat/",
    "C:/t/flat/. HERE/out-flat/",
    "C:/t/flat/. HERE/out-content",
    "C:/t/flat HERE/out-new",
    "C:/t/new HERE/missing/",
    "C:/t/new HERE/missing/name",
    "C:/t/new HERE/out-flat",
    "C:/t/inside-link HERE/out-link",
    "-L C:/t/inside-link HERE/out-followed",
    "-L C:/t/inside-to-dir HERE/out-to-dir",
    "C:/t/inside-to-dir/ HERE/out-slash",
    "C:/t/../t/new HERE/out-up",
    "C:t/new HERE/out-relative",
    "C:/t/missing HERE/x",
    "C:/t/new/ HERE/x",
    "C:/t/new C:/t/x",
    "HERE/file HERE/x",
];

const SCENE_HERE: &str = "mkdir -p dir/below clash/was-file clash2 && echo one > file && echo two > other && echo three > dir/below/deep && \
    echo x > clash/was-file/x && echo y > clash2/was-dir && ln -s file link && ln -s dir to-dir && ln -s nowhere dangling && \
    chmod 640 other && chmod 750 dir && touch -d 2020-02-02 file other dir/below dir";
const SCENE_INSIDE: &str = "mkdir -p /t/in/side /t/clash/was-dir && echo in > /t/in/side/file && ln -s in/side/file /t/inside-link && \
    ln -s /t/in /t/inside-to-dir && ln -s in/new /t/inside-dangling && echo f > /t/clash/was-file && chmod 700 /t/in && sleep 1000";

fn play(here: &Path, name: &str, call: &dyn Fn(&[&str]) -> Ran) -> (Vec<bool>, String, String) {
    std::fs::create_dir_all(here).expect("a directory");
    crate::common::process::tool(&["sh", "-c", &format!("cd {} && {SCENE_HERE}", here.display())]).ok();
    call(&["run", "-d", "--name", name, "--network", "none", "busybox", "sh", "-c", SCENE_INSIDE]).ok();
    crate::common::eventually("the scene is set", || call(&["exec", name, "ls", "-d", "/t/in"]).stdout.trim() == "/t/in");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let here_text = here.display().to_string();
    let mut done = Vec::new();
    for command in COMMANDS {
        let words: Vec<String> = command
            .split(' ')
            .map(|word| match word.strip_prefix("C:") {
                Some(path) => format!("{name}:{path}"),
                None => word.replace("HERE", &here_text),
            })
            .collect();
        let words: Vec<&str> = ["cp"].into_iter().chain(words.iter().map(String::as_str)).collect();
        done.push(call(&words).code == 0);
    }
    let look = "find . ! -type l -printf '%P %y %m\\n' -o -printf '%P %y %l\\n' | sort; find . -type f -exec grep -H . {} + | sort";
    let outside = crate::common::process::tool(&["sh", "-c", &format!("cd {here_text} && {look}")]).ok();
    let look = "cd /t && find . | sort | while read f; do stat -c '%n %F %a %N' $f; done; find . -type f -exec grep -H . {} + | sort";
    let inside = call(&["exec", name, "sh", "-c", look]).ok();
    (done, outside, inside)
}

#[test]
fn cp_leaves_behind_what_docker_s_leaves() {
    let Some(docker) = Docker::new(&["--bip", &format!("{NETWORK}2.1/24"), "--default-ulimit", "nofile=1024:1024"]) else { return };
    let store = Store::empty();
    store.ok(&["load", "-qi", &busybox_archive()]);
    let theirs = play(&docker.world.dir.join("here"), "there", &|words| match words {
        ["run", rest @ ..] => docker.call(&[&["run", "--runtime", "tare"], rest].concat()),
        words => docker.call(words),
    });
    let ours = play(&store.dir.join("here"), "there", &|words| store.tare(words));
    let other: Vec<String> = COMMANDS
        .iter()
        .zip(theirs.0.iter().zip(&ours.0))
        .filter(|(_, (theirs, ours))| theirs != ours)
        .map(|(command, (theirs, _))| format!("{command}: Docker {}", if *theirs { "does it" } else { "refuses it" }))
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
    assert_same(&theirs.1, &ours.1, "on the host");
    assert_same(&theirs.2, &ours.2, "in the container");
}

/// In both kinds of change that a container makes.
const CHANGES: &str = "echo x >> /etc/passwd; rm /etc/group; mkdir -p /home/new/deep; echo x > /home/new/deep/file; chmod 700 /root; \
    rm -r /usr/bin; mkdir /usr/bin; echo x > /usr/bin/new; rm -r /var; echo x > /var; touch /tmp/gone; rm /tmp/gone; ln -s x /link";

#[test]
fn diff_tells_what_docker_s_tells() {
    let Some(docker) = Docker::new(&["--bip", &format!("{NETWORK}3.1/24"), "--default-ulimit", "nofile=1024:1024"]) else { return };
    let store = Store::empty();
    store.ok(&["load", "-qi", &busybox_archive()]);
    let told = |call: &dyn Fn(&[&str]) -> Ran| {
        call(&["run", "--name", "changed", "--network", "none", "busybox", "sh", "-c", CHANGES]).ok();
        let mut lines: Vec<String> = call(&["diff", "changed"]).ok().lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n")
    };
    let theirs = told(&|words| match words {
        ["run", rest @ ..] => docker.call(&[&["run", "--runtime", "tare"], rest].concat()),
        words => docker.call(words),
    });
    assert_same(&theirs, &told(&|words| store.tare(words)), "diff");
}

fn assert_same(theirs: &str, ours: &str, place: &str) {
    let only =
        |some: &str, others: &str| some.lines().filter(|line| !others.lines().any(|other| other == *line)).collect::<Vec<_>>().join("\n");
    assert!(theirs == ours, "{place}, only Docker:\n{}\nonly we:\n{}", only(theirs, ours), only(ours, theirs));
}
