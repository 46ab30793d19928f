//! ADD from what lies about, and from servers of these tests' own.

use super::*;
use crate::build::files::{Options, Part, Tree, carry_out_all, select};
use crate::dockerfile::instruction::Heredoc;
use crate::error::Result;
use crate::sys::beneath::Directory;
use crate::sys::file;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let path = std::env::temp_dir().join(format!("tare-add-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&path);
        ["context", "root", "notes", "one", "two", "three"].iter().for_each(|name| file::make_dirs(&path.join(name), 0o755).unwrap());
        Place(path)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn root(&self) -> Directory {
        Directory::open_root(&self.path("root")).unwrap()
    }

    fn add(&self, source: &str, target: &str, options: &Options) -> Result<u64> {
        let tree = Tree::context(&self.path("context"), None).unwrap();
        let selection = select(&tree, &[source.to_owned()], None, false)?;
        carry_out_all(&[Part { selection: &selection, unpacks: true }], target, "/", options, &self.root())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path("root").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn shell(&self, script: &str) {
        let ran = Command::new("sh").arg("-ec").arg(script).current_dir(&self.0).output().unwrap();
        assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = file::remove_tree(&self.0);
    }
}

/// With files `a` and `dir/b`, and a symlink.
fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("a", "A"), ("dir/b", "B")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o4640);
        header.set_uid(5);
        header.set_gid(6);
        header.set_mtime(1_000_000);
        header.set_cksum();
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn entry(kind: tar::EntryType, name: &str, link: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn archives_are_told_by_their_content_and_unpacked_whatever_packs_them() {
    let place = Place::new("archives");
    fs::write(place.path("context/plain"), archive()).unwrap();
    let mut packed = vec!["plain".to_owned()];
    for program in ["gzip", "zstd", "xz", "bzip2"] {
        if Command::new(program).arg("--version").output().is_ok() {
            place.shell(&format!("{program} -c <context/plain >context/{program}"));
            packed.push(program.to_owned());
        }
    }
    assert!(packed.len() > 2, "at least one of the programs is here: {packed:?}");
    for name in packed {
        place.add(&name, &format!("/{name}"), &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((place.read(&format!("{name}/a")), place.read(&format!("{name}/dir/b"))), ("A".to_owned(), "B".to_owned()));
        let about = place.path("root").join(&name).join("a").metadata().unwrap();
        assert_eq!((about.uid(), about.gid(), about.mode() & 0o7777, about.mtime()), (5, 6, 0o4640, 1_000_000), "{name}");
    }
}

#[test]
fn what_is_no_archive_is_copied() {
    let place = Place::new("no-archive");
    let files: &[(&str, &[u8])] = &[
        ("empty.tar", b""),
        ("text.tar.gz", b"not packed at all"),
        ("zeros.tar", &[0; 2048]),
        ("half.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\0"),
        ("half.xz", b"\xfd7zXZ\0\0\0"),
        ("half.bz2", b"BZh91AY&SY"),
    ];
    for (name, bytes) in files {
        fs::write(place.path("context").join(name), bytes).unwrap();
        place.add(name, "/to/", &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(fs::read(place.path("root/to").join(name)).unwrap(), *bytes, "{name}");
    }
}

#[test]
fn an_archive_is_right_and_what_was_there_gives_way() {
    let place = Place::new("over");
    place.shell("cd root; mkdir -p a/full dir; echo old >a/full/x; echo kept >dir/kept; ln -s /nowhere dir/b");
    fs::write(place.path("context/x.tar"), archive()).unwrap();
    place.add("x.tar", "/", &Options { chown: Some((7, 8)), chmod: None }).unwrap();
    assert_eq!((place.read("a"), place.read("dir/b"), place.read("dir/kept")), ("A".into(), "B".into(), "kept\n".into()));
    let about = place.path("root/a").metadata().unwrap();
    assert_eq!((about.uid(), about.gid(), about.mode() & 0o7777), (7, 8, 0o4640));
}

#[test]
fn an_archive_gets_nowhere_else() {
    use tar::EntryType;
    let place = Place::new("hostile");
    file::make_dirs(&place.path("victim"), 0o755).unwrap();
    fs::write(place.path("victim/file"), "untouched").unwrap();
    let victim = place.path("victim").display().to_string();
    let tables: &[&[(EntryType, &str, &str)]] = &[
        &[(EntryType::Symlink, "out", &victim), (EntryType::Regular, "out/file", "")],
        &[(EntryType::Symlink, "up", "../../victim"), (EntryType::Regular, "up/file", "")],
        &[(EntryType::Regular, "../../victim/file", "")],
        &[(EntryType::Link, "same", "../victim/file"), (EntryType::Regular, "same", "")],
        &[(EntryType::Symlink, "out", &victim), (EntryType::Link, "same", "out/file"), (EntryType::Regular, "same", "")],
        &[(EntryType::Symlink, "proc", "/proc/self/root"), (EntryType::Regular, &format!("proc{victim}/file"), "")],
    ];
    for entries in tables {
        let mut bytes: Vec<u8> = entries.iter().flat_map(|(kind, name, link)| entry(*kind, name, link)).collect();
        bytes.extend([0; 1024]);
        fs::write(place.path("context/x.tar"), bytes).unwrap();
        let done = place.add("x.tar", "/sub", &Options::default());
        assert_eq!(fs::read_to_string(place.path("victim/file")).unwrap(), "untouched", "{entries:?}: {done:?}");
        assert_eq!(fs::read_dir(place.path("victim")).unwrap().count(), 1, "{entries:?}");
        file::remove_tree(&place.path("root/sub")).unwrap();
    }
}

#[test]
fn a_heredoc_becomes_a_file() {
    let place = Place::new("heredoc");
    let text = |name: &str, content: &str| Heredoc { name: name.into(), content: content.into(), ..Heredoc::default() };
    let mut errand = Errand::Text(vec![text("one", "1\n"), text("two", "")]);
    let tree = errand.carry_out(&place.path("one")).unwrap();
    let selection = errand.select(&tree).unwrap();
    carry_out_all(&[Part { selection: &selection, unpacks: false }], "/to/", "/", &Options::default(), &place.root()).unwrap();
    assert_eq!((place.read("to/one"), place.read("to/two")), ("1\n".into(), String::new()));
    assert_eq!(place.path("root/to/one").metadata().unwrap().mode() & 0o7777, 0o644);
    for wrong in ["../x", "a/b", "", "."] {
        assert!(Errand::Text(vec![text(wrong, "")]).carry_out(&place.path("two")).is_err(), "{wrong:?}");
    }
    assert!(Errand::Text(vec![text("x", ""), text("x", "")]).carry_out(&place.path("two")).is_err());
}

/// What a server is asked, and what it answers: all but the status line's beginning.
struct Server {
    host: String,
    asked: Arc<Mutex<Vec<String>>>,
}

fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut question = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut question).is_ok_and(|count| count > 2) {}
            heard.lock().unwrap().push(question.clone());
            let _ = stream.write_all(&[b"HTTP/1.1 ", &answer(&question)[..]].concat());
        }
    });
    Server { host, asked }
}

fn whole(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("200 OK\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn print_of(source: &str, checksum: Option<&str>, place: &Place, into: &str) -> Result<String> {
    Errand::of(source, checksum, false).unwrap().unwrap().print(&place.path("notes"), &place.path(into))
}

#[test]
fn a_file_from_a_url_has_its_name_its_time_and_mode_600() {
    let place = Place::new("url");
    let server = serve(|_| whole("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", b"content"));
    let mut errand = Errand::of(&format!("http://{}/dir/file.txt?x=y#z", server.host), None, false).unwrap().unwrap();
    let print = errand.print(&place.path("notes"), &place.path("one")).unwrap();
    assert_eq!(print, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73 file.txt");
    let tree = errand.carry_out(&place.path("one")).unwrap();
    assert_eq!(server.asked.lock().unwrap().len(), 1, "what the key has fetched is not fetched again");
    let selection = errand.select(&tree).unwrap();
    carry_out_all(&[Part { selection: &selection, unpacks: false }], "/to/", "/", &Options::default(), &place.root()).unwrap();
    let about = place.path("root/to/file.txt").metadata().unwrap();
    assert_eq!((about.mode() & 0o7777, about.mtime(), place.read("to/file.txt")), (0o600, 784_111_777, "content".into()));
    assert!(server.asked.lock().unwrap()[0].starts_with("GET /dir/file.txt?x=y HTTP/1.1"));
}

#[test]
fn a_server_that_names_states_is_asked_and_sends_nothing_twice() {
    let place = Place::new("tag");
    let server = serve(|question| match question.to_lowercase().contains("if-none-match: \"v1\"") {
        true => "304 Not Modified\r\nConnection: close\r\nETag: \"v1\"\r\n\r\n".into(),
        false => whole("ETag: \"v1\"\r\n", b"content"),
    });
    let url = format!("http://{}/file", server.host);
    let first = print_of(&url, None, &place, "one").unwrap();
    let mut again = Errand::of(&url, None, false).unwrap().unwrap();
    assert_eq!(again.print(&place.path("notes"), &place.path("two")).unwrap(), first);
    assert_eq!(fs::read_dir(place.path("two")).unwrap().count(), 0, "nothing was fetched for that");
    again.carry_out(&place.path("two")).unwrap();
    assert_eq!(fs::read_to_string(place.path("two/file")).unwrap(), "content");
    assert_eq!(server.asked.lock().unwrap().len(), 3);
}

#[test]
fn a_checksum_is_believed_before_and_proven_after() {
    let place = Place::new("checksum");
    let server = serve(|_| whole("", b"content"));
    let url = format!("http://{}/file", server.host);
    let good = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    assert_eq!(print_of(&url, Some(&format!("sha256:{good}")), &place, "one").unwrap(), format!("{good} file"));
    assert!(server.asked.lock().unwrap().is_empty(), "nobody has to be asked");
    let fetch = |digits: &str, into: &str| {
        Errand::of(&url, Some(&format!("sha256:{digits}")), false).unwrap().unwrap().carry_out(&place.path(into))
    };
    fetch(good, "one").unwrap();
    let error = fetch(&good.replace('e', "f"), "two").err().unwrap().to_string();
    assert!(error.contains(&format!("its checksum is sha256:{good}")), "{error}");
    assert!(Errand::of("file", Some("sha256:x"), false).is_err(), "a file of the context needs none");
}

#[test]
fn only_the_host_itself_hears_who_we_are() {
    let place = Place::new("pass");
    let other = serve(|_| whole("", b"content"));
    // By another name, so that it is another host.
    let away = format!("302 Found\r\nConnection: close\r\nLocation: http://{}/x\r\nContent-Length: 0\r\n\r\n", other.host);
    let server = serve(move |_| away.clone().into_bytes());
    let mut errand = Errand::of(&format!("http://{}/x", server.host), None, false).unwrap().unwrap();
    let secret = format!("HTTP_AUTH_TOKEN_{}", server.host);
    errand.identify(|id| Ok((id == secret).then(|| b"word\n".to_vec()))).unwrap();
    errand.carry_out(&place.path("one")).unwrap();
    let heard = |server: &Server| server.asked.lock().unwrap()[0].to_lowercase().contains("authorization: bearer word\r\n");
    assert!(heard(&server) && !heard(&other));
}

#[test]
fn what_a_server_says_wrongly_is_an_error() {
    let place = Place::new("wrong");
    let table: &[(&str, &str)] = &[
        ("404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "answers 404"),
        ("200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nshort", "cannot fetch"),
        ("302 Found\r\nConnection: close\r\nLocation: http://169.254.169.254/meta\r\nContent-Length: 0\r\n\r\n", "surroundings"),
        ("302 Found\r\nConnection: close\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", "an address that is none"),
    ];
    for (number, (answer, why)) in table.iter().enumerate() {
        let answer = answer.as_bytes().to_vec();
        let server = serve(move |_| answer.clone());
        file::make_dirs(&place.path(&number.to_string()), 0o755).unwrap();
        let error = print_of(&format!("http://{}/x", server.host), None, &place, &number.to_string()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert!(print_of("http://user:word@127.0.0.1/x", None, &place, "one").is_err());
}

#[test]
fn a_repository_is_added_without_its_history() {
    if Command::new("git").arg("--version").output().is_err() {
        return;
    }
    let place = Place::new("git");
    place.shell(
        "mkdir -p made/docs; cd made; git init -q -b main .; echo hello >docs/x; echo '#!' >run; chmod 700 run; ln -s /etc away
         git add -A; git -c user.name=a -c user.email=a@b commit -qm one; git tag v1; git update-server-info; mv .git ../x.git",
    );
    let from = place.path("x.git");
    // As `git update-server-info` leaves it for servers that know nothing of git.
    let server = serve(move |question| {
        let path = question.split(' ').nth(1).unwrap_or_default().trim_start_matches("/x.git").split('?').next().unwrap_or_default();
        match fs::read(from.join(path.trim_start_matches('/'))) {
            Ok(bytes) => whole("", &bytes),
            Err(_) => "404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".into(),
        }
    });
    let url = format!("http://{}/x.git", server.host);
    let commit = print_of(&format!("{url}#v1"), None, &place, "one").unwrap();
    assert_eq!(print_of(&format!("{url}#main"), None, &place, "one").unwrap(), commit);
    assert!(commit.len() > 40 && print_of(&url, Some(&commit[..7]), &place, "one").is_ok());
    assert!(print_of(&url, Some("0000000"), &place, "one").unwrap_err().to_string().contains("and not 0000000"));
    assert!(print_of(&format!("{url}#none"), None, &place, "one").unwrap_err().to_string().contains("no branch or tag"));
    let fetch = |reference: &str, keeps_git: bool, name: &str| {
        let mut errand = Errand::of(&format!("{url}{reference}"), None, keeps_git).unwrap().unwrap();
        file::make_dirs(&place.path(name), 0o755).unwrap();
        let tree = errand.carry_out(&place.path(name))?;
        let selection = errand.select(&tree)?;
        let part = Part { selection: &selection, unpacks: false };
        carry_out_all(&[part], &format!("/{name}"), "/", &Options::default(), &place.root())
    };
    fetch("#v1", false, "all").unwrap();
    fetch("#main:docs", false, "part").unwrap();
    fetch("", true, "kept").unwrap();
    let mode = |path: &str| place.path("root").join(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("all/run"), mode("all/docs"), mode("all/docs/x"), place.read("part/x")), (0o755, 0o755, 0o644, "hello\n".into()));
    assert!(!place.path("root/all/.git").exists() && place.path("root/kept/.git/HEAD").exists());
    for (out, name) in [("#main:away", "x"), ("#main:nothing", "y"), ("#main:docs/x", "z")] {
        assert!(fetch(out, false, name).unwrap_err().to_string().contains("it has no directory"), "{out}");
    }
    fetch("#main:../../docs", false, "climbed").unwrap();
    assert_eq!(place.read("climbed/x"), "hello\n", "above its root there is nothing");
}
