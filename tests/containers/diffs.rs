//! `diff`: what a container has added, changed and removed, and nothing that it has not.

use crate::common::{Layer, Store};

fn diff(store: &Store, name: &str) -> Vec<String> {
    store.ok(&["diff", name]).lines().map(str::to_owned).collect()
}

/// What a script in a fresh container of this image leaves, while it runs and when it has ended.
fn changes(store: &Store, image: &str, script: &str) -> Vec<String> {
    store.ok(&["run", "-d", "--name", "changer", image, "sh", "-c", &format!("{script}; touch /dev/done; exec sleep 1000")]);
    crate::common::eventually("the script is done", || store.tare(&["exec", "changer", "ls", "/dev/done"]).code == 0);
    let running = diff(store, "changer");
    store.ok(&["kill", "changer"]);
    store.wait_for_state("changer", "exited");
    assert_eq!(diff(store, "changer"), running, "at rest it is the same");
    store.ok(&["rm", "changer"]);
    running
}

#[test]
fn nothing_has_changed_in_a_container_that_changes_nothing() {
    let store = Store::new();
    store.ok(&["create", "--name", "rest", "box"]);
    assert!(diff(&store, "rest").is_empty());
    for words in [&["box", "/probe"][..], &["probe"]] {
        let flags = ["run", "--name", "ran", "-h", "name", "--add-host", "a:1.2.3.4", "--tmpfs", "/dev/here"];
        store.ok(&[&flags, words].concat());
        assert!(diff(&store, "ran").is_empty(), "our own mount points are no changes: {:?}", diff(&store, "ran"));
        store.ok(&["rm", "ran"]);
    }
    store.fails(1, &["diff", "nosuch"]);
    store.fails(125, &["diff"]);
}

#[test]
fn added_changed_and_deleted() {
    let store = Store::new();
    let script = "echo x > /new; mkdir -p /home/dir/below; echo x > /home/dir/below/file; echo x >> /etc/passwd; rm /script; \
                  chmod 700 /var; echo x > /home/alice/hers; touch -c /dev/null; cat /etc/group > /dev/null; echo x > /etc/hosts";
    let expected = [
        "C /etc",
        "C /etc/passwd",
        "C /home",
        "C /home/alice",
        "C /home/alice/hers",
        "A /home/dir",
        "A /home/dir/below",
        "A /home/dir/below/file",
        "A /new",
        "D /script",
        "C /var",
    ];
    assert_eq!(changes(&store, "box", script), expected);
}

#[test]
fn what_was_replaced_by_something_else() {
    let store = Store::new();
    let lower = Layer::new().dir("tree/", 0o755).file("tree/a", 0o644, "a").file("tree/b", 0o644, "b").dir("tree/c/", 0o755);
    store.load_over_box("trees", lower.file("tree/c/d", 0o644, "d").file("plain", 0o644, "plain").dir("other/", 0o755).tar());
    // A directory that was removed and made again hides what was in it.
    assert_eq!(
        changes(&store, "trees", "rm -r /tree; mkdir /tree; echo new > /tree/b; echo new > /tree/z"),
        ["C /tree", "D /tree/a", "C /tree/b", "D /tree/c", "A /tree/z"]
    );
    // A directory in the place of a file, and the other way round.
    assert_eq!(
        changes(&store, "trees", "rm /plain; mkdir /plain; echo x > /plain/x; rm -r /tree; echo x > /tree"),
        ["C /plain", "A /plain/x", "C /tree"]
    );
    // Removed with all that was in it: one line.
    assert_eq!(changes(&store, "trees", "rm -r /tree /other"), ["D /other", "D /tree"]);
    // What came and went leaves its directory changed.
    assert_eq!(changes(&store, "trees", "touch /other/x; rm /other/x"), ["C /other"]);
}

#[test]
fn layers_hide_what_lies_below_them() {
    let store = Store::new();
    let base = crate::common::test_images::box_image();
    let lowest =
        Layer::new().dir("tree/", 0o755).file("tree/hidden", 0o644, "x").file("tree/gone", 0o644, "x").file("file", 0o644, "x").tar();
    let middle = Layer::new().file("tree/.wh.gone", 0o644, "").dir("file/", 0o755).file("file/below", 0o644, "x").tar();
    let top = Layer::new().dir("tree/", 0o755).file("tree/.wh..wh..opq", 0o644, "").file("tree/seen", 0o644, "x").tar();
    let layers = vec![base.layers[0].clone(), lowest, middle, top];
    store.load(&crate::common::Image { tag: "stack".into(), layers, ..base }.docker_archive()).ok();
    // The image shows neither `hidden` nor `gone`: who makes them adds them.
    assert_eq!(
        changes(&store, "stack", "echo > /tree/hidden; echo > /tree/gone; echo > /tree/seen; rm /file/below"),
        ["C /file", "D /file/below", "C /tree", "A /tree/gone", "A /tree/hidden", "C /tree/seen"]
    );
    assert_eq!(changes(&store, "stack", "rm -r /tree; mkdir /tree"), ["C /tree", "D /tree/seen"]);
}

#[test]
fn a_name_with_a_line_break_is_one_line() {
    let store = Store::new();
    assert_eq!(changes(&store, "box", "touch '/tmp/a\nD etc'"), ["C /tmp", "A /tmp/a\\nD etc"]);
}
