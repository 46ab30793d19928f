//! What registries are asked without anything being pulled: manifests, images as `inspect` shows them, names that fit a word.

use crate::common::archive::sha256;
use crate::common::process::{self, tool};
use crate::common::registry::{Answer, Asked, MANIFEST, Registry, Served, Strange};
use crate::common::store::assert_proper_error;
use crate::common::{Image, Layer, Store, Terminal, image_dir};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn image() -> Served {
    Served::new(Layer::new().file("etc/word", 0o644, "looked at\n").tar())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"))
}

/// An index before the image, for this machine and for another.
fn with_index(served: &Served, other: &Served) -> Strange {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let entry = |one: &Served, architecture: &str| {
        json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", sha256(&one.manifest)),
        "size": one.manifest.len(), "platform": {"os": "linux", "architecture": architecture}})
    };
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(served, machine), entry(other, "s390x")]}).to_string();
    let other = other.clone();
    Strange::with(served, move |asked| match asked.path.as_str() {
        "/v2/team/app/manifests/1" => Some(Answer::new(200, index.clone()).with("Content-Type", INDEX)),
        _ => Some(other.answer(asked)).filter(|answer| answer.status == 200),
    })
}

fn other_machine() -> Served {
    let image = Image { architecture: "s390x".into(), ..Image::new("x", vec![Layer::new().file("big", 0o644, "endian").tar()]) };
    Served::of(image.config_text(), crate::common::archive::gzip(&image.layers[0]))
}

fn blobs_asked(registry: &Strange) -> Vec<String> {
    registry.asked().into_iter().map(|asked| asked.path).filter(|path| path.contains("/blobs/")).collect()
}

#[test]
fn a_manifest_is_shown_as_it_stands_there() {
    let served = image();
    let text = String::from_utf8(served.manifest.clone()).unwrap();
    // In an order of its own, with a number as somebody wrote it and letters that a terminal would obey.
    let strange = text.replacen('{', "{\"zeta\":1.50,\"alpha\":\"\u{9b}2J\\u001b[31m\u{202e}\",", 1);
    let served = Served { manifest: strange.clone().into_bytes(), ..served };
    let registry = Strange::with(&served, |_| None);
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let shown = store.ok(&["manifest", "inspect", &name]);
    assert_eq!(parsed(&shown), parsed(&strange));
    assert!(shown.starts_with("{\n\t\"zeta\": 1.50,\n\t\"alpha\": \"\\u009b2J\\u001b[31m\\u202e\",\n\t\""), "{shown}");
    assert!(blobs_asked(&registry).is_empty());
    assert_eq!(store.ok(&["manifest", "inspect", "--insecure", &name]), shown);
    let one = parsed(&store.ok(&["manifest", "inspect", "-v", &name]));
    assert_eq!(one["Ref"], name);
    assert_eq!(one["Descriptor"]["digest"], format!("sha256:{}", sha256(&served.manifest)));
    assert_eq!((&one["Descriptor"]["mediaType"], &one["Descriptor"]["platform"]["os"]), (&json!(MANIFEST), &json!("linux")));
    assert_eq!(one["OCIManifest"], parsed(&strange));
    assert_eq!(store.ok(&["images", "-q"]), "", "nothing came in");
}

#[test]
fn an_index_is_shown_and_on_request_all_that_it_leads_to() {
    let (served, other) = (image(), other_machine());
    let registry = with_index(&served, &other);
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let index = parsed(&store.ok(&["manifest", "inspect", &name]));
    assert_eq!((&index["mediaType"], index["manifests"].as_array().unwrap().len()), (&json!(INDEX), 2));
    let all = parsed(&store.ok(&["manifest", "inspect", "--verbose", &name]));
    assert_eq!(all[1]["Ref"], format!("{name}@sha256:{}", sha256(&other.manifest)));
    assert_eq!(all[1]["Descriptor"]["platform"]["architecture"], "s390x");
    assert_eq!(all[1]["OCIManifest"], parsed(std::str::from_utf8(&other.manifest).unwrap()));
    assert!(blobs_asked(&registry).is_empty());
    // By its digest, which is proven.
    let by_digest = format!("{}/team/app@sha256:{}", registry.host, sha256(&other.manifest));
    assert_eq!(parsed(&store.ok(&["manifest", "inspect", &by_digest])), all[1]["OCIManifest"]);
    let wrong = format!("{}/team/app@sha256:{}", registry.host, "0".repeat(64));
    assert!(store.fails(1, &["manifest", "inspect", &wrong]).contains("has no team/app"));
    let liar = Strange::with(&served, |_| None);
    let wrong = format!("{}/team/app@sha256:{}", liar.host, "0".repeat(64));
    let one = served.clone();
    let liar = Strange::with(&served, move |asked| asked.path.ends_with("000").then(|| Answer::new(200, one.manifest.clone())));
    let wrong = wrong.replace(wrong.split('/').next().unwrap(), &liar.host);
    assert!(store.fails(1, &["manifest", "inspect", &wrong]).contains("something else than"));
    assert!(store.fails(1, &["manifest", "inspect", "-v", &wrong]).contains("something else than"));
}

#[test]
fn an_image_elsewhere_is_shown_as_one_that_is_here() {
    let (served, other) = (image(), other_machine());
    let registry = with_index(&served, &other);
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let remote = |words: &[&str]| parsed(&store.ok(&[&["image", "inspect", "--remote"], words, &[&name]].concat()))[0].clone();
    let there = remote(&[]);
    assert_eq!(blobs_asked(&registry).len(), 1, "its config, and no layer");
    assert_eq!(there["LayersData"][0]["Size"], served.layer.len());
    assert_eq!(there["Size"], served.layer.len());
    assert_eq!(there["Descriptor"]["mediaType"], INDEX);
    assert_eq!(store.ok(&["inspect", "--type=image", "--remote", "-f", "{{.Os}} {{len .RootFS.Layers}}", &name]), "linux 1");
    assert_eq!(store.ok(&["inspect", "--remote", "-f", "{{.Id}}", &name]), there["Id"].as_str().unwrap());
    let other_id = format!("sha256:{}", sha256(&other.config));
    assert_eq!(remote(&["--platform", "linux/s390x"])["Id"], other_id);
    assert_eq!(remote(&["--platform", "linux/s390x"])["Architecture"], "s390x");
    let error = store.fails(1, &["image", "inspect", "--remote", "--platform", "linux/vax", &name]);
    assert!(error.contains("not there for linux/vax"), "{error}");
    assert!(store.refuses(&["inspect", "--type=container", "--remote", &name]).contains("registries have images"));
    assert!(store.refuses(&["inspect", "--platform", "linux/s390x", &name]).contains("--remote"));
    store.ok(&["pull", "-q", &name]);
    let here = store.inspect(&name);
    for field in ["Id", "Architecture", "Os", "Config", "Created", "RepoTags", "RootFS"] {
        assert_eq!(here[field], there[field], "{field}");
    }
    // What cannot be had does not hide the others, as always.
    let ran = store.tare(&["image", "inspect", "--remote", "-f", "{{.Os}}", &format!("{}/no/such:1", registry.host), &name]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "linux\n"));
    assert_proper_error(&ran);
}

/// A registry with a search of Docker Hub's form.
fn searchable(results: Value) -> Strange {
    Strange::start(move |asked| match asked.path.split('?').next() {
        Some("/v1/search") => Answer::new(200, json!({"num_results": 9, "query": "x", "results": results}).to_string()),
        _ => Answer::new(200, "{}"),
    })
}

#[test]
fn a_search_shows_what_docker_shows() {
    let registry = searchable(json!([
        {"name": "team/less", "description": "short", "star_count": 3, "is_official": false, "is_automated": true},
        {"name": "most", "description": "a description that is so long that nobody wants to read it to its very end", "star_count": 500, "is_official": true},
        {"name": "team/none", "description": null, "star_count": 0},
    ]));
    let store = Store::empty();
    let search = |words: &[&str]| store.ok(&[&["search"], words, &[&format!("{}/so & so", registry.host)]].concat());
    let text = search(&[]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"]);
    assert!(
        lines[1].starts_with(&format!("{}/most", registry.host)) && lines[1].trim_end().ends_with("[OK]"),
        "the most stars first\n{text}"
    );
    assert!(lines[1].contains("a description that is so long that nobody wa…"), "{text}");
    assert!(search(&["--no-trunc"]).contains("to its very end"));
    assert!(registry.asked().iter().any(|asked| asked.path == "/v1/search?q=so%20%26%20so&n=25"), "{:?}", registry.asked());
    let names = |words: &[&str]| {
        let all = search(&[words, &["--format", "{{.Name}}={{.StarCount}}"]].concat());
        all.lines().map(|line| line.split_once('/').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--filter", "stars=1"]), ["most=500", "team/less=3"]);
    assert_eq!(names(&["-f", "is-official=true"]), ["most=500"]);
    assert_eq!(names(&["-f", "is-automated=true", "-f", "stars=2"]), ["team/less=3"]);
    assert_eq!(names(&["--limit", "1"]), ["team/less=3"], "the registry's first");
    let json = parsed(search(&["--format", "json"]).lines().next().unwrap());
    assert_eq!((&json["StarCount"], &json["IsOfficial"]), (&json!("500"), &json!("true")));
    for (words, hint) in [
        (&["--limit", "101", "x"][..], "from 1 to 100"),
        (&["--limit", "x", "x"], "from 1 to 100"),
        (&["-f", "star=1", "x"], "did you mean stars?"),
        (&["-f", "stars=many", "x"], "a number"),
        (&["-f", "is-official=perhaps", "x"], "true or false"),
        (&[""], "tare search busybox"),
    ] {
        let error = store.refuses(&[&["search"], words].concat());
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn nothing_that_a_registry_says_moves_a_terminal() {
    let registry = searchable(json!([{"name": "team/\u{1b}[2Japp\u{202e}", "description": "x\u{9b}31m\r\ny\tz", "star_count": 1}]));
    let store = Store::empty();
    let term = format!("{}/x", registry.host);
    for words in
        [&["search", &term][..], &["search", "--format", "{{.Name}} {{.Description}}", &term], &["search", "--format", "json", &term]]
    {
        let text = store.ok(words);
        let obeyed = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!text.contains(obeyed) && text.contains("team/"), "{text:?}");
        let mut person = Terminal::spawn(store.command(words), 24, 120);
        assert!(!person.expect("y z").contains('\u{1b}'));
        person.wait();
    }
    // Errors, too.
    let registry = Strange::start(|asked| match asked.path.as_str() {
        "/v2/" => Answer::new(200, "{}"),
        _ => Answer::new(403, r#"{"errors":[{"message":"no \u001b]0;x\u0007 \u009b1m"}]}"#),
    });
    let error = store.fails(1, &["search", &format!("{}/x", registry.host)]);
    assert!(!error.contains(|letter: char| letter.is_control() && letter != '\n'), "{error:?}");
}

#[test]
fn without_a_search_the_names_are_looked_through() {
    let page = |names: &[&str]| Answer::new(200, json!({ "repositories": names }).to_string());
    let registry = Strange::start(move |asked: &Asked| match asked.path.as_str() {
        "/v2/" => Answer::new(200, "{}"),
        "/v2/_catalog?n=1000" => page(&["team/app", "team/other"]).with("Link", "</v2/_catalog?last=team%2Fother&n=1000>; rel=\"next\""),
        "/v2/_catalog?last=team%2Fother&n=1000" => page(&["web/app", "web/apple"]),
        _ => Answer::new(404, "<html>nothing here</html>"),
    });
    let store = Store::empty();
    let search =
        |words: &[&str]| store.ok(&[&["search", "--format", "{{.Name}}"], words].concat()).replace(&format!("{}/", registry.host), "");
    assert_eq!(search(&[&format!("{}/app", registry.host)]), "team/app\nweb/app\nweb/apple");
    assert_eq!(search(&["--limit", "2", &format!("{}/app", registry.host)]), "team/app\nweb/app");
    assert_eq!(search(&[&format!("{}/", registry.host)]).lines().count(), 4);
    assert_eq!(search(&[&format!("{}/nosuch", registry.host)]), "");
    // That nothing was found is an answer, too.
    let empty = Strange::start(|asked| match asked.path.starts_with("/v1/search") {
        true => Answer::new(200, r#"{"num_results":0,"results":[]}"#),
        false => Answer::new(if asked.path == "/v2/" { 200 } else { 404 }, "{}"),
    });
    assert_eq!(store.ok(&["search", "--format", "{{.Name}}", &format!("{}/x", empty.host)]), "");
    let neither = Strange::start(|asked| Answer::new(if asked.path == "/v2/" { 200 } else { 404 }, "{}"));
    let error = store.fails(1, &["search", &format!("{}/x", neither.host)]);
    assert!(error.contains("cannot be searched") && error.contains("neither a search nor a catalogue"), "{error}");
}

#[test]
fn a_catalogue_without_end_keeps_nobody() {
    let pages = AtomicUsize::new(0);
    let registry = Strange::start(move |asked| match asked.path.as_str() {
        "/v2/" => Answer::new(200, "{}"),
        path if path.starts_with("/v2/_catalog") => {
            let next = format!("</v2/_catalog?last={}>; rel=\"next\"", pages.fetch_add(1, Ordering::Relaxed));
            Answer::new(200, r#"{"repositories":["a"]}"#).with("Link", next)
        }
        _ => Answer::new(404, ""),
    });
    let store = Store::empty();
    assert_eq!(store.ok(&["search", "--format", "{{.Name}}", &format!("{}/nosuch", registry.host)]), "");
    assert!((50..500).contains(&registry.asked().len()), "{}", registry.asked().len());
    // Nor is anybody sent elsewhere by it.
    let elsewhere = Strange::start(|_| Answer::new(200, r#"{"repositories":["x"]}"#));
    let there = elsewhere.host.clone();
    let registry = Strange::start(move |asked| match asked.path.as_str() {
        "/v2/" => Answer::new(200, "{}"),
        "/v1/search?q=x&n=25" => Answer::new(404, ""),
        _ => Answer::new(200, r#"{"repositories":["x"]}"#).with("Link", format!("<http://{there}/v2/_catalog?n=5>; rel=\"next\"")),
    });
    let error = store.fails(1, &["search", &format!("{}/x", registry.host)]);
    assert!(error.contains("another registry"), "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn a_real_registry_is_looked_at() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::empty();
    let name = format!("{}/team/box:1", registry.host);
    let archive = format!("docker-archive:{}", image_dir().join("busybox.tar").display());
    tool(&["skopeo", "copy", "-q", "--dest-tls-verify=false", &archive, &format!("docker://{name}")]).ok();
    let skopeo =
        |words: &[&str]| tool(&[&["skopeo", "inspect", "--tls-verify=false"], words, &[&format!("docker://{name}")]].concat()).ok();
    assert_eq!(parsed(&store.ok(&["manifest", "inspect", &name])), parsed(&skopeo(&["--raw"])));
    let there = parsed(&store.ok(&["image", "inspect", "--remote", &name]))[0].clone();
    assert_eq!(there["RepoDigests"][0], format!("{}/team/box@{}", registry.host, skopeo(&["--format", "{{.Digest}}"])));
    assert_eq!(there["LayersData"][0]["Digest"], parsed(&skopeo(&[]))["Layers"][0]);
    assert_eq!(store.ok(&["search", "--format", "{{.Name}}", &format!("{}/box", registry.host)]), format!("{}/team/box", registry.host));
    let error = process::run(store.command(&["manifest", "inspect", &format!("{}/team/nosuch", registry.host)]), None);
    assert!(error.code == 1 && error.stderr.contains("has no team/nosuch:latest"), "{}", error.story());
}
