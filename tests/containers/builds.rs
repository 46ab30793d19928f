//! `build`: Dockerfiles become images, what is known is not done again, and nothing is left of what fails or is killed.

use crate::common::{Context, Layer, Store, eventually, lacking, test_images};
use serde_json::{Value, json};
use std::path::Path;

fn steps_known(told: &str) -> usize {
    told.lines().filter(|line| line.ends_with(" CACHED")).count()
}

/// Every byte that the store keeps, so that a search in it misses nothing.
fn store_holds(store: &Store, wanted: &str) -> bool {
    fn search(directory: &Path, wanted: &[u8]) -> bool {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| {
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                return search(&entry.path(), wanted);
            }
            let bytes = if kind.is_file() { std::fs::read(entry.path()).unwrap_or_default() } else { Vec::new() };
            let inflated = {
                use std::io::Read;
                let mut text = Vec::new();
                let _ = flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text);
                text
            };
            [bytes, inflated].iter().any(|bytes| bytes.windows(wanted.len()).any(|window| window == wanted))
        })
    }
    search(&store.root, wanted.as_bytes()) || search(&store.run, wanted.as_bytes())
}

fn history(store: &Store) -> Vec<String> {
    store.ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}}", "made"]).lines().rev().map(str::to_owned).collect()
}

#[test]
fn stages_copy_from_each_other_and_only_needed_ones_are_built() {
    let store = Store::new();
    let context = Context::new(
        &store,
        "FROM box AS tools\nRUN echo made > /tool\nFROM box AS unneeded\nRUN false\nFROM box\nCOPY --from=tools /tool /bin/tool\nCOPY --from=0 /tool /also\nCOPY a/ /a/\nENV WHO=me\nCMD [\"cat\", \"/bin/tool\"]\n",
    )
    .file("a/b", "content")
    .file("not-copied", "x");
    let told = context.ok(&[]);
    assert!(!told.contains("RUN false"), "{told}");
    assert_eq!(store.ok(&["run", "--rm", "made"]), "made");
    assert_eq!(
        store.ok(&["run", "--rm", "made", "sh", "-c", "cat /a/b /also; echo $WHO; ls / | grep -c not-copied; true"]),
        "contentmade\nme\n0"
    );
    assert_eq!(
        history(&store)[history(&store).len() - 5..],
        [
            "COPY /tool /bin/tool # buildkit",
            "COPY /tool /also # buildkit",
            "COPY a/ /a/ # buildkit",
            "ENV WHO=me",
            "CMD [\"cat\" \"/bin/tool\"]"
        ]
    );
    store.assert_nothing_left();
}

#[test]
fn what_is_known_is_not_done_again_and_content_decides() {
    let store = Store::new();
    let context =
        Context::new(&store, "FROM box\nARG WHO=a\nCOPY file /file\nRUN date +%s%N > /when; echo $WHO\nCOPY --from=box /etc/passwd /p\n")
            .file("file", "1");
    context.ok(&[]);
    let id = store.ok(&["images", "-q", "--no-trunc", "made"]);
    let again = context.ok(&[]);
    assert_eq!((steps_known(&again), store.ok(&["images", "-q", "--no-trunc", "made"])), (3, id.clone()), "{again}");
    // Another time is no other content.
    context.write("file", "1");
    assert_eq!(steps_known(&context.ok(&[])), 3);
    context.write("file", "2");
    assert_eq!(steps_known(&context.ok(&[])), 0, "all of it stands on the file");
    assert_ne!(store.ok(&["images", "-q", "--no-trunc", "made"]), id);
    context.write("file", "1");
    assert_eq!(steps_known(&context.ok(&[])), 3, "what was once is still known");
    assert_eq!(store.ok(&["images", "-q", "--no-trunc", "made"]), id);
    assert_eq!(steps_known(&context.ok(&["--build-arg", "WHO=b"])), 1, "RUN sees the argument, and what comes after stands on it");
    assert_eq!(steps_known(&context.ok(&["--no-cache"])), 0);
    store.assert_nothing_left();
}

#[test]
fn secrets_are_seen_and_kept_nowhere() {
    let store = Store::new();
    let context = Context::new(
        &store,
        "FROM box\nRUN --mount=type=secret,id=one test $(wc -c < /run/secrets/one) = 16 && grep -q ^very-secret /run/secrets/one\nRUN --mount=type=secret,id=one,env=WORD test ${#WORD} = 16\nRUN --mount=type=secret,id=one,target=/s,uid=1000,mode=0440 ls -ln /s; test -r /run/secrets/one && exit 1; true\nRUN --mount=type=secret,id=none,required=false test ! -e /run/secrets/none\nRUN test ! -e /s; test ! -e /run/secrets\n",
    );
    let secret = store.file("secret", "very-secret-word");
    let told = context.ok(&["--secret", &format!("id=one,src={}", secret.display())]);
    assert!(told.contains("-r--r-----    1 1000     0"), "{told}");
    std::fs::remove_file(secret).expect("the secret's own file");
    assert!(!store_holds(&store, "very-secret-word"), "in no layer, no record, no history");
    assert!(store_holds(&store, "type=secret"), "the search finds what is there");
    let without = Context::new(&store, "FROM box\nRUN --mount=type=secret,id=gone,required=true true\n").fails(&[]);
    assert!(without.contains("there is no secret gone") && without.contains("--secret id=gone"), "{without}");
    store.assert_nothing_left();
}

#[test]
fn a_cache_mount_outlives_builds_and_is_in_no_image() {
    let store = Store::new();
    let step = "RUN --mount=type=cache,target=/cache,id=c echo line >> /cache/log; wc -l < /cache/log > /count\n";
    let context = Context::new(&store, &format!("FROM box\n{step}"));
    for count in 1..=3 {
        context.ok(&["--no-cache"]);
        assert_eq!(store.ok(&["run", "--rm", "made", "sh", "-c", "cat /count; ls /cache 2>/dev/null | wc -l"]), format!("{count}\n0"));
    }
    let begun = Context::new(
        &store,
        "FROM box AS seed\nRUN mkdir /s; echo seed > /s/file\nFROM box\nRUN --mount=type=cache,target=/c,from=seed,source=/s cat /c/file > /got\nRUN --mount=type=cache,target=/private,sharing=private,mode=0700,uid=5 ls -ldn /private > /look\nRUN --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -1 >> /look; echo x > /t/x\n",
    );
    begun.ok(&[]);
    let seen = store.ok(&["run", "--rm", "made", "sh", "-c", "cat /got /look; ls -A /t 2>&1; true"]);
    assert!(seen.starts_with("seed\ndrwx------") && seen.contains(" 5        0") && seen.contains("1024"), "{seen}");
    store.assert_nothing_left();
}

#[test]
fn binds_show_the_context_stages_and_images_and_forget_what_is_written() {
    let store = Store::new();
    let context = Context::new(
        &store,
        "FROM box AS other\nRUN mkdir /o; echo other > /o/file\nFROM box\nRUN --mount=type=bind,target=/ctx cat /ctx/dir/file > /got; ! touch /ctx/x 2>/dev/null; ls -ln /ctx/dir/file | cut -c1-30 >> /got\nRUN --mount=type=bind,from=other,source=/o,target=/o cat /o/file >> /got\nRUN --mount=type=bind,from=other,source=/o/file,target=/one cat /one >> /got\nRUN --mount=type=bind,source=dir,target=/d,rw echo changed > /d/file; cat /d/file >> /got\nRUN --mount=type=bind,from=box,source=/etc,target=/e test -e /e/passwd\n",
    )
    .file("dir/file", "context\n")
    .file(".dockerignore", "hidden\n")
    .file("hidden", "x");
    context.ok(&[]);
    let got = store.ok(&["run", "--rm", "made", "sh", "-c", "cat /got; ls -d /ctx /o /one /d /e 2>/dev/null | wc -l"]);
    assert!(got.starts_with("context\n-rw-r--r--    1 0        0") && got.ends_with("other\nother\nchanged\n0"), "{got}");
    assert_eq!(std::fs::read_to_string(context.directory.join("dir/file")).expect("the file"), "context\n");
    store.assert_nothing_left();
}

#[test]
fn heredocs_become_scripts_and_files() {
    let store = Store::new();
    let context = Context::new(
        &store,
        "FROM box\nARG WHO=you\nRUN <<EOF\necho one > /out\necho two >> /out\nEOF\nRUN <<-\"EOF\" cat > /plain\n\t$WHO\n\tEOF\nRUN <<EOF\n#!/bin/busybox ash\necho script $0 >> /out\nEOF\nCOPY <<one <<\"two\" /files/\nfor $WHO\none\nfor $WHO\ntwo\nCOPY <<EOF /single\nx\nEOF\n",
    );
    context.ok(&[]);
    let seen = store.ok(&["run", "--rm", "made", "sh", "-c", "cat /out /plain /files/one /files/two /single; stat -c '%a %u' /single"]);
    assert_eq!(seen, "one\ntwo\nscript /dev/pipes/EOF\n$WHO\nfor you\nfor $WHO\nx\n644 0");
    store.assert_nothing_left();
}

#[test]
fn triggers_wait_for_the_children() {
    let store = Store::new();
    let base = Context::new(&store, "FROM box\nONBUILD COPY mine /mine\nONBUILD RUN cat /mine > /seen\nONBUILD ENV FROM_BASE=1\n");
    base.ok(&["-t", "base"]);
    assert_eq!(store.inspect("base")["Config"]["OnBuild"], json!(["COPY mine /mine", "RUN cat /mine > /seen", "ENV FROM_BASE=1"]));
    let child = Context::new(&store, "FROM base\nRUN echo $FROM_BASE >> /seen\n").file("mine", "of the child\n");
    child.ok(&[]);
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/seen"]), "of the child\n1");
    assert_eq!(store.inspect("made")["Config"].get("OnBuild").cloned().unwrap_or(Value::Null), Value::Null, "not for grandchildren");
    store.assert_nothing_left();
}

#[test]
fn a_linked_copy_does_not_look_below() {
    let store = Store::new();
    let first = Context::new(&store, "FROM box\nRUN mkdir /real && ln -s /real /alias\nCOPY --link file /alias/file\n").file("file", "x");
    first.ok(&[]);
    assert_eq!(store.ok(&["run", "--rm", "made", "sh", "-c", "test -L /alias || ls /alias; ls /real | wc -l"]), "file\n0");
    let other = Context::new(&store, "FROM box\nRUN echo something else > /else\nCOPY --link file /alias/file\n").file("file", "x");
    assert_eq!(steps_known(&other.ok(&[])), 1, "the same layer on another base");
    store.assert_nothing_left();
}

#[test]
fn equal_layers_lie_in_one_image_more_than_once() {
    let store = Store::new();
    let context = Context::new(&store, "FROM box\nRUN true\nRUN true # again\nRUN echo x > /x\nRUN true # and again\n");
    context.ok(&[]);
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/x"]), "x");
    let layers = store.inspect("made")["RootFS"]["Layers"].as_array().expect("layers").clone();
    assert_eq!((layers.len(), layers[1] == layers[2]), (5, true));
    store.assert_nothing_left();
}

#[test]
fn a_step_that_fails_says_where_and_leaves_the_rest_known() {
    let store = Store::new();
    let context = Context::new(
        &store,
        "FROM box\nRUN echo kept > /kept\n\nRUN echo before; \\\n  echo to-stderr >&2; \\\n  exit 42\nRUN echo after\n",
    );
    let told = context.fails(&[]);
    for wanted in ["before", "to-stderr", "Dockerfile:4", ">>>", "code 42", "hint: "] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(!told.contains("echo after\n#"), "{told}");
    assert_eq!(store.ok(&["images", "-q", "made"]), "");
    context.write("Dockerfile", "FROM box\nRUN echo kept > /kept\n\nRUN true\n");
    assert_eq!(steps_known(&context.ok(&[])), 1);
    for (text, wanted) in [
        ("FROM box\nRUN kill -9 $$\n", "137"),
        ("FROM box\nRUN [\"/nowhere\"]\n", "cannot execute /nowhere"),
        ("FROM box\nRUN [\"/etc/passwd\"]\n", "/etc/passwd"),
        ("FROM box\nCOPY missing /x\n", "missing"),
        ("FROM box\nCOPY ../x /x\n", "x"),
        ("FROM box\nUSER nobody-here\nRUN true\n", "nobody-here"),
        ("FROM no-such-image-here\n", "no-such-image-here"),
        ("FROM box AS a\nCOPY --from=b /x /x\nFROM a AS b\n", "circle"),
        ("FROM box\nCOPY --from=7 /x /x\n", "stage 7"),
        ("FROM box\nRUM true\n", "did you mean RUN?"),
        ("COPY x /x\n", "FROM"),
        ("", "no instructions"),
    ] {
        context.write("Dockerfile", text);
        let ran = context.build(&[]);
        assert!(ran.code != 0 && ran.stderr.contains(wanted), "{text}: {wanted}: {ran:?}");
    }
    store.assert_nothing_left();
}

#[test]
fn whoever_is_killed_takes_the_step_along_and_the_cache_stays_whole() {
    let store = Store::new();
    let context = Context::new(&store, "FROM box\nRUN echo first > /first\nRUN echo begun: yes; sleep 1000\n");
    let directory = context.directory.to_str().expect("utf-8").to_owned();
    let build = store.start(&["build", "--progress", "plain", "-t", "made", &directory]);
    eventually("the second step runs", || build.seen_err().lines().any(|line| line.ends_with(" begun: yes")));
    build.signal(nix::sys::signal::Signal::SIGKILL);
    eventually("its container is gone", || store.names(true).is_empty());
    context.write("Dockerfile", "FROM box\nRUN echo first > /first\nRUN echo second > /second\n");
    assert_eq!(steps_known(&context.ok(&[])), 1);
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/first", "/second"]), "first\nsecond");
    store.ok(&["system", "check"]);
    store.assert_nothing_left();
}

#[test]
fn two_builds_at_once_make_each_step_once() {
    let store = Store::new();
    let text = "FROM box\nRUN sleep 1; cat /proc/sys/kernel/random/uuid > /unique\n";
    let contexts = [Context::new(&store, text), Context::new(&store, text)];
    let building: Vec<_> = ["one", "two"]
        .iter()
        .zip(&contexts)
        .map(|(name, context)| store.start(&["build", "-t", name, context.directory.to_str().expect("utf-8")]))
        .collect();
    for one in building {
        assert_eq!(one.wait().code, 0);
    }
    assert_eq!(store.ok(&["run", "--rm", "one", "cat", "/unique"]), store.ok(&["run", "--rm", "two", "cat", "/unique"]));
    store.assert_nothing_left();
}

#[test]
fn arguments_have_their_scopes() {
    let store = Store::new();
    let context = Context::new(
        &store,
        "ARG BASE=nothing\nARG SHARED=global\nFROM ${BASE:-box}\nARG SHARED\nARG OWN=own\nARG UNSET\nENV E=env\nARG E=arg\nRUN echo \"$SHARED $OWN ${UNSET-unset} $E $TARGETARCH\" > /out; env | grep -c BASE= >> /out; true\nARG TARGETARCH\nRUN echo $TARGETARCH $HTTP_PROXY >> /out\nLABEL l=\"${OWN}-${SHARED}\"\n",
    );
    context.ok(&["--build-arg", "BASE=box", "--build-arg", "HTTP_PROXY=http://proxy"]);
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/out"]), format!("global own unset arg \n0\n{machine} http://proxy"));
    assert_eq!(store.inspect("made")["Config"]["Labels"]["l"], "own-global");
    assert!(!history(&store).join("\n").contains("proxy"), "a proxy is nobody else's affair");
    store.assert_nothing_left();
}

#[test]
fn images_can_be_equal_bit_for_bit() {
    let first = Store::new();
    let second = Store::new();
    let text = "FROM box\nRUN echo x > /x; mkdir -p /d/e; touch /d/e/f\nWORKDIR /w\nCOPY file .\nENV A=1\n";
    let ids: Vec<String> = [&first, &second]
        .iter()
        .map(|store| {
            let context = Context::new(store, text).file("file", "x");
            context.ok(&["--build-arg", "SOURCE_DATE_EPOCH=1700000000", "--rewrite-timestamp"]);
            std::thread::sleep(std::time::Duration::from_millis(1100));
            assert_eq!(store.ok(&["run", "--rm", "made", "stat", "-c", "%Y", "/x", "/d", "/w"]), "1700000000\n1700000000\n1700000000");
            store.ok(&["images", "-q", "--no-trunc", "made"])
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
    first.assert_nothing_left();
    second.assert_nothing_left();
}

#[test]
fn archives_are_unpacked_by_add_and_copied_by_copy() {
    let store = Store::new();
    let archive = Layer::new().dir("d/", 0o750).file("d/f", 0o640, "packed").symlink("l", "d/f").tar();
    let context = Context::new(&store, "FROM box\nADD a.tar.gz /added/\nCOPY a.tar.gz /copied/\nADD plain /added/plain\n")
        .file("a.tar.gz", crate::common::archive::gzip(&archive))
        .file("plain", "no archive");
    context.ok(&[]);
    let seen = store.ok(&["run", "--rm", "made", "sh", "-c", "cat /added/l /added/plain; stat -c %a /added/d; ls /copied"]);
    assert_eq!(seen, "packedno archive750\na.tar.gz");
    store.assert_nothing_left();
}

#[test]
fn a_program_is_compiled_in_debian_and_goes_alone_into_an_image() {
    let store = Store::new();
    let Some(archive) = test_images::archive("compiler") else {
        let _ = lacking("compiler.tar: images/compiler/build");
        return;
    };
    store.ok(&["load", "-i", archive.to_str().expect("utf-8")]);
    let context = Context::new(
        &store,
        "FROM debian:gcc AS build\nWORKDIR /src\nCOPY hello.c .\nRUN gcc -static -Os -o hello hello.c && strip hello\nFROM scratch\nCOPY --from=build /src/hello /\nENTRYPOINT [\"/hello\"]\n",
    )
    .file("hello.c", "#include <stdio.h>\nint main(void) { return puts(\"compiled here\") < 0; }\n");
    context.ok(&[]);
    assert_eq!(store.ok(&["run", "--rm", "made"]), "compiled here");
    let layers = store.inspect("made")["RootFS"]["Layers"].as_array().expect("layers").len();
    assert_eq!(layers, 1, "nothing of Debian");
    store.assert_nothing_left();
}
