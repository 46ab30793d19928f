//! `login` and `logout`: who we are at a registry is proven there, kept as Docker keeps it, and shown where it is wanted.

use crate::common::process::{self, tool};
use crate::common::registry::{Answer, Registry, Served, Strange};
use crate::common::terminal::CTRL_C;
use crate::common::token_server::PACKED;
use crate::common::{Layer, Store, transcript};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Knows `me` with the password `secret`, and has `team/box:1`.
fn guarded() -> Option<Registry> {
    let htpasswd = |dir: &PathBuf| {
        let line = tool(&["htpasswd", "-nbB", "me", "secret"]).ok();
        std::fs::write(dir.join("htpasswd"), line.trim()).unwrap();
        format!("auth: {{ htpasswd: {{ realm: test, path: {}/htpasswd }} }}", dir.display())
    };
    let registry = Registry::start(|_| String::new(), htpasswd)?;
    registry.fill("team/box:1");
    Some(registry)
}

fn config(store: &Store) -> Value {
    serde_json::from_slice(&std::fs::read(store.dir.join("docker/config.json")).unwrap()).unwrap()
}

#[test]
fn who_we_are_is_proven_and_kept_and_forgotten() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    let (host, name) = (registry.host.as_str(), format!("{}/team/box:1", registry.host));
    let before = json!({ "detachKeys": "ctrl-a", "auths": { "other.test": { "auth": "YTpi" } }, "HttpHeaders": { "X": "y" } });
    let file = store.file("docker/config.json", before.to_string());

    let ran = store.tare_with(&["login", "-u", "me", "--password-stdin", host], "wrong");
    assert!(ran.code == 1 && ran.stderr.contains(&format!("cannot log in to {host}")), "{}", ran.story());
    assert_eq!(config(&store), before, "what is wrong is not kept");

    let ran = store.tare_with(&["login", "-u", "me", "--password-stdin", host], "secret\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Login Succeeded\n"), "{}", ran.story());
    assert!(ran.stderr.contains("WARNING! Your password is stored unencrypted in") && ran.stderr.contains("config.json"), "{}", ran.stderr);
    let mut expected = before.clone();
    expected["auths"][host] = json!({ "auth": PACKED });
    assert_eq!(config(&store), expected);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(store.ok(&["pull", "-q", &name]), name);
    // Others understand it.
    let path = file.to_str().unwrap();
    tool(&["skopeo", "inspect", "-n", "--tls-verify=false", "--authfile", path, &format!("docker://{name}")]).ok();

    assert_eq!(store.ok(&["login", host]), "Login Succeeded", "known already");
    assert_eq!(store.ok(&["logout", host]), format!("Removing login credentials for {host}"));
    assert_eq!(config(&store), before);
    assert_eq!(store.ok(&["logout", host]), format!("Not logged in to {host}"));
    assert!(store.fails(1, &["pull", "-q", &name]).contains("does not let us in"));
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    let store = Store::empty();
    let refused = |words: &[&str]| store.refuses(&[&["login"], words].concat());
    assert!(refused(&["-p", "a", "-u", "me", "--password-stdin", "r.test"]).contains("exclude each other"));
    assert!(refused(&["--password-stdin", "r.test"]).contains("needs a user"));
    assert!(refused(&["r.test"]).contains("no terminal"));
    assert!(refused(&["-u", "me", "--password-stdin", "r.test"]).contains("password is empty"));
    assert!(refused(&["-u", "me", "-p", "x", "me@r.test"]).contains("no registry"));
    let mut command = store.command(&["login", "-u", "me", "-p", "x", "127.0.0.1:1"]);
    command.env_remove("DOCKER_CONFIG");
    assert!(process::run(command, None).stderr.contains("insecure"));
}

#[test]
fn two_who_log_in_at_once_are_both_remembered() {
    let store = Store::empty();
    let registries: Vec<Strange> = (0..8).map(|_| Strange::start(|_| Answer::new(200, "{}"))).collect();
    let running: Vec<_> = registries.iter().map(|registry| store.start(&["login", "-u", "me", "-p", "secret", &registry.host])).collect();
    running.into_iter().for_each(|one| drop(one.wait().ok()));
    let known = config(&store)["auths"].as_object().unwrap().len();
    assert_eq!(known, registries.len());
}

#[test]
fn a_file_that_is_a_link_stays_one_and_a_damaged_one_stays_as_it_is() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    let real = store.file("elsewhere/real.json", "{}");
    std::fs::create_dir(store.dir.join("docker")).unwrap();
    std::os::unix::fs::symlink("../elsewhere/real.json", store.dir.join("docker/config.json")).unwrap();
    store.tare_with(&["login", "-u", "me", "--password-stdin", &registry.host], "secret").ok();
    assert!(store.dir.join("docker/config.json").is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains(PACKED));
    std::fs::write(&real, "{ half").unwrap();
    let ran = store.tare_with(&["login", "-u", "me", "--password-stdin", &registry.host], "secret");
    assert!(ran.code == 1 && ran.stderr.contains("config.json is damaged"), "{}", ran.story());
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "{ half");
}

#[test]
fn a_person_is_asked_at_the_terminal() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    let host = registry.host.as_str();
    let mut person = store.terminal(&["login", host]);
    person.expect("Username: ");
    person.send("me\n");
    person.expect("Password: ");
    let hidden = person.settings();
    assert!(person.is_raw());
    // Corrected on the way.
    person.send("x\u{15}sekk\x7f\x7fcret\u{e4}\x7f\r");
    person.expect("WARNING! Your password is stored unencrypted");
    person.expect("Login Succeeded");
    assert_eq!(person.wait(), 0);
    assert!(!person.shown.contains("cret"), "{}", person.shown);
    assert_ne!(person.settings(), hidden, "the terminal is as it was before");

    let mut again = store.terminal(&["login", host]);
    again.expect("Authenticating with existing credentials...");
    again.expect("Login Succeeded");
    assert_eq!(again.wait(), 0);

    let mut other = store.terminal(&["login", "-u", "other", host]);
    other.expect("Password: ");
    other.send(CTRL_C);
    assert_eq!(other.wait(), 130);
    assert_eq!(other.settings(), again.settings());
    assert_eq!(config(&store)["auths"][host]["auth"], PACKED);
}

/// A helper that keeps everything in files, and notes what it was told.
const HELPER: &str = r#"#!/bin/sh
cd "$KEPT"
echo "$1" >> told
case "$1" in
store) cat > kept ;;
get) read -r server; grep -qs "\"$server\"" kept && cat kept || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm kept ;;
esac
"#;

fn with_helper(store: &Store, text: &str, words: &[&str]) -> process::Ran {
    let helper = store.file("bin/docker-credential-test", text);
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(store.dir.join("kept")).unwrap();
    let mut command = store.command(words);
    command.env("KEPT", store.dir.join("kept"));
    command.env("PATH", format!("{}:{}", store.dir.join("bin").display(), std::env::var("PATH").unwrap()));
    process::run(command, Some(b"secret".to_vec()))
}

#[test]
fn a_helper_keeps_what_would_else_be_readable() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    let (host, name) = (registry.host.as_str(), format!("{}/team/box:1", registry.host));
    for settings in [json!({ "credsStore": "test" }), json!({ "credHelpers": { host: "test" }, "credsStore": "nosuch" })] {
        store.file("docker/config.json", settings.to_string());
        let ran = with_helper(&store, HELPER, &["login", "-u", "me", "--password-stdin", host]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "Login Succeeded\n", ""), "{}", ran.story());
        assert_eq!(config(&store)["auths"][host], json!({}), "nothing of it stands in the file");
        let kept: Value = serde_json::from_slice(&std::fs::read(store.dir.join("kept/kept")).unwrap()).unwrap();
        assert_eq!(kept, json!({ "ServerURL": host, "Username": "me", "Secret": "secret" }));
        assert_eq!(with_helper(&store, HELPER, &["pull", "-q", &name]).ok(), name);
        with_helper(&store, HELPER, &["rmi", &name]).ok();
        assert!(with_helper(&store, HELPER, &["logout", host]).ok().starts_with("Removing login credentials"));
        assert!(!store.dir.join("kept/kept").exists());
        assert!(with_helper(&store, HELPER, &["pull", "-q", &name]).stderr.contains("does not let us in"));
    }
}

#[test]
fn a_helper_that_does_not_answer_well_is_told_of_where_it_was_needed() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    store.file("docker/config.json", json!({ "credsStore": "test" }).to_string());
    let name = format!("{}/team/box:1", registry.host);
    let pull = |helper: &str| with_helper(&store, helper, &["pull", "-q", &name]).expect_code(1).stderr;
    let locked = pull("#!/bin/sh\necho 'the keyring is locked'; exit 1");
    assert!(locked.contains("docker-credential-test get failed: the keyring is locked"), "{locked}");
    assert!(pull("#!/bin/sh\nexec yes").contains("more than 1 MiB"));
    assert!(pull("#!/bin/sh\necho '{'").contains("docker-credential-test get failed"));
    store.file("docker/config.json", json!({ "credsStore": "../x" }).to_string());
    assert!(pull("#!/bin/sh\n").contains("it holds a slash"));
    store.file("docker/config.json", json!({ "credsStore": "nosuch" }).to_string());
    assert!(pull("#!/bin/sh\n").contains("no program docker-credential-nosuch"));
    // Where nobody wants to know who we are, it is not even asked.
    let open = Strange::with(&Served::new(Layer::new().file("word", 0o644, "pulled").tar()), |_| None);
    with_helper(&store, "", &["pull", "-q", &format!("{}/team/app:1", open.host)]).ok();
}

#[test]
fn what_podman_knows_is_read_and_never_written() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    let (host, name) = (registry.host.as_str(), format!("{}/team/box:1", registry.host));
    let file = store.dir.join("auth.json");
    tool(&["skopeo", "login", "--tls-verify=false", "--authfile", file.to_str().unwrap(), "-u", "me", "-p", "secret", host]).ok();
    if let Some(person) = &store.person {
        person.owns(&file);
    }
    let before = std::fs::read(&file).unwrap();
    let tare = |words: &[&str]| {
        let mut command = store.command(words);
        command.env("REGISTRY_AUTH_FILE", &file);
        process::run(command, None)
    };
    assert_eq!(tare(&["pull", "-q", &name]).ok(), name);
    let ran = tare(&["logout", host]);
    assert!(ran.stdout.starts_with("Not logged in") && ran.stderr.contains("auth.json still has a login"), "{}", ran.story());
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn the_page_is_true() {
    let Some(registry) = guarded() else { return };
    let store = Store::empty();
    let page = include_str!("../transcripts/login.md").replace("registry.example.com:5000", &registry.host);
    assert!(transcript::play(&store, &page) > 3);
}
