//! What builders were broken by: mounts of RUN, sources of COPY, archives of ADD, and rights that nobody gave.

use crate::common::{Context, Layer, Random, Store, archive, broken};
use std::collections::BTreeSet;
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

/// The layers that no image may have, packed for ADD. What is well-formed may be unpacked; nothing of it gets anywhere else. A fifth of
/// them, each time others: each takes a build.
#[test]
fn layers_that_no_image_may_have_are_harmless_to_add_too() {
    let store = Store::new();
    let victim = victim(&store);
    std::fs::create_dir(victim.join("sub")).expect("a directory");
    std::fs::write(victim.join("sub/file"), "of the host").expect("a file");
    let names = || {
        let list = crate::common::process::tool(&["find", victim.to_str().expect("utf-8"), "-printf", "%P %y %m %s\\n"]).ok();
        let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (before, mut seen, mut refused, mut tried) = (names(), BTreeSet::new(), 0, 0);
    let turn = Random::new().below(5) as usize;
    let context = Context::new(&store, "FROM box\nADD archive /into/\n");
    for one in broken::all(victim.to_str().expect("utf-8")) {
        for layer in layers_of(&one.archive) {
            // Some images have a thousand times the same.
            if !seen.insert(archive::sha256(&layer)) || seen.len() % 5 != turn {
                continue;
            }
            context.write("archive", &layer);
            let ran = context.build(&[]);
            tried += 1;
            refused += usize::from(ran.code == 1);
            assert!(ran.code <= 1 && !ran.stderr.contains("panicked"), "{}: {}", one.name, ran.story());
            assert_eq!(names(), before, "{}: {}", one.name, ran.story());
        }
    }
    assert!(tried > 20 && refused > 0, "{refused} of {tried} were refused");
    store.assert_nothing_left();
}

/// Whatever in an image's archive looks like an archive itself, up to some size: nobody waits for more.
fn layers_of(image: &[u8]) -> Vec<Vec<u8>> {
    use std::io::Read;
    let mut archive = tar::Archive::new(image);
    let entries = archive.entries().into_iter().flatten().flatten();
    let contents = entries.filter(|entry| entry.size() < 256 << 10).filter_map(|mut entry| {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).ok().map(|_| bytes)
    });
    contents.filter(|bytes| bytes.len() >= 512 && bytes.get(257..262) == Some(b"ustar")).collect()
}

/// Anybody can write four gigabytes into the header of a small archive.
#[test]
fn an_archive_that_asks_for_four_gigabytes_of_memory_gets_none() {
    let store = Store::new();
    if !crate::common::installed("xz") && crate::common::lacking("xz") {
        return;
    }
    let plain = store.file("plain.tar", Layer::new().file("file", 0o644, "content").tar());
    crate::common::process::tool(&["xz", "-kT1", plain.to_str().expect("utf-8")]).ok();
    let mut packed = std::fs::read(plain.with_extension("tar.xz")).expect("packed");
    let context = Context::new(&store, "FROM box\nADD a.tar.xz /into/\n").file("a.tar.xz", &packed);
    context.ok(&[]);
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/into/file"]), "content");
    // How far back its bytes may reach, in the header of its only block; and that header's checksum.
    packed[16] = 40;
    let mut sum = flate2::Crc::new();
    sum.update(&packed[12..20]);
    packed[20..24].copy_from_slice(&sum.sum().to_le_bytes());
    context.write("a.tar.xz", &packed);
    let told = context.fails(&[]);
    assert!(told.contains("it would take more than 256 MiB of memory to unpack it") && told.contains("hint: pack it with"), "{told}");
    store.assert_nothing_left();
}
