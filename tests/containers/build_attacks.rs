//! What builders were broken by: mounts of RUN, sources of COPY, archives of ADD, and rights that nobody gave.

use crate::common::{Context, Layer, Store};
use std::path::Path;

/// A directory of the host that nobody in a build may reach, with a file that tells.
fn victim(store: &Store) -> std::path::PathBuf {
    let file = store.file("victim/file", "of the host");
    file.parent().expect("a parent").to_owned()
}

fn is_whole(victim: &Path) -> bool {
    let names: Vec<_> = std::fs::read_dir(victim).expect("the victim").flatten().map(|entry| entry.file_name()).collect();
    names.len() == 1 && std::fs::read_to_string(victim.join("file")).is_ok_and(|text| text == "of the host")
}

#[test]
fn cve_2024_23652_no_mount_point_is_removed_through_a_link() {
    let store = Store::new();
    let victim = victim(&store);
    let host = victim.display();
    // The directory that a mount point lies in becomes a link to the host's while the step runs.
    let context = Context::new(
        &store,
        &format!(
            "FROM box\nRUN --mount=type=tmpfs,target=/points/file/deep mkdir -p /other && mv /points /moved 2>/dev/null; rm -rf /points; ln -s {host} /points; true\nRUN --mount=type=tmpfs,target=/points/file2 --mount=type=cache,target=/points/c true; true\n"
        ),
    );
    context.build(&[]);
    assert!(is_whole(&victim), "nothing of the host is touched");
    store.assert_nothing_left();
}

#[test]
fn cve_2024_23653_all_rights_only_where_they_were_allowed() {
    let store = Store::new();
    let text = "FROM box\nRUN --security=insecure grep CapEff /proc/self/status\n";
    let context = Context::new(&store, text);
    let told = context.fails(&[]);
    assert!(told.contains("--allow security.insecure") && !told.contains("CapEff:"), "{told}");
    let host = Context::new(&store, "FROM box\nRUN --network=host true\n").fails(&["--network", "none"]);
    assert!(host.contains("--allow network.host"), "{host}");
    store.assert_nothing_left();
}

#[test]
fn cve_2024_9675_a_cache_is_never_a_directory_of_the_host() {
    let store = Store::new();
    let victim = victim(&store);
    let up = "../".repeat(20);
    let host = victim.display();
    let context = Context::new(
        &store,
        &format!(
            "FROM box\nRUN --mount=type=cache,id={up}{host},target=/c ls -A /c | wc -l; touch /c/made\nRUN --mount=type=cache,target=/../../c2,source={up}{host} ls -A /c2 | wc -l; touch /c2/made\nRUN --mount=type=cache,id=plain,target=/p ln -s {host} /p/link\nRUN --mount=type=cache,id=plain,source=link,target=/q touch /q/made2; true\n"
        ),
    );
    let told = context.build(&[]).stderr;
    assert!(is_whole(&victim), "{told}");
    store.assert_nothing_left();
}

#[test]
fn cve_2024_9407_a_mount_takes_no_words_but_its_own() {
    let store = Store::new();
    for words in
        ["type=bind,target=/x,bind-propagation=rshared", "type=bind,target=/x,z,dev", "type=volume,target=/x", "type=tmpfs,target=/"]
    {
        let told = Context::new(&store, &format!("FROM box\nRUN --mount={words} true\n")).build(&[]);
        assert!(told.code != 0 && told.stderr.contains("tare: Dockerfile:2"), "{words}: {told:?}");
    }
    store.assert_nothing_left();
}

#[test]
fn links_of_the_context_and_of_stages_lead_nowhere_else() {
    let store = Store::new();
    let victim = victim(&store);
    let host = victim.display().to_string();
    let context = Context::new(&store, "").file("plain", "x");
    for (name, leads) in [("absolute", host.clone()), ("climbing", format!("{}{host}", "../".repeat(20)))] {
        std::os::unix::fs::symlink(&leads, context.directory.join(name)).expect("a link");
    }
    for text in [
        "FROM box\nCOPY absolute/file /got\n".to_owned(),
        "FROM box\nCOPY climbing/file /got\n".to_owned(),
        format!("FROM box\nCOPY {}{host}/file /got\n", "../".repeat(20)),
        format!("FROM box\nCOPY {host}/file /got\n"),
        "FROM box\nADD absolute/file /got\n".to_owned(),
        "FROM box\nRUN --mount=type=bind,source=absolute,target=/m cp /m/file /got\n".to_owned(),
        format!("FROM box AS other\nRUN ln -s {host} /link\nFROM box\nCOPY --from=other /link/file /got\n"),
        format!(
            "FROM box AS other\nRUN ln -s {host} /link\nFROM box\nRUN --mount=type=bind,from=other,source=/link,target=/m cp /m/file /got\n"
        ),
    ] {
        context.write("Dockerfile", &text);
        let ran = context.build(&[]);
        assert!(ran.code != 0, "{text}: {ran:?}");
    }
    // Into a link of the image: inside of it.
    context.write("Dockerfile", format!("FROM box\nRUN mkdir -p {host}; ln -s {host} /link\nCOPY plain /link/planted\nADD plain /link/planted2\nWORKDIR /link/planted3\n"));
    context.ok(&[]);
    assert!(is_whole(&victim));
    assert_eq!(store.ok(&["run", "--rm", "made", "ls", &host]), "planted\nplanted2\nplanted3");
    store.assert_nothing_left();
}

#[test]
fn archives_of_add_stay_where_they_are_unpacked() {
    let store = Store::new();
    let victim = victim(&store);
    let host = victim.display().to_string();
    let up = "../".repeat(20);
    let archives = [
        Layer::new().file(&format!("{up}{}/planted", host.trim_start_matches('/')), 0o644, "x").tar(),
        Layer::new().symlink("link", &host).file("link/planted", 0o644, "x").tar(),
        Layer::new().symlink("link", &format!("{up}{host}")).file("link/planted", 0o644, "x").tar(),
        Layer::new().hard_link("link", &format!("{host}/file")).file("link", 0o644, "x").tar(),
    ];
    for (number, archive) in archives.iter().enumerate() {
        let context = Context::new(&store, "FROM box\nADD a.tar /into/\n").file("a.tar", archive);
        let ran = context.build(&[]);
        assert!(is_whole(&victim), "archive {number}: {ran:?}");
        assert!(ran.code <= 1, "archive {number}: {ran:?}");
    }
    store.assert_nothing_left();
}

#[test]
fn a_context_that_lists_itself_without_end_is_an_error_and_no_hang() {
    let store = Store::new();
    let context = Context::new(&store, "FROM box\nCOPY . /c/\n").file("d/file", "x");
    std::os::unix::fs::symlink("..", context.directory.join("d/up")).expect("a link");
    context.ok(&[]);
    assert_eq!(store.ok(&["run", "--rm", "made", "readlink", "/c/d/up"]), "..");
    let loops = Context::new(&store, "FROM box\nCOPY a/x /c/\n");
    std::os::unix::fs::symlink("b", loops.directory.join("a")).expect("a link");
    std::os::unix::fs::symlink("a", loops.directory.join("b")).expect("a link");
    let told = loops.fails(&[]);
    assert!(told.contains("a/x"), "{told}");
    store.assert_nothing_left();
}
