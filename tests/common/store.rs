//! A store of its own for each test, with the real program before it, and a look at the end that nothing is left.

use super::ordinary::{Person, Scenery};
use super::process::{self, Ran, Running};
use super::terminal::Terminal;
use super::town::Machine;
use super::{Image, Report, eventually, image_dir, leftovers, program, test_images};
use serde_json::Value;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

pub struct Store {
    /// Short, because a socket's path has 108 bytes at most.
    pub dir: PathBuf,
    pub root: PathBuf,
    pub run: PathBuf,
    /// Where its commands run, if not in the network of whoever runs the tests.
    pub machine: Option<Arc<Machine>>,
    /// In whose name, if not root's, and what he sees of the machine.
    pub person: Option<Person>,
    pub scenery: Vec<Scenery>,
    pub program: PathBuf,
}

impl Store {
    /// With the images `box` and `probe`.
    pub fn new() -> Self {
        Self::empty().with_images()
    }

    /// Of an ordinary user, whoever runs the tests.
    pub fn of(person: Person) -> Self {
        Self::empty_of(Some(person)).with_images()
    }

    fn with_images(self) -> Self {
        let template = template(self.person);
        process::tool(&["cp", "-a", template.to_str().expect("utf-8"), self.root.to_str().expect("utf-8")]).ok();
        self
    }

    /// Without images, without even the directories.
    pub fn empty() -> Self {
        let person = Person::of_this_run();
        if let Some(person) = person {
            person.is_whose_files_are_made();
        }
        let store = Self::empty_of(person);
        if person.is_some_and(|person| person.ids.is_none()) {
            // What a session begins with is said now, and not in the midst of what a test looks at.
            store.tare(&["ps"]);
        }
        store
    }

    pub fn empty_of(person: Option<Person>) -> Self {
        // On a disk, as a store is: /tmp is often a tmpfs, which in older kernels cannot hold every attribute.
        let parent = Some(PathBuf::from("/var/tmp")).filter(|dir| dir.is_dir()).unwrap_or_else(std::env::temp_dir);
        let dir = super::fresh_directory(&parent, "tt");
        if let Some(person) = person {
            person.owns(&dir);
        }
        let store = Store { root: dir.join("s"), run: dir.join("r"), dir, machine: None, person, scenery: Vec::new(), program: program() };
        store.registries("");
        store
    }

    /// What the user has written about registries. Nothing is fetched on the way of a `run`, unless the test says otherwise: one
    /// that mistypes an image's name never asks the network for it.
    pub fn registries(&self, text: &str) {
        let default = if text.starts_with("pull = ") { "" } else { "pull = \"never\"\n" };
        self.file("registries.toml", format!("{default}{text}"));
    }

    /// The program with this store. The words of the test's own environment that could change its ways are taken out.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.dir);
        self.tell(&mut command);
        for name in ["TERM", "COLUMNS", "LINES", "LISTEN_FDS", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command
    }

    /// Where everything lies; what the person who runs the tests has of registries stays out of them.
    pub fn tell(&self, command: &mut Command) {
        command.env("TARE_ROOT", &self.root).env("TARE_RUN", &self.run);
        // No test touches the interfaces of the host: those of networks have a town of their own.
        match &self.machine {
            None => command.env("TARE_NETWORK", "none"),
            Some(machine) => machine.takes(command).env_remove("TARE_NETWORK"),
        };
        command.env("TARE_REGISTRIES", self.dir.join("registries.toml")).env("DOCKER_CONFIG", self.dir.join("docker"));
        command.env("REGISTRY_AUTH_FILE", self.dir.join("auth.json"));
        for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        if let Some(person) = &self.person {
            person.takes(command, &self.dir.join("home"), &self.scenery);
        }
    }

    pub fn tare(&self, words: &[&str]) -> Ran {
        process::run(self.command(words), None)
    }

    pub fn tare_with(&self, words: &[&str], input: impl Into<Vec<u8>>) -> Ran {
        process::run(self.command(words), Some(input.into()))
    }

    /// Must succeed; gives standard output without its last line break.
    pub fn ok(&self, words: &[&str]) -> String {
        self.tare(words).ok()
    }

    /// Must fail with this code and an error of ours; gives standard error.
    pub fn fails(&self, code: i32, words: &[&str]) -> String {
        let ran = self.tare(words);
        assert_eq!(ran.code, code, "expected exit {code}, got {}", ran.story());
        assert_proper_error(&ran);
        ran.stderr
    }

    /// Must fail because the words make no sense: 1, or 125 as docker says for flags.
    pub fn refuses(&self, words: &[&str]) -> String {
        let ran = self.tare(words);
        assert!([1, 125].contains(&ran.code), "expected a refusal, got {}", ran.story());
        assert_proper_error(&ran);
        ran.stderr
    }

    /// Beside the test, with a pipe for standard input.
    pub fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        command.stdin(Stdio::piped());
        Running::spawn(command)
    }

    /// A shell script beside the test, in which `tare` is the program with this store.
    pub fn start_script(&self, script: &str) -> Running {
        let mut command = Command::new("sh");
        command.args(["-ec", &format!("tare() {{ \"$PROGRAM\" \"$@\"; }}; {script}")]).current_dir(&self.dir).stdin(Stdio::null());
        self.tell(command.env("PROGRAM", &self.program));
        Running::spawn(command)
    }

    pub fn terminal(&self, words: &[&str]) -> Terminal {
        Terminal::spawn(self.command(words), 24, 80)
    }

    /// What the probe says when it is the container's command.
    pub fn probe(&self, flags: &[&str]) -> Report {
        let words = [&["run", "--rm"], flags, &["box", "/probe"]].concat();
        Report::parse(&self.ok(&words))
    }

    /// `probe try NAME...` in a container: (name, answer).
    pub fn attempts(&self, flags: &[&str], names: &[&str]) -> Vec<(String, String)> {
        let words = [&["run", "--rm"], flags, &["box", "/probe", "try"], names].concat();
        parse_attempts(&self.ok(&words))
    }

    pub fn inspect(&self, name: &str) -> Value {
        let text = self.ok(&["inspect", name]);
        let mut all: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("inspect gives no JSON array ({e}):\n{text}"));
        assert_eq!(all.len(), 1, "inspect of one thing gives one thing");
        all.remove(0)
    }

    pub fn state(&self, name: &str) -> String {
        self.inspect(name)["State"]["Status"].as_str().expect("State.Status").to_string()
    }

    pub fn wait_for_state(&self, name: &str, state: &str) {
        eventually(&format!("{name} becomes {state}"), || self.state(name) == state);
    }

    /// The container's first process, in this machine's numbers.
    pub fn pid(&self, name: &str) -> i32 {
        let pid = self.inspect(name)["State"]["Pid"].as_i64().expect("State.Pid");
        assert!(pid > 0, "{name} does not run");
        i32::try_from(pid).expect("a pid")
    }

    /// Who on this machine a container's user is.
    pub fn outside(&self, uid: u32) -> u32 {
        self.person.map_or(uid, |person| person.outside(uid))
    }

    /// Names of all containers, as `ps` says them.
    pub fn names(&self, all: bool) -> Vec<String> {
        let words: &[&str] = if all { &["ps", "-a", "--format", "{{.Names}}"] } else { &["ps", "--format", "{{.Names}}"] };
        self.ok(words).lines().map(str::to_string).collect()
    }

    /// Loads an archive made by a test.
    pub fn load(&self, archive: &[u8]) -> Ran {
        let path = self.file("archive.tar", archive);
        self.tare(&["load", "-i", path.to_str().expect("utf-8")])
    }

    /// Loads an image like `box`, with this layer on top.
    pub fn load_over_box(&self, tag: &str, layer: Vec<u8>) {
        let base = test_images::box_image();
        let layers = vec![base.layers[0].clone(), layer];
        self.load(&Image { tag: tag.into(), layers, ..base }.docker_archive()).ok();
    }

    /// A file beside the store, removed with it.
    pub fn file(&self, name: &str, data: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, data).expect("a file of the test");
        if let Some(person) = &self.person {
            std::os::unix::fs::chown(&path, Some(person.uid), Some(person.uid)).expect("the user's file");
        }
        path
    }

    /// Loads one of `images/`; the name of the image to run, or `None` when it was not built.
    pub fn load_built(&self, name: &str) -> Option<String> {
        let path = test_images::archive(name)?;
        self.ok(&["load", "-i", path.to_str().expect("utf-8")]);
        Some(name.to_string())
    }

    /// Alpine where it was built, else busybox, which is then said.
    pub fn alpine(&self) -> String {
        if let Some(name) = self.load_built("alpine") {
            return name;
        }
        eprintln!("note: no alpine.tar in {}, so this runs on busybox instead", image_dir().display());
        self.load_built("busybox").unwrap_or("box".into())
    }

    /// No container, no process, no mount, no group, no socket.
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.ok(&["ps", "-aq"]), "", "no container may be left");
        leftovers::assert_none(self);
    }
}

/// Errors begin with the program's name; a hint, if any, stands on a line of its own.
pub fn assert_proper_error(ran: &Ran) {
    // What a session begins with for a user without ids of his own is no part of the error.
    let is_note = |line: &&str| line.starts_with("tare: note: containers have one user only") || line.contains("usermod --add-subuids 1");
    let mut lines = ran.stderr.lines().filter(|line| !line.trim().is_empty()).skip_while(is_note);
    let first = lines.next().unwrap_or_else(|| panic!("a failure without a word: {}", ran.story()));
    assert!(first.starts_with("tare: "), "an error begins with `tare: `, this one does not: {}", ran.story());
    let text = &first["tare: ".len()..];
    assert!(!text.ends_with('.'), "an error ends without a full stop: {first}");
    let shouts = text.chars().next().is_some_and(char::is_uppercase) && text.chars().nth(1).is_some_and(char::is_lowercase);
    assert!(!shouts, "an error begins in lower case: {first}");
    for line in lines {
        assert!(line.starts_with("hint: "), "after the error comes at most a hint: {}", ran.story());
    }
    for internal in ["panicked", "RUST_BACKTRACE", "Error(", "Os {"] {
        assert!(!ran.stderr.contains(internal), "an error must not show our insides: {}", ran.story());
    }
}

pub fn parse_attempts(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, answer)| (name.to_string(), answer.to_string())).collect()
}

/// A store into which `box` and `probe` were loaded once, for each kind of user; every test copies it. Made again when the program or
/// the probe changes.
fn template(person: Option<Person>) -> PathBuf {
    let dir = image_dir();
    std::fs::create_dir_all(&dir).expect("target/images");
    let lock = std::fs::File::create(dir.join(".store-lock")).expect("a lock");
    // SAFETY: plain flock(2) on a descriptor of ours. Other test programs may be making the same template.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0, "flock");
    let whose = format!(".store-{}-", person.map_or("root".to_owned(), |person| person.called()));
    let path = dir.join(format!("{whose}{:x}", age(&program()) ^ age(&test_images::probe()).rotate_left(7)));
    if path.is_dir() {
        return path;
    }
    let old = std::fs::read_dir(&dir).expect("target/images").filter_map(|entry| Some(entry.ok()?.path()));
    for old in old.filter(|path| path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&whose))) {
        let _ = std::fs::remove_dir_all(old);
    }
    let store = Store::empty_of(person);
    for (name, archive) in test_images::archives() {
        let file = store.file(&name, archive);
        store.ok(&["load", "-i", file.to_str().expect("utf-8")]);
    }
    let new = dir.join(format!("{whose}new{}", std::process::id()));
    process::tool(&["cp", "-a", store.root.to_str().expect("utf-8"), new.to_str().expect("utf-8")]).ok();
    std::fs::rename(&new, &path).expect("rename the template");
    path
}

fn age(path: &Path) -> u64 {
    let about = std::fs::metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let time = about.modified().expect("a time").duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    time.as_secs() ^ u64::from(time.subsec_nanos()) << 32 ^ about.len() << 8
}

impl Drop for Store {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed {
            eprintln!(
                "--- containers at the time of the failure\n{}---",
                process::run(self.command(&["ps", "-a", "--no-trunc"]), None).stdout
            );
        }
        let known = leftovers::ids(self);
        let ids: Vec<&str> = known.iter().map(String::as_str).collect();
        let removal = if ids.is_empty() { None } else { Some(process::run(self.command(&[&["rm", "-f"], &ids[..]].concat()), None)) };
        let left = leftovers::find(self, &known);
        leftovers::end_processes(self, &known);
        let removed = leftovers::remove_tree(&self.dir);
        if failed {
            return;
        }
        if let Some(removal) = removal {
            assert_eq!(removal.code, 0, "rm -f must always work: {}", removal.story());
        }
        assert!(left.is_empty(), "after `rm -f` of everything this is left:\n  {}", left.join("\n  "));
        removed.unwrap_or_else(|e| panic!("cannot remove {}: {e}", self.dir.display()));
    }
}
