//! `commit` of containers that do not want to be read: that change their files meanwhile, dig deep, or speak the language of layers.

use super::build_layers::topmost;
use super::commits::store_in_memory;
use super::image_weather::names;
use crate::common::store::assert_proper_error;
use crate::common::{Ran, Report, Store, Victim, eventually, race_rounds};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;

/// The archive of the layer that a commit has made.
fn layer_of(store: &Store, image: &str) -> Vec<u8> {
    let digest = topmost(store, image)["digest"].as_str().expect("a digest").to_owned();
    let blob = std::fs::File::open(store.root.join("image/blobs/sha256").join(digest)).expect("its blob");
    let mut archive = Vec::new();
    flate2::read::MultiGzDecoder::new(blob).read_to_end(&mut archive).expect("a gzip file");
    archive
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Refused in a clear word, and nothing is left of it.
fn refused(store: &Store, words: &[&str], why: &str) -> Ran {
    let ran = store.tare(words);
    assert_eq!(ran.code, 1, "{}", ran.story());
    assert_proper_error(&ran);
    assert!(ran.stderr.contains(why), "{}", ran.story());
    assert!(ran.stderr.len() < 2000, "{}", ran.story());
    assert_eq!(names(&store.root.join("unfinished")), Vec::<String>::new());
    ran
}

#[test]
fn directories_and_symlinks_that_are_exchanged_lead_nowhere() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    let path = victim.path();
    let script = format!(
        "mkdir -p /shared/dir/hosts /shared/deep/dir; cd /shared; echo inside > file; ln -s {path} link; ln -s {path}/file file-link
         for name in file ptmx null; do echo inside > dir/$name; echo inside > deep/dir/$name; done; ln -s {path} deep/link
         /probe exchange file file-link & /probe exchange deep/dir deep/link & echo begun > /begun; exec /probe exchange dir link"
    );
    store.ok(&["run", "-d", "--name", "racer", "box", "sh", "-c", &script]);
    eventually("the racers run", || store.ok(&["logs", "racer"]).matches("ready").count() == 3);
    let (mut as_links, mut rounds) = (0, 0);
    for _ in 0..race_rounds() {
        store.ok(&["commit", "--pause=false", "racer", "raced"]);
        let layer = layer_of(&store, "raced");
        assert!(!contains(&layer, "untouched"), "a file of the host is in the image");
        let mut archive = tar::Archive::new(&layer[..]);
        let entries = archive.entries().expect("entries").map(|entry| entry.expect("an entry").header().clone());
        as_links += entries.filter(|header| header.entry_type().is_symlink() && &*header.path_bytes() == b"shared/dir").count();
        rounds += 1;
        victim.assert_untouched("the race");
        store.ok(&["rmi", "raced"]);
    }
    assert!(rounds < 20 || (as_links > 0 && as_links < rounds), "the race was never run: {as_links} of {rounds}");
    assert_eq!(store.state("racer"), "running");
    store.ok(&["rm", "-f", "racer"]);
    store.assert_nothing_left();
}

#[test]
fn files_that_grow_shrink_come_and_go_make_a_whole_image() {
    let store = Store::new();
    let script = "mkdir /moving; cd /moving; echo kept > kept
        (while :; do head -c 3000000 /dev/zero > grows; : > grows; done) &
        (while :; do echo x > comes; ln comes comes-too; rm comes comes-too; mkdir -p in/to; rm -r in; done) &
        (while :; do touch a; mv a b; mv b c; mv c a; done) & echo > /begun; wait";
    store.ok(&["run", "-d", "--name", "restless", "box", "sh", "-c", script]);
    eventually("it moves", || store.tare(&["exec", "restless", "test", "-e", "/begun"]).code == 0);
    for _ in 0..race_rounds().min(100) {
        store.ok(&["commit", "--no-pause", "restless", "whole"]);
        assert_eq!(store.ok(&["run", "--rm", "whole", "cat", "/moving/kept"]), "kept");
    }
    store.ok(&["rm", "-f", "restless"]);
}

#[test]
fn deep_trees_are_copied_or_refused_clearly() {
    let store = store_in_memory();
    store.ok(&["run", "--name", "deep", "box", "/probe", "deepen", "/", "2000"]);
    store.ok(&["commit", "deep", "deep"]);
    assert_eq!(store.ok(&["run", "--rm", "deep", "sh", "-c", "find /d | wc -l"]), "2000");
    store.ok(&["run", "--name", "deeper", "box", "/probe", "deepen", "/", "3000"]);
    refused(&store, &["commit", "deeper", "deeper"], "its path is longer than the 4095 bytes");
    store.ok(&["rm", "deep", "deeper"]);
}

/// Many names cost as much memory as they are long, and no more than a bound.
#[test]
#[allow(clippy::zombie_processes, reason = "wait4 waits for it, which also tells what it used")]
fn many_names_do_not_fill_the_memory() {
    let store = store_in_memory();
    let many = "for dir in 1 2 3 4; do mkdir /$dir; /probe make-many /$dir 25000; ln /$dir/a-name-among-many-7 /linked-$dir; done";
    store.ok(&["run", "--name", "many", "box", "sh", "-c", many]);
    let commit = store.command(&["commit", "many", "many"]).stdout(std::process::Stdio::null()).spawn().expect("the program runs");
    let (mut status, mut used) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: a child of ours that nobody else waits for; both answers are written where we say.
    let used = unsafe {
        assert_eq!(libc::wait4(commit.id() as i32, &raw mut status, 0, used.as_mut_ptr()), commit.id() as i32);
        used.assume_init()
    };
    assert!(std::process::ExitStatus::from_raw(status).success());
    eprintln!("{} kB for 100000 names", used.ru_maxrss);
    assert!(used.ru_maxrss < 100_000, "{} kB", used.ru_maxrss);
    assert_eq!(store.ok(&["run", "--rm", "many", "sh", "-c", "ls /1 /2 /3 /4 | grep -c many"]), "100000");
    store.ok(&["rm", "many"]);
}

#[test]
fn what_no_layer_can_tell_is_refused() {
    let store = Store::new();
    // Unpacked by anybody, this would remove /etc/passwd.
    store.ok(&["run", "--name", "whiteout", "box", "sh", "-c", "mkdir /etc/x; echo > /etc/.wh.passwd"]);
    refused(&store, &["commit", "whiteout", "never"], "cannot pack \"etc/.wh.passwd\"");
    store.ok(&["run", "--name", "opaque", "box", "sh", "-c", "echo > /etc/.wh..wh..opq"]);
    refused(&store, &["commit", "opaque", "never"], "begins with .wh.");
    store.ok(&["run", "--name", "huge", "box", "truncate", "-s", "7000G", "/huge"]);
    refused(&store, &["commit", "huge", "never"], "unpacks to more than");
    store.ok(&["run", "--name", "large", "box", "sh", "-c", "head -c 3000000 /dev/zero > /large; touch /1 /2 /3"]);
    refused(&store, &["commit", "--max-layer-size", "2m", "large", "never"], "unpacks to more than");
    refused(&store, &["commit", "--max-layer-entries", "3", "large", "never"], "more than 3 entries");
    store.fails(1, &["image", "inspect", "never"]);
    store.ok(&["rm", "whiteout", "opaque", "huge", "large"]);
}

/// Overlayfs hides what its own marks say, which the container cannot set; a mark that looks alike hides nothing.
#[test]
fn marks_of_the_container_s_own_hide_nothing() {
    let store = Store::new();
    let script = "/probe mark /home/alice user.overlay.opaque 79; touch /home/alice/more; /probe mark /bin user.overlay.whiteout 79; true";
    store.ok(&["run", "--name", "marks", "box", "sh", "-c", script]);
    store.ok(&["commit", "marks", "marked"]);
    assert_eq!(store.ok(&["run", "--rm", "marked", "sh", "-c", "ls /home/alice; test -e /bin/busybox && echo there"]), "hers\nmore\nthere");
    store.ok(&["rm", "marks"]);
}

/// What an image says of itself is text, whatever it is called.
#[test]
fn labels_never_act() {
    let store = Store::new();
    let other = store.inspect("probe")["Id"].as_str().expect("an id").to_owned();
    let labels = format!(
        "LABEL tare.seccomp=unconfined tare.image.id={other} tare.image.size=1 org.opencontainers.image.ref.name=box:latest \
         run.oci.hooks.stdout=/dev/stderr cdi.k8s.io/gpu=all"
    );
    let before = store.inspect("box")["Id"].clone();
    store.ok(&["run", "--name", "one", "-l", "tare.seccomp=unconfined", "box", "true"]);
    let id = store.ok(&["commit", "-c", &labels, "one", "labelled"]);
    assert_eq!(store.inspect("labelled")["Id"], id.as_str());
    assert_eq!(store.inspect("box")["Id"], before);
    let report = Report::parse(&store.ok(&["run", "--rm", "labelled", "/probe"]));
    assert_eq!(report.status("Seccomp"), "2");
    let archive = store.tare(&["save", "labelled"]).raw;
    let copy = Store::empty();
    copy.load(&archive).ok();
    assert_eq!(copy.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]), "labelled:latest");
    store.ok(&["rm", "one"]);
}
