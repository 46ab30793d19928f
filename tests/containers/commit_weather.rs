//! `commit` and `save` on disks that are full at any step, or whose writer is killed: nothing is half made, and what was there stays.

use super::image_weather::names;
use crate::common::{Ran, Store, program, test_images};
use std::process::{Command, Stdio};

/// In a mount namespace of its own: a container on a small disk; then, with a little more room each time, a commit that fails or
/// not. The limits are lifted, so that it is the disk that says no.
const COMMITS: &str = r#"
mount --make-rprivate /
mkdir "$1/disk" && mount -t tmpfs -o size=64m small "$1/disk"
export TARE_ROOT="$1/disk/s"
commit() { "$2" commit --max-layer-size 100g --max-layer-entries 100000 one new; }
list() { find "$TARE_ROOT" -mindepth 1 | sort; }
"$2" load -qi "$3" >/dev/null && "$2" run --name one box sh -c 'mkdir /d; for i in 1 2 3 4 5 6; do head -c 30000 /dev/zero > /d/$i; done' || exit 9
commit "$@" >/dev/null && "$2" rmi new >/dev/null || exit 8
before=$(list); used=$(df -k "$1/disk" | awk 'END { print $3 }')
try() {
    mount -o "remount,size=$((used + $4))k" "$1/disk"
    commit "$@" >/dev/null 2>"$1/err"; code=$?
    mount -o remount,size=64m "$1/disk"
    left=; [ $code = 0 ] && "$2" rmi new >/dev/null
    [ "$(list)" = "$before" ] || left=$(list | grep -vxF "$before" | tr '\n' ' ')
    echo "$4|$code|$left|$(tr '\n' '~' < "$1/err")"
}
more=4
while try "$1" "$2" "$3" $more && [ $code != 0 ] && [ $more -lt 4000 ]; do more=$((more + 24)); done
for more in $(seq $((more - 24)) 4 $more); do try "$1" "$2" "$3" $more; done
"$2" rm one >/dev/null
"#;

/// The same for an archive that is written to a small disk.
const SAVES: &str = r#"
mount --make-rprivate /
mkdir "$1/disk" && mount -t tmpfs -o size=64k small "$1/disk"
for more in $(seq 4 64 4000); do
    mount -o "remount,size=${more}k" "$1/disk"
    "$2" save -o "$1/disk/out.tar" box 2>"$1/err"; code=$?
    left=$(ls -A "$1/disk"); [ $code = 0 ] && { left=; "$2" load -qi "$1/disk/out.tar" >/dev/null || left=damaged; }
    echo "$more|$code|$left|$(tr '\n' '~' < "$1/err")"
    [ $code != 0 ] || break
done
"#;

fn play(script: &str, store: &Store) -> Ran {
    let archive = store.file("box.tar", test_images::box_image().docker_archive());
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&store.dir).arg(program()).arg(archive);
    command.env("TARE_RUN", &store.run).env("TARE_NETWORK", "none").env("TARE_ROOT", &store.root).stdin(Stdio::null());
    let started = std::time::Instant::now();
    let out = command.output().expect("the script runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = out.status.code().unwrap_or(-1);
    Ran {
        command: "the script".into(),
        code,
        stdout: text(&out.stdout),
        stderr: text(&out.stderr),
        raw: out.stdout,
        took: started.elapsed(),
    }
}

/// Every line either worked or says that the disk is full, and nothing was left.
fn judge(ran: &Ran) {
    let (mut refused, mut worked, mut said) = (0, 0, std::collections::BTreeSet::new());
    for line in ran.stdout.lines() {
        let fields: Vec<&str> = line.splitn(4, '|').collect();
        let [_, code, left, error] = fields[..] else { panic!("{}", ran.story()) };
        assert_eq!(left, "", "{line}");
        if code == "0" {
            worked += 1;
            continue;
        }
        refused += 1;
        assert!(code == "1" && error.starts_with("tare: ") && error.contains("No space left on device"), "{line}");
        said.insert(error.split("No space").next().unwrap_or_default().to_owned());
    }
    eprintln!("{refused} refused, {worked} worked; where it struck:\n{}", said.into_iter().collect::<Vec<_>>().join("\n"));
    assert!(refused > 2 && worked > 0, "{}", ran.story());
}

#[test]
fn a_full_disk_in_every_step_of_a_commit_leaves_nothing() {
    let store = Store::empty();
    judge(&play(COMMITS, &store));
}

#[test]
fn a_full_disk_in_every_step_of_a_save_leaves_no_file() {
    let store = Store::new();
    judge(&play(SAVES, &store));
}

#[test]
fn a_save_killed_at_any_moment_leaves_the_file_that_was_there() {
    let store = Store::new();
    std::fs::create_dir(store.dir.join("out")).expect("a directory");
    let path = store.file("out/archive.tar", "before").display().to_string();
    let started = std::time::Instant::now();
    store.ok(&["save", "-o", "/dev/null", "box"]);
    let whole = started.elapsed();
    let mut cut = 0;
    for round in 0..30 {
        let mut child = store.command(&["save", "-o", &path, "box"]).spawn().expect("the program runs");
        std::thread::sleep(whole * round / 24);
        let _ = child.kill();
        cut += usize::from(!child.wait().expect("wait").success());
        // Only the moment in which the new file takes the old one's place leaves a second name, and the next save takes it away.
        let left: Vec<_> = names(&store.dir.join("out")).into_iter().filter(|name| name != ".archive.tar.new").collect();
        assert_eq!(left, ["archive.tar"]);
        let text = std::fs::read(&path).expect("the file");
        if text != b"before" {
            store.ok(&["load", "-qi", &path]);
            std::fs::write(&path, "before").expect("a file");
        }
    }
    assert!(cut > 3, "only {cut} were cut");
    std::fs::write(store.dir.join("out/.archive.tar.new"), "of a save that was killed").expect("a file");
    store.ok(&["save", "-o", &path, "box"]);
    assert_eq!(names(&store.dir.join("out")), ["archive.tar"]);
}
