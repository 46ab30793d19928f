//! What an image says of itself beside its files: for which machine it is, and the annotations of its manifest.

use crate::common::{Context, Image, Store, test_images};
use serde_json::{Value, json};

/// The manifest in an archive of an OCI layout.
fn manifest(archive: &[u8]) -> Value {
    let read = |wanted: &str| {
        let mut archive = tar::Archive::new(archive);
        let entry =
            archive.entries().expect("entries").flatten().find(|entry| entry.path().is_ok_and(|path| path.to_string_lossy() == wanted));
        serde_json::from_reader::<_, Value>(entry.unwrap_or_else(|| panic!("no {wanted}"))).expect("JSON")
    };
    let digest = read("index.json")["manifests"][0]["digest"].as_str().expect("a digest").replace(':', "/");
    read(&format!("blobs/{digest}"))
}

#[test]
fn annotations_stand_in_the_manifest() {
    let store = Store::new();
    let context = Context::new(&store, "FROM box\nRUN echo x > /x\n");
    let archive = store.dir.join("made.tar");
    let output = format!("type=oci,dest={}", archive.display());
    let annotations = ["--annotation", "org.example.a=one", "--annotation", "manifest:b=two=2", "--annotation", "org.example.a=last"];
    context.ok(&[&annotations[..], &["-o", &output, "-o", "type=image"]].concat());
    let made = manifest(&std::fs::read(&archive).expect("the archive"));
    assert_eq!(made["annotations"], json!({"b": "two=2", "org.example.a": "last"}));
    // They are the manifest's alone, and go where it goes.
    let id = store.ok(&["images", "-q", "--no-trunc", "made"]);
    let saved = store.dir.join("saved.tar");
    store.ok(&["save", "-o", saved.to_str().expect("utf-8"), "made"]);
    assert_eq!(manifest(&std::fs::read(&saved).expect("the archive"))["annotations"], made["annotations"]);
    let other = Store::empty();
    other.ok(&["load", "-qi", saved.to_str().expect("utf-8")]);
    assert_eq!(other.ok(&["images", "-q", "--no-trunc", "made"]), id);
    // Another of the same content, which only goes out.
    context.ok(&["-t", "another", "--annotation", "c=3", "-o", &output]);
    assert_eq!(manifest(&std::fs::read(&archive).expect("the archive"))["annotations"], json!({"c": "3"}));
    context.ok(&["-o", &output, "-o", "type=image"]);
    assert_eq!(store.ok(&["images", "-q", "--no-trunc", "made"]), id);
    assert_eq!(manifest(&std::fs::read(&archive).expect("the archive")).get("annotations"), None);
    let here = context.directory.to_str().expect("utf-8");
    for (wrong, code, said) in [
        ("a", 125, "there is no ="),
        ("=a", 125, "there is no name before the ="),
        ("index:a=b", 1, "there is no index to be annotated: a build makes one image, and no list of images"),
        ("manifest-descriptor:a=b", 1, "there is no manifest-descriptor"),
    ] {
        assert!(store.fails(code, &["build", "--annotation", wrong, here]).contains(said), "{wrong}");
    }
    store.assert_nothing_left();
}

#[test]
fn a_platform_that_there_is_none_of_is_refused() {
    let store = Store::new();
    let context = Context::new(&store, "FROM box\n");
    let here = context.directory.to_str().expect("utf-8");
    for (wrong, code, said) in [
        ("foo", 125, "\"foo\" is not a platform: no architecture is called \"foo\""),
        ("linux/", 125, "\"linux/\" is not a platform"),
        ("linux/amd46", 125, "did you mean amd64?"),
        ("linus/amd64", 125, "did you mean linux?"),
        ("linux/amd64/v1/x", 125, "is not a platform"),
        ("linux/amd64,linux/arm64", 1, "one image is for one platform\nhint: build once for each"),
    ] {
        assert!(store.fails(code, &["build", "--platform", wrong, here]).contains(said), "{wrong}");
    }
    context.write("Dockerfile", "FROM --platform=linux/foo box\n");
    assert!(context.fails(&[]).contains("no architecture is called \"foo\""));
}

#[test]
fn an_image_for_another_machine_stands_on_one_for_it() {
    let store = Store::new();
    let (own, other) = if cfg!(target_arch = "aarch64") { ("arm64", "amd64") } else { ("amd64", "arm64") };
    // Nobody listens there: what is not here cannot be had.
    let [foreign, native] = ["127.0.0.1:1/app:foreign", "127.0.0.1:1/app:native"];
    let layers = test_images::box_image().layers;
    for (name, architecture) in [(foreign, other), (native, own)] {
        let image = Image { architecture: architecture.to_owned(), ..Image::new(name, layers.clone()) };
        store.load(&image.docker_archive()).ok();
    }
    let said = |image: &str| store.inspect(image)["Architecture"].as_str().expect("its machine").to_owned();
    let wanted = format!("linux/{other}");
    let context = Context::new(&store, &format!("FROM {foreign}\nCOPY file /\n")).file("file", "x");
    context.ok(&["--platform", &wanted]);
    assert_eq!(said("made"), other);
    context.write("Dockerfile", format!("FROM {native}\nCOPY file /\n"));
    let told = context.build(&["--platform", &wanted]);
    assert!(told.code != 0 && told.stderr.contains("127.0.0.1:1"), "one for this machine is none: {}", told.story());
    // What builds is of this machine, and what comes of it is for the other.
    context.write(
        "Dockerfile",
        format!("FROM --platform=$BUILDPLATFORM {native} AS build\nARG TARGETARCH\nRUN echo for $TARGETARCH > /out\nFROM scratch\nCOPY --from=build /out /\n"),
    );
    context.ok(&["--platform", &wanted]);
    assert_eq!(said("made"), other);
    let out = store.dir.join("out");
    context.ok(&["--platform", &wanted, "-o", out.to_str().expect("utf-8")]);
    assert_eq!(std::fs::read_to_string(out.join("out")).expect("the file"), format!("for {other}\n"));
    context.write("Dockerfile", "FROM scratch\nCOPY file /\n");
    context.ok(&["--platform", "linux/arm/v7"]);
    let about = store.inspect("made");
    assert_eq!((about["Architecture"].as_str(), about["Variant"].as_str()), (Some("arm"), Some("v7")));
    store.assert_nothing_left();
}
