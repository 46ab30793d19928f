//! `build` as a person meets it: what may be typed, what is shown meanwhile, where the result goes, and what is said when it fails.

use crate::common::registry::Registry;
use crate::common::terminal::CTRL_C;
use crate::common::{Layer, Ran, Store, eventually};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A directory with these files.
fn context(store: &Store, name: &str, files: &[(&str, &str)]) -> String {
    let directory = store.dir.join(name);
    for (path, text) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().expect("it lies somewhere")).expect("make a directory");
        std::fs::write(&path, text).expect("write a file");
        // Whoever builds can read it, whoever runs the tests.
        for path in path.ancestors().take_while(|path| path.starts_with(&directory)) {
            store.person.iter().for_each(|person| person.owns(path));
        }
    }
    directory.display().to_string()
}

fn built(store: &Store, words: &[&str]) -> Ran {
    let ran = store.tare(&[&["build"], words].concat());
    assert_eq!(ran.code, 0, "{}", ran.story());
    ran
}

fn in_it(store: &Store, image: &str, script: &str) -> String {
    store.ok(&["run", "--rm", image, "sh", "-c", script])
}

#[test]
fn what_is_typed_reaches_the_image() {
    let store = Store::new();
    let dockerfile =
        "ARG BASE=nosuch\nFROM ${BASE} AS first\nARG ONE\nARG TWO=two\nRUN echo $ONE $TWO > /said\nFROM first\nRUN touch /last\n";
    let here = context(&store, "c", &[("Dockerfile", dockerfile)]);
    let (ids, facts) = (store.dir.join("ids"), store.dir.join("facts"));
    let (ids_word, facts_word) = (ids.display().to_string(), facts.display().to_string());
    let mut command = store.command(&[
        "build",
        "-t",
        "one",
        "-t",
        "two:2",
        "--build-arg",
        "BASE=box",
        "--build-arg",
        "ONE",
        "--label",
        "kind=test",
        "--target=first",
        "--iidfile",
        &ids_word,
        "--metadata-file",
        &facts_word,
        "--rm",
        "--force-rm=false",
        "--load",
        "-q",
        &here,
    ]);
    let out = command.env("ONE", "eins").output().expect("it runs");
    let id = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    assert!(out.status.success() && out.stderr.is_empty() && id.starts_with("sha256:") && id.len() == 71, "{out:?}");
    assert_eq!(std::fs::read_to_string(&ids).unwrap(), id);
    let facts: Value = serde_json::from_slice(&std::fs::read(&facts).unwrap()).unwrap();
    assert_eq!(facts["containerimage.config.digest"], id.as_str());
    assert!(facts["image.name"].as_str().unwrap().contains("two:2"), "{facts}");
    assert_eq!(in_it(&store, "two:2", "cat /said; ls /last 2>&1 | head -1"), "eins two\nls: /last: No such file or directory");
    assert_eq!(store.ok(&["image", "inspect", "-f", "{{.Id}} {{.Config.Labels.kind}}", "one"]), format!("{id} test"));
    for noun in ["builder", "buildx", "image"] {
        assert_eq!(
            store
                .ok(&[noun, "build", "-q", "--target=first", "--build-arg=BASE=box", "--build-arg=ONE=eins", "--label=kind=test", &here])
                .trim(),
            id
        );
    }
}

#[test]
fn commands_run_as_wished() {
    let store = Store::new();
    let dockerfile = "FROM box\nRUN ulimit -n; grep wished /etc/hosts; df -k /dev/shm | tail -1; ls /sys/class/net\n";
    let here = context(&store, "c", &[("Dockerfile", dockerfile)]);
    let words = ["--progress=plain", "--ulimit=nofile=77:88", "--add-host=wished:10.1.2.3", "--shm-size=1m", "--network=none", &here];
    let told = built(&store, &words).stderr;
    assert!(told.contains(" 77\n") && told.contains("10.1.2.3") && told.contains(" 1024 ") && told.contains(" lo\n"), "{told}");
}

#[test]
fn the_dockerfile_may_lie_elsewhere_and_each_has_its_own_list_of_what_to_ignore() {
    let store = Store::new();
    let copies = "FROM box\nCOPY . /all\n";
    let here = context(&store, "c", &[("a", ""), ("b", ""), (".dockerignore", "a\n"), ("deep/My", copies), ("Containerfile", copies)]);
    let outside = store.file("Outside", copies).display().to_string();
    let listed = |words: &[&str]| {
        built(&store, &[&["-t", "i"], words, &[here.as_str()]].concat());
        in_it(&store, "i", "cd /all; ls")
    };
    assert_eq!(listed(&[]), "Containerfile\nb\ndeep");
    assert_eq!(listed(&["-f", &outside]), "Containerfile\nb\ndeep");
    assert_eq!(listed(&["-f", "deep/My"]), "Containerfile\nb\ndeep");
    std::fs::write(Path::new(&here).join("deep/My.dockerignore"), "b\ndeep\n").unwrap();
    assert_eq!(listed(&["-f", "deep/My"]), "Containerfile\na");
    assert_eq!(listed(&["-f", &format!("{here}/deep/My")]), "Containerfile\na");
    let piped = store.tare_with(&["build", "-t", "i", "-f", "-", &here], copies);
    assert_eq!(piped.code, 0, "{}", piped.story());
    assert_eq!(in_it(&store, "i", "cd /all; ls"), "Containerfile\nb\ndeep");
}

#[test]
fn standard_input_is_a_dockerfile_or_an_archive() {
    let store = Store::new();
    let alone = store.tare_with(&["build", "-t", "alone", "-"], "FROM box\nRUN echo alone > /said\n");
    assert_eq!(alone.code, 0, "{}", alone.story());
    assert_eq!(in_it(&store, "alone", "cat /said"), "alone");
    let refused = store.tare_with(&["build", "-"], "FROM box\nCOPY a /\n").expect_code(1);
    assert!(refused.stderr.contains("there is no build context"), "{}", refused.stderr);
    let tar = Layer::new().file("Dockerfile", 0o644, "FROM box\nCOPY . /all\n").file("two/File", 0o644, "FROM box\nCOPY two /two\n");
    let tar = tar.file(".dockerignore", 0o644, "**/.wh.*").file("two/.wh.File", 0o644, "no whiteout").file("s", 0o4755, "x").tar();
    let packed = store.tare_with(&["build", "-t", "packed", "-"], tar.clone());
    assert_eq!(packed.code, 0, "{}", packed.story());
    assert_eq!(in_it(&store, "packed", "cd /all; find . -type f | sort"), "./.dockerignore\n./Dockerfile\n./s\n./two/File");
    let other = store.tare_with(&["build", "-t", "other", "-f", "two/File", "-"], tar);
    assert_eq!(other.code, 0, "{}", other.story());
    assert_eq!(in_it(&store, "other", "ls /two"), "File");
    let hostile = Layer::new().file("Dockerfile", 0o644, "FROM box\n").symlink("out", "/").file("out/tmp/face-escape", 0o644, "x").tar();
    let refused = store.tare_with(&["build", "-"], hostile).expect_code(1);
    assert!(refused.stderr.contains("symlink") && !Path::new("/tmp/face-escape").exists(), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(store.root.join("unfinished")).map(Iterator::count).unwrap_or(0), 0);
}

#[test]
fn plain_lines_are_as_buildkit_writes_them() {
    let store = Store::new();
    let dockerfile = "FROM box AS base\nRUN echo \"  indented\"; printf 'no end'\nFROM base\nCOPY Dockerfile /\n";
    let here = context(&store, "c", &[("Dockerfile", dockerfile)]);
    let first = built(&store, &["-t", "app", &here]);
    assert_eq!(first.stdout, "");
    let lines: Vec<&str> = first.stderr.lines().collect();
    assert_eq!(lines[0], "#1 [base 1/2] FROM box AS base");
    assert!(lines.contains(&"#2 [base 2/2] RUN echo \"  indented\"; printf 'no end'"), "{}", first.stderr);
    let said = |text: &str| lines.iter().any(|line| line.starts_with("#2 ") && line.ends_with(text));
    assert!(said("   indented") && said(" no end"), "{}", first.stderr);
    assert!(lines.iter().any(|line| line.starts_with("#2 DONE ") && line.ends_with('s')), "{}", first.stderr);
    assert!(
        lines.iter().any(|line| line.starts_with("built app:latest (")) && lines.last() == Some(&"hint: tare run --rm app:latest"),
        "{}",
        first.stderr
    );
    let second = built(&store, &["-t", "app", "--progress", "plain", &here]).stderr;
    assert!(second.contains("#2 CACHED\n") && second.contains("#4 CACHED\n") && second.contains("2 of 2 steps were known"), "{second}");
}

#[test]
fn programs_get_one_record_per_line() {
    let store = Store::new();
    let here = context(&store, "c", &[("Dockerfile", "FROM box\nRUN echo hello\n")]);
    let told = built(&store, &["--progress=json", &here]).stderr;
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert_eq!(events[0]["steps"][1]["text"], "RUN echo hello");
    assert!(events.iter().any(|event| event["event"] == "output" && event["text"] == "hello\n" && event["step"] == 2), "{told}");
    assert!(events.iter().any(|event| event["event"] == "done" && event["step"] == 2), "{told}");
    let told = built(&store, &["--progress=rawjson", "--no-cache", &here]).stderr;
    let records: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let vertex = records[0]["vertexes"][1]["digest"].as_str().unwrap().to_owned();
    assert!(
        records.iter().any(|record| record["logs"][0]["vertex"] == vertex.as_str() && record["logs"][0]["data"] == "aGVsbG8K"),
        "{told}"
    );
    assert!(
        records.iter().any(|record| record["vertexes"][0]["digest"] == vertex.as_str() && record["vertexes"][0]["completed"].is_string()),
        "{told}"
    );
}

#[test]
fn a_failure_shows_where_and_what() {
    let store = Store::new();
    let dockerfile = "FROM box\nRUN echo fine\n\nRUN for i in $(seq 1 30); do echo \"line $i\"; done; \\\n  exit 3\nRUN never\n";
    let here = context(&store, "c", &[("Dockerfile", dockerfile)]);
    let ran = store.tare(&["build", "-t", "app", &here]).expect_code(1);
    let after = ran.stderr.split("------\n").nth(1).unwrap_or_else(|| panic!("{}", ran.stderr));
    assert!(after.starts_with(" > [3/4] RUN for i") && after.contains(" line 11\n") && !after.contains(" line 10\n"), "{after}");
    let excerpt = "Dockerfile:4\n--------------------\n   2 |     RUN echo fine\n   3 |\n   4 | >>> RUN for i in $(seq 1 30); do echo \"line $i\"; done; \\\n   5 | >>>   exit 3\n   6 |     RUN never\n--------------------\n";
    assert!(ran.stderr.contains(excerpt), "{}", ran.stderr);
    assert!(ran.stderr.contains("the command ended with code 3\nhint: tare build --debug"), "{}", ran.stderr);
    store.fails(1, &["image", "inspect", "app"]);
    let missing = context(&store, "m", &[("Dockerfile", "FROM box\nCOPY nosuch /\n")]);
    let ran = store.tare(&["build", &missing]).expect_code(1);
    assert!(
        ran.stderr.contains("   2 | >>> COPY nosuch /") && ran.stderr.contains("nosuch") && !ran.stderr.contains("--debug"),
        "{}",
        ran.stderr
    );
    let broken = context(&store, "b", &[("Dockerfile", "FROM box\nRUNN x\n")]);
    let refused = store.tare(&["build", &broken]).expect_code(1);
    assert!(refused.stderr.contains("Dockerfile:2"), "{}", refused.stderr);
    store.assert_nothing_left();
}

#[test]
fn wrong_words_are_refused_before_anything_is_done() {
    let store = Store::new();
    let here = context(&store, "c", &[("Dockerfile", "FROM box\n")]);
    let empty = context(&store, "e", &[("Dokerfile", ""), ("x", "")]);
    for (code, words, said) in [
        (125, &[][..], "build needs PATH"),
        (125, &[&here, "more"], "does not know what to do with more"),
        (1, &["/nosuch"], "no such directory: /nosuch"),
        (1, &[&empty], "there is no Dockerfile: there is Dokerfile, x"),
        (1, &["-f", "nosuch", &here], "no such Dockerfile: nosuch"),
        (125, &["--nocache", &here], "did you mean --no-cache"),
        (125, &["--progress=fast", &here], "unknown word"),
        (125, &["--target=nosuch", &here], "there is no stage nosuch"),
        (125, &["-t", "UPPER", &here], "for --tag"),
        (1, &["--secret=id=x,src=/nosuch", &here], "no such file: /nosuch"),
        (125, &["--secret=src=x", &here], "there is no id"),
        (1, &["--ssh=x=/nosuch", &here], "cannot find /nosuch"),
        (1, &["--build-context=x=/nosuch", &here], "no such directory"),
        (125, &["-o", "type=what", &here], "unknown type"),
        (125, &["--push", &here], "there is no name to push to"),
        (125, &["--allow=all", &here], "unknown word"),
        (125, &["-m", "lots", &here], "for --memory"),
        (125, &["git@example.com:app#--upload-pack=x"], "is no name of a branch, tag or commit"),
        (125, &["-f", "-", "-"], "standard input cannot be"),
    ] {
        let error = store.fails(code, &[&["build"], words].concat());
        assert!(error.contains(said), "{words:?}: {error}");
    }
    assert_eq!(store.ok(&["images", "-aq"]).lines().count(), store.ok(&["images", "-q"]).lines().count());
}

#[test]
fn a_person_sees_each_step_live_and_nothing_that_a_terminal_obeys() {
    let store = Store::new();
    let script = "for i in 1 2 3 4 5 6 7; do printf '\\033[31mline %s\\033[0m \\033]0;title\\007\\n' $i; sleep 0.2; done";
    let here = context(&store, "c", &[("Dockerfile", &format!("FROM box\nRUN {script}\n"))]);
    let mut person = store.terminal(&["build", "-t", "app", &here]);
    person.expect("| line 3 ");
    person.expect("| line 7 ");
    person.expect("of 2 steps");
    person.expect("built app:latest");
    assert!(person.child.wait().expect("it ends").success());
    assert!(!person.shown.contains("\u{1b}]0;") && !person.shown.contains("\u{1b}[31m"), "{:?}", person.shown);
    assert!(person.shown.contains("\\u{1b}]0;title\\u{7}"), "{:?}", person.shown);
}

#[test]
fn ctrl_c_ends_all_of_it() {
    let store = Store::new();
    let here = context(&store, "c", &[("Dockerfile", "FROM box\nRUN echo first > /first\nRUN sleep 1000\n")]);
    let mut person = store.terminal(&["build", &here]);
    person.expect("RUN sleep 1000");
    eventually("the step runs", || store.ok(&["ps", "-q"]).lines().count() == 1);
    person.send(CTRL_C);
    person.expect("interrupted");
    assert!(!person.child.wait().expect("it ends").success());
    assert_eq!(store.ok(&["ps", "-aq"]), "");
    assert_eq!(std::fs::read_dir(store.root.join("unfinished")).map(Iterator::count).unwrap_or(0), 0);
    store.assert_nothing_left();
    std::fs::write(Path::new(&here).join("Dockerfile"), "FROM box\nRUN echo first > /first\nRUN true\n").unwrap();
    assert!(built(&store, &[&here]).stderr.contains("#2 CACHED"));
}

#[test]
fn files_go_to_a_directory_or_an_archive_without_an_image() {
    let store = Store::new();
    let dockerfile = "FROM box AS work\nRUN mkdir /out && echo made > /out/file && chmod 4755 /out/file && ln -s file /out/link\nFROM scratch\nCOPY --from=work /out /\n";
    let here = context(&store, "c", &[("Dockerfile", dockerfile)]);
    let (out, tar) = (store.dir.join("out"), store.dir.join("out.tar"));
    let before = store.ok(&["images", "-aq"]);
    built(&store, &["-o", &out.display().to_string(), &here]);
    assert_eq!(std::fs::read_to_string(out.join("file")).unwrap(), "made\n");
    assert_eq!(std::fs::read_link(out.join("link")).unwrap(), PathBuf::from("file"));
    built(&store, &["-o", &format!("type=tar,dest={}", tar.display()), &here]);
    let names = |bytes: &[u8]| {
        let mut archive = tar::Archive::new(bytes);
        let mut names: Vec<String> = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&std::fs::read(&tar).unwrap()), ["file", "link"]);
    let piped = store.command(&["build", "-o", "-", &here]).output().unwrap();
    assert!(piped.status.success());
    assert_eq!(names(&piped.stdout), ["file", "link"]);
    assert!(store.fails(125, &["build", "-o", "-", "-o", "type=oci", &here]).contains("only one output"));
    built(&store, &["-o", "type=cacheonly", &here]);
    assert_eq!(store.ok(&["images", "-aq"]), before);
}

#[test]
fn an_image_goes_into_an_archive_and_only_there() {
    let store = Store::new();
    let here = context(&store, "c", &[("Dockerfile", "FROM box\nRUN echo packed > /said\n")]);
    for kind in ["oci", "docker"] {
        let before = store.ok(&["images", "-aq"]);
        let archive = store.dir.join(kind).display().to_string();
        built(&store, &["-t", &format!("from-{kind}:1"), "-o", &format!("type={kind},dest={archive}"), &here]);
        assert_eq!(store.ok(&["images", "-aq"]), before, "{kind}");
        let other = Store::empty();
        assert!(other.ok(&["load", "-qi", &archive]).contains(&format!("from-{kind}:1")));
        assert_eq!(in_it(&other, &format!("from-{kind}:1"), "cat /said"), "packed");
    }
    built(&store, &["-o", "type=docker", "-t", "kept", &here]);
    assert_eq!(in_it(&store, "kept", "cat /said"), "packed");
}

#[test]
fn a_registry_gets_it() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::new();
    let here = context(&store, "c", &[("Dockerfile", "FROM box\nRUN echo pushed > /said\n")]);
    let name = format!("{}/app:1", registry.host);
    assert!(built(&store, &["--push", "-t", &name, &here]).stderr.contains(&format!("pushed {name}: sha256:")));
    let other = Store::empty();
    other.ok(&["pull", "-q", &name]);
    assert_eq!(in_it(&other, &name, "cat /said"), "pushed");
}

#[test]
fn all_new_layers_become_one() {
    let store = Store::new();
    let dockerfile = "FROM box\nRUN mkdir -p /a/deep /b && echo old > /a/deep/f && echo x > /b/x && echo secret > /gone && touch /was-file && ln /b/x /b/y\nRUN rm /gone /etc/passwd && echo new > /a/deep/f && chmod 700 /a/deep\nRUN rm -r /b && mkdir /b && echo z > /b/z\nRUN rm /was-file /script && mkdir /was-file /script && touch /was-file/in\nENV LAST=1\n";
    let here = context(&store, "c", &[("Dockerfile", dockerfile)]);
    built(&store, &["-t", "many", &here]);
    let told = built(&store, &["-t", "one", "--squash", &here]).stderr;
    assert!(told.contains("CACHED"), "{told}");
    let layers = |image: &str| store.inspect(image)["RootFS"]["Layers"].as_array().unwrap().len();
    assert_eq!((layers("one"), layers("many")), (layers("box") + 1, layers("box") + 4));
    let all = "find / -mindepth 1 -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /etc/hosts -o -path /etc/resolv.conf -o -path /etc/hostname \\) -prune -o -exec stat -c '%n %f %u:%g %Y' {} + | sort; cat /a/deep/f";
    assert_eq!(in_it(&store, "one", all), in_it(&store, "many", all));
    let last = store.inspect("one")["RootFS"]["Layers"].as_array().unwrap().last().unwrap().as_str().unwrap().replace("sha256:", "");
    let layer = store.root.join("layer").join(last);
    assert!(layer.join("b/z").is_file() && !layer.join("gone").is_file(), "what was removed is not in it");
    let history = store.ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Comment}}", "one"]);
    assert!(history.lines().next().unwrap().contains("became one") && history.contains("RUN /bin/sh -c rm -r /b"), "{history}");
}

#[test]
fn the_same_moment_makes_the_same_image() {
    let store = Store::new();
    let here = context(&store, "c", &[("Dockerfile", "FROM box\nRUN echo x > /x\nCOPY Dockerfile /\n")]);
    let id = || {
        let mut command = store.command(&["build", "-q", "--no-cache", "--rewrite-timestamp", &here]);
        String::from_utf8(command.env("SOURCE_DATE_EPOCH", "1000000000").output().unwrap().stdout).unwrap()
    };
    let first = id();
    assert_eq!(first, id());
    assert!(store.ok(&["image", "inspect", "-f", "{{.Created}}", first.trim()]).starts_with("2001-09-09T01:46:40"));
    let wrong = store.command(&["build", &here]).env("SOURCE_DATE_EPOCH", "yesterday").output().unwrap();
    assert_eq!(wrong.status.code(), Some(125));
}

#[test]
fn a_shell_opens_where_a_step_has_failed() {
    let store = Store::new();
    let here = context(
        &store,
        "c",
        &[("Dockerfile", "FROM box\nENV WHO=me\nARG WHAT\nARG KIND=soft\nRUN echo before > /state\nRUN echo half > /half; exit 1\n")],
    );
    let mut person = store.terminal(&["build", "--debug", "--build-arg", "WHAT=ware", &here]);
    person.expect("the state before the step");
    person.send("cat /state; ls /half; echo $WHO-$((1+1)) $KIND$WHAT\n");
    person.expect("before");
    person.expect("No such file");
    person.expect("me-2 software");
    person.send("exit\n");
    person.expect("the command ended with code 1");
    assert_eq!(person.child.wait().expect("it ends").code(), Some(1));
    assert_eq!(store.ok(&["ps", "-aq"]), "");
}
