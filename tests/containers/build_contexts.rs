//! Where the files of a build come from, if not from a directory: URLs, git repositories, and what has a name. And what is refused of it.

use crate::common::registry::{Answer, Manner, Strange};
use crate::common::{Context, Layer, Store, archive, eventually, installed, lacking};
use std::process::Command;

/// An archive with a Dockerfile that takes all of it.
fn packed() -> Layer {
    Layer::new().file("Dockerfile", 0o644, "FROM box\nCOPY . /all\n").file("sub/File", 0o644, "FROM box\nCOPY sub/word /\n").file(
        "sub/word",
        0o640,
        "from afar",
    )
}

/// One server with all that a context may be.
fn server() -> Strange {
    Strange::start(|asked| match asked.path.as_str() {
        "/plain.tar" => Answer::new(200, packed().tar()),
        "/packed" => Answer::new(200, archive::gzip(&packed().tar())).said(Manner::Chunked),
        "/Dockerfile" => Answer::new(200, "FROM box\nRUN echo alone > /said\n"),
        "/moved" => Answer::new(302, "").with("Location", "/plain.tar"),
        "/cut.tar" => Answer { cut: Some(700), ..Answer::new(200, packed().tar()) },
        "/damaged.gz" => Answer::new(200, [&archive::gzip(&packed().tar())[..60], &[7; 200]].concat()),
        "/page" => Answer::new(200, "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"),
        "/noise" => Answer::new(200, vec![0xc3; 5000]),
        "/text" => Answer::new(200, "Once upon a time\n"),
        "/endless" => Answer { endless: true, ..Answer::new(200, "FROM box\n") },
        "/bomb" => Answer::new(200, bomb()),
        _ => Answer::new(404, "nothing here"),
    })
}

/// Three gigabytes of zeros.
fn bomb() -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut header = Layer::header(tar::EntryType::Regular, "zeros", 0o644);
    header.set_size(3 << 30);
    header.set_cksum();
    packed.write_all(header.as_bytes()).expect("a header");
    let zeros = vec![0; 1 << 20];
    (0..3 << 10).for_each(|_| packed.write_all(&zeros).expect("zeros"));
    packed.finish().expect("the end")
}

#[test]
fn a_url_is_an_archive_or_a_dockerfile() {
    let (store, server) = (Store::new(), server());
    let url = |path: &str| format!("http://{}/{path}", server.host);
    for path in ["plain.tar", "packed", "moved"] {
        store.ok(&["build", "-q", "-t", "made", &url(path)]);
        assert_eq!(store.ok(&["run", "--rm", "made", "sh", "-c", "cat /all/sub/word; stat -c %a /all/sub/word"]), "from afar640", "{path}");
    }
    store.ok(&["build", "-q", "-t", "made", "-f", "sub/File", &url("plain.tar")]);
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/word"]), "from afar");
    store.ok(&["build", "-q", "-t", "made", &url("Dockerfile")]);
    assert_eq!(store.ok(&["run", "--rm", "made", "cat", "/said"]), "alone");
    store.assert_nothing_left();
}

#[test]
fn what_is_no_context_is_named_with_its_address() {
    let (store, server) = (Store::new(), server());
    for (path, said) in [
        ("nothing", "answers 404"),
        ("cut.tar", "cannot take in the context"),
        ("damaged.gz", "cannot take in the context"),
        (
            "page",
            "is neither an archive nor a Dockerfile: it is a page for browsers\nhint: name the archive itself; a git repository ends in .git",
        ),
        ("noise", "is not text in UTF-8"),
        ("text", "unknown instruction"),
        ("endless", "is longer than 16 MiB"),
    ] {
        let url = format!("http://{}/{path}", server.host);
        let ran = store.tare(&["build", "-q", &url]);
        assert!([1, 125].contains(&ran.code), "{path}: {}", ran.story());
        assert!(ran.stderr.contains(said), "{path}: {}", ran.story());
        assert!(path == "text" || ran.stderr.contains(&url), "{path}: {}", ran.story());
    }
    assert!(
        store.fails(125, &["build", "-f", "File", &format!("http://{}/Dockerfile", server.host)]).contains("names a file of an archive")
    );
    store.fails(1, &["build", "http://127.0.0.1:1/x.tar"]);
    store.assert_nothing_left();
}

#[test]
fn an_archive_that_becomes_too_large_ends_as_an_error() {
    let server = server();
    let (small, store) = super::disk_full::small_store(super::disk_full::Part::Root);
    let (used, _) = small.used();
    small.resize(&format!("size={}k", used + 40_000));
    let told = store.fails(1, &["build", &format!("http://{}/bomb", server.host)]);
    assert!(told.contains("it takes more than three quarters of the room that is free"), "{told}");
    assert!(small.used().0 < used + 100, "nothing of it is left");
    small.resize("size=1g");
    store.assert_nothing_left();
}

/// Symlinks and other things of an archive stand for nothing on the host, also before the first step.
#[test]
fn a_dockerfile_of_somebody_else_is_a_plain_file_of_his() {
    let store = Store::new();
    let secret = store.file("secret", "FROM box\nRUN echo of the host\n");
    let host = secret.to_str().expect("utf-8");
    let up = format!("{}{host}", "../".repeat(20));
    let from = |layer: Layer, flags: &[&str]| store.tare_with(&[&["build"], flags, &["-"]].concat(), layer.tar());
    for leads in [host, &up] {
        for (name, flags) in [("Dockerfile", &[][..]), ("sub/File", &["-f", "sub/File"])] {
            let ran = from(Layer::new().dir("sub/", 0o755).symlink(name, leads), flags);
            assert!(ran.code == 1 && !ran.stderr.contains("of the host"), "{}", ran.story());
        }
    }
    let ran = from(packed(), &["-f", host]);
    assert!(ran.code == 1 && ran.stderr.contains("no such Dockerfile"), "{}", ran.story());
    for wrong in [Layer::new().fifo("Dockerfile"), Layer::new().dir("Dockerfile/", 0o755)] {
        let ran = from(wrong, &[]);
        assert!(ran.code == 1 && ran.stderr.contains("cannot read Dockerfile: it is no plain file"), "{}", ran.story());
    }
    let ran = from(packed().fifo(".dockerignore"), &[]);
    assert!(ran.code == 1 && ran.stderr.contains("cannot read .dockerignore"), "{}", ran.story());
    // Within the archive a link is one.
    store
        .tare_with(
            &["build", "-q", "-t", "made", "-"],
            Layer::new().symlink("Dockerfile", "/sub/../File").dir("sub/", 0o755).file("File", 0o644, "FROM box\n").tar(),
        )
        .ok();
    store.assert_nothing_left();
}

/// A repository behind git's own server on loopback.
struct Repository {
    daemon: std::process::Child,
    address: String,
}

impl Repository {
    fn serve(store: &Store) -> Option<Repository> {
        if !installed("git") && lacking("git") {
            return None;
        }
        let place = store.dir.join("git/app.git");
        let script = "git init -q -b main . && mkdir docs && printf 'FROM box\\nCOPY . /all\\n' | tee Dockerfile > docs/Dockerfile
            echo first > word && echo part > docs/word && git add . && git commit -qm one && git tag v1
            echo second > word && git commit -qam two && git checkout -q -b side && echo third > word && git commit -qam three
            ln -s / out && git add out && git commit -qm four && git checkout -q main";
        std::fs::create_dir_all(&place).expect("a directory");
        let mut made = Command::new("sh");
        made.args(["-ec", script]).current_dir(&place).env("HOME", &place);
        // Whosever the directory is: git asks.
        made.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
        for (name, value) in [("NAME", "a"), ("EMAIL", "a@example.com")] {
            made.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        assert!(made.status().expect("sh").success());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let base = place.parent().expect("a parent");
        let mut daemon = Command::new("git");
        daemon.args(["-c", "safe.directory=*", "daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1", &format!("--port={port}")]);
        daemon.arg(format!("--base-path={}", base.display())).arg(base).env("HOME", &place);
        let daemon = daemon.stderr(std::process::Stdio::null()).spawn().expect("git daemon");
        eventually("git listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Repository { daemon, address: format!("git://127.0.0.1:{port}/app.git") })
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.daemon.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.daemon.wait();
    }
}

#[test]
fn a_git_repository_is_a_context() {
    let store = Store::new();
    let Some(repository) = Repository::serve(&store) else { return };
    for (behind, seen) in [("", "second"), ("#v1", "first"), ("#side", "third"), ("#:docs", "part"), ("#v1:docs", "part")] {
        store.ok(&["build", "-q", "-t", "made", &format!("{}{behind}", repository.address)]);
        assert_eq!(store.ok(&["run", "--rm", "made", "sh", "-c", "cat /all/word; ls -d /all/.git 2>/dev/null || true"]), seen, "{behind}");
    }
    for (behind, said) in
        [("#nosuch", "no branch or tag"), ("#:nosuch", "no directory"), ("#side:out/etc", "no directory"), ("#--x", "no name of a branch")]
    {
        let ran = store.tare(&["build", &format!("{}{behind}", repository.address)]);
        assert!(ran.code != 0 && ran.stderr.contains(said), "{behind}: {}", ran.story());
    }
    drop(repository);
    store.assert_nothing_left();
}

#[test]
fn what_has_a_name_is_a_directory_an_image_or_a_layout() {
    let store = Store::new();
    let layout = store.dir.join("layout");
    let other = Context::new(&store, "FROM box\nRUN echo of the image > /word\n");
    other.ok(&["-o", &format!("type=oci,dest={}", layout.with_extension("tar").display()), "-o", "type=image"]);
    std::fs::create_dir(&layout).expect("a directory");
    crate::common::process::tool(&[
        "tar",
        "-C",
        layout.to_str().expect("utf-8"),
        "-xf",
        layout.with_extension("tar").to_str().expect("utf-8"),
    ])
    .ok();
    if let Some(person) = &store.person {
        person.owns(&layout);
    }
    let directory = Context::new(&store, "").file("word", "of the directory");
    let context = Context::new(&store, "FROM box\nCOPY --from=named word /got\n").file("word", "of the context");
    for (place, seen) in [
        (directory.directory.display().to_string(), "of the directory"),
        ("docker-image://made".to_owned(), "of the image"),
        (format!("oci-layout://{}", layout.display()), "of the image"),
    ] {
        store.ok(&["build", "-q", "-t", "got", "--build-context", &format!("named={place}"), context.directory.to_str().expect("utf-8")]);
        assert_eq!(store.ok(&["run", "--rm", "got", "cat", "/got"]), seen, "{place}");
    }
    for (place, said) in [
        ("https://github.com/x/y.git", "https://github.com/x/y.git is a git repository"),
        ("git@github.com:x/y.git#main", "git@github.com:x/y.git#main is a git repository"),
        ("github.com/x/y", "github.com/x/y is a git repository"),
        ("https://x.example/y.tar", "https://x.example/y.tar is at a URL"),
        ("oci-layout:///nosuch", "no such directory: /nosuch"),
        ("docker-image://UPPER", "UPPER"),
    ] {
        let told = context.build(&["--build-context", &format!("named={place}")]);
        assert!([1, 125].contains(&told.code) && told.stderr.contains(said), "{place}: {}", told.story());
    }
    store.assert_nothing_left();
}
