//! Holds the shape of the code: which room may use which, where the kernel may be touched, who may print.
//!
//! It reads `src/` as text and judges imports, not meaning: quick, with no dependency, and every message says what to do.
//! The floors themselves are explained in `src/lib.rs`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A room is a module right below the crate. `may_use` names the rooms below it; a room may always use itself.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
}

const GROUND: &[&str] = &["sys", "trace", "error", "paths", "names", "time", "kernel", "store"];
const WORDS: &[&str] = &["spec", "options", "record", "dockerfile"];
const CRAFTS: &[&str] = &["image", "registry", "runtime", "network", "volume", "rootless"];

/// Bottom to top. `+GROUND` and its like stand for the lists above, so that the table stays readable.
const ROOMS: &[Room] = &[
    Room { name: "error", may_use: &[] },
    Room { name: "sys", may_use: &["error"] },
    Room { name: "trace", may_use: &["error", "sys"] },
    Room { name: "names", may_use: &["error"] },
    Room { name: "time", may_use: &["error"] },
    Room { name: "paths", may_use: &["error"] },
    Room { name: "kernel", may_use: &["error", "sys", "trace"] },
    Room { name: "store", may_use: &["error", "sys", "trace", "paths"] },
    Room { name: "options", may_use: &["error", "names", "time", "spec"] },
    // Of the kernel it knows the names of signals.
    Room { name: "record", may_use: &["error", "names", "time", "options", "spec", "sys"] },
    Room { name: "spec", may_use: &["error", "names", "time", "options"] },
    Room { name: "dockerfile", may_use: &["error", "names", "time", "options", "spec"] },
    Room { name: "init", may_use: &["error", "sys"] },
    // A runtime takes a spec and makes a process: it has never heard of images, wishes or records.
    Room { name: "runtime", may_use: &["+GROUND", "spec", "init"] },
    Room { name: "image", may_use: &["+GROUND", "+WORDS"] },
    Room { name: "registry", may_use: &["+GROUND", "+WORDS"] },
    Room { name: "network", may_use: &["+GROUND", "+WORDS"] },
    Room { name: "volume", may_use: &["+GROUND", "+WORDS"] },
    Room { name: "rootless", may_use: &["+GROUND"] },
    Room { name: "monitor", may_use: &["+GROUND", "+WORDS", "+CRAFTS", "init"] },
    Room { name: "engine", may_use: &["+GROUND", "+WORDS", "+CRAFTS", "init", "monitor"] },
    Room { name: "build", may_use: &["+GROUND", "+WORDS", "+CRAFTS", "engine", "monitor"] },
    Room { name: "compose", may_use: &["+GROUND", "+WORDS", "+CRAFTS", "engine", "build"] },
    Room { name: "explain", may_use: &["+GROUND", "+WORDS", "+CRAFTS", "engine", "monitor"] },
    Room {
        name: "cli",
        may_use: &["+GROUND", "+WORDS", "+CRAFTS", "init", "monitor", "engine", "build", "compose", "explain", "oci", "api"],
    },
    // The proof that the core stands alone: no engine.
    Room { name: "oci", may_use: &["+GROUND", "spec", "runtime", "rootless", "init", "explain"] },
    Room { name: "api", may_use: &["+GROUND", "+WORDS", "+CRAFTS", "engine", "monitor"] },
];

/// Names of nix that are words and not calls.
const NIX_WORDS: &[&str] = &["nix::errno::", "nix::fcntl::OFlag"];

const FACES: &[&str] = &["cli", "oci", "explain", "api"];

#[test]
fn a_room_uses_only_rooms_below_it() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(from) = source.room() else { continue };
        let allowed = rooms_below(from);
        for used in source.rooms_used() {
            if used == from || allowed.contains(used.as_str()) {
                continue;
            }
            let advice = if CRAFTS.contains(&from) && CRAFTS.contains(&used.as_str()) {
                format!("{from} and {used} are neighbours and never meet: let engine/ call both and pass the value on")
            } else if from == "oci" && used == "engine" {
                "the oci face drives the runtime alone, which proves that the core stands without an engine".to_string()
            } else if used == "cli" {
                "nothing knows the command line: return a value and let cli/ print it".to_string()
            } else {
                format!("{used} is not below {from}: move what is needed down, or pass it in as an argument")
            };
            wrong.push(format!("src/{}: uses crate::{used}; {advice}", source.name()));
        }
    }
    complain("a room may only use rooms on the floors below it", wrong);
}

#[test]
fn every_room_has_a_floor() {
    let known: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).collect();
    let mut wrong: Vec<String> = sources()
        .iter()
        .filter_map(Source::room)
        .filter(|room| !known.contains(room))
        .map(|room| format!("src/{room}: has no floor; add it to ROOMS in tests/architecture.rs and to the map in src/lib.rs"))
        .collect();
    wrong.dedup();
    complain("every room stands on a floor", wrong);
}

#[test]
fn the_map_names_every_room() {
    let text = std::fs::read_to_string(src().join("lib.rs")).expect("src/lib.rs");
    let map: String = text.lines().filter(|line| line.starts_with("//!")).collect();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let Some(room) = line.trim().strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
        if !map.contains(room) {
            wrong.push(format!("src/lib.rs: the map says nothing of {room}; add a line on what it is for"));
        }
    }
    complain("src/lib.rs is the map of the code", wrong);
}

#[test]
fn every_file_says_what_it_is_for() {
    let wrong = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("src/{}: begin it with a line `//! …` that says in plain words what it is for", source.name()))
        .collect();
    complain("every file begins with what it is for", wrong);
}

#[test]
fn only_sys_talks_to_the_kernel() {
    let mut wrong = Vec::new();
    for source in sources() {
        if matches!(source.room(), Some("sys" | "init")) {
            continue;
        }
        for (number, line) in source.code_lines() {
            let found = if has_word(line, "unsafe") {
                Some("unsafe")
            } else if line.contains("libc::") {
                Some("libc::")
            } else if uses_nix_call(line) {
                Some("nix::")
            } else {
                WRITING.iter().find(|call| line.contains(**call)).copied()
            };
            if let Some(found) = found {
                wrong.push(format!("src/{}:{number}: {found}; give it a safe, typed function in src/sys/ and call that", source.name()));
            }
        }
    }
    complain("unsafe, raw calls and file writes live in src/sys/ only", wrong);
}

#[test]
fn every_thread_is_joined() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.path != Path::new("sys/threads.rs")) {
        for (number, line) in source.code_lines() {
            if ["thread::scope", "thread::spawn", "thread::Builder"].iter().any(|call| line.contains(call)) {
                wrong.push(format!("src/{}:{number}: use src/sys/threads.rs, which waits until a thread is gone", source.name()));
            }
        }
    }
    complain("no thread of ours is left when a process is made", wrong);
}

/// The ways of std to change a file, which would go round the ground floor (no sync, no mode, no resolving beneath a root).
const WRITING: &[&str] = &[
    "fs::write(",
    "File::create",
    "OpenOptions",
    "fs::remove_",
    "fs::create_dir",
    "fs::rename",
    "fs::copy(",
    "fs::hard_link",
    "fs::set_permissions",
    "unix::fs::symlink",
    "unix::fs::chown",
];

#[test]
fn only_faces_print_or_exit() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.path == Path::new("main.rs") || source.room().is_some_and(|room| FACES.contains(&room) || room == "init") {
            continue;
        }
        for (number, line) in source.code_lines() {
            for call in ["println!", "eprintln!", "print!", "eprint!", "dbg!", "process::exit"] {
                if has_word(line, call) {
                    wrong.push(format!("src/{}:{number}: {call}; return a value or an error and let src/cli/ say it", source.name()));
                }
            }
        }
    }
    complain("only faces print or exit", wrong);
}

/// `println!` panics where nobody reads any more.
#[test]
fn commands_speak_in_one_place() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.room() != Some("cli") || source.stem() == "say" {
            continue;
        }
        for (number, line) in source.code_lines() {
            for call in ["println!", "eprintln!", "print!", "eprint!", "io::stdout()", "io::stderr()"] {
                let begins_word = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if line.match_indices(call).any(|(at, _)| begins_word(at)) && !line.contains("is_terminal") {
                    wrong.push(format!("src/{}:{number}: {call}; use say, say_line! or say_aside of src/cli/say.rs", source.name()));
                }
            }
        }
    }
    complain("commands speak in one place, which survives a reader that leaves", wrong);
}

#[test]
fn words_do_no_io() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.room().is_some_and(|room| WORDS.contains(&room)) {
            continue;
        }
        for (number, line) in source.code_lines() {
            for call in ["std::fs", "std::env", "TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "std::process", "File::open"] {
                if line.contains(call) {
                    wrong.push(format!(
                        "src/{}:{number}: {call}; take the text as an argument, so that it can be tested without files",
                        source.name()
                    ));
                }
            }
        }
    }
    complain("parsers and words take text and return values", wrong);
}

#[test]
fn nothing_is_left_to_do() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code_lines() {
            for call in ["todo!", "unimplemented!"] {
                if line.contains(call) {
                    wrong.push(format!("src/{}:{number}: {call}; write it, or return Error::cannot_keep with a hint", source.name()));
                }
            }
        }
    }
    complain("what is promised is written", wrong);
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let empty = ["util", "utils", "common", "helper", "helpers", "manager", "impl", "info", "misc", "shim"];
    let wrong = sources()
        .iter()
        // `info` is also a command of ours, and cli/ and engine/ have one file per command.
        .filter(|source| !(source.stem() == "info" && matches!(source.room(), Some("cli" | "engine"))))
        .filter(|source| empty.contains(&source.stem().as_str()))
        .map(|source| format!("src/{}: name it after what it does", source.name()))
        .collect();
    complain("a file's name says what is in it", wrong);
}

#[test]
fn the_judge_reads_code_and_not_comments() {
    let source = Source {
        path: PathBuf::from("runtime/root/masks.rs"),
        text: "//! crate::image\nuse crate::{error::{Error, Kind}, sys};\nlet a = \"crate::cli\"; // crate::engine\nuse super::super::super::monitor::x;\nuse super::y;\n\
               #[cfg(test)]\nmod tests { use crate::volume; }\n"
            .into(),
    };
    let used: Vec<String> = source.rooms_used().into_iter().collect();
    assert_eq!(used, ["error", "monitor", "sys"]);
    assert!(uses_nix_call("use nix::unistd::dup;") && uses_nix_call("use nix::{errno::Errno, unistd};"));
    assert!(!uses_nix_call("use nix::errno::Errno;") && !uses_nix_call("    nix_errno::Errno"));
    assert!(has_word("unsafe { x }", "unsafe") && !has_word("unsafe_code", "unsafe"));
}

fn complain(rule: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{rule}:\n  {}\n", wrong.join("\n  "));
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rooms_below(room: &str) -> BTreeSet<&'static str> {
    let mut below = BTreeSet::new();
    for name in ROOMS.iter().find(|candidate| candidate.name == room).map_or(&[][..], |found| found.may_use) {
        match *name {
            "+GROUND" => below.extend(GROUND),
            "+WORDS" => below.extend(WORDS),
            "+CRAFTS" => below.extend(CRAFTS),
            single => {
                below.insert(single);
            }
        }
    }
    below
}

struct Source {
    /// Below `src/`.
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut waiting = vec![src()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).expect("a directory of src/").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                waiting.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let path = entry.strip_prefix(src()).expect("below src/").to_path_buf();
                found.push(Source { path, text: std::fs::read_to_string(&entry).expect("a source file") });
            }
        }
    }
    assert!(found.len() > 3, "the sources are not where this test looks for them: {}", src().display());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl Source {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn stem(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// `None` for main.rs and lib.rs, which stand above all rooms.
    fn room(&self) -> Option<&str> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        match first.strip_suffix(".rs").unwrap_or(first) {
            "main" | "lib" => None,
            room => Some(room),
        }
    }

    /// How many steps of `super::` lead from this file to the crate.
    fn depth(&self) -> usize {
        let parts = self.path.components().count();
        if self.stem() == "mod" { parts - 1 } else { parts }
    }

    /// Line numbers and lines, without comments, strings and the file's own tests. Of a file of unit tests: nothing.
    fn code_lines(&self) -> Vec<(usize, &str)> {
        if self.stem() == "tests" || self.stem().ends_with("_tests") {
            return Vec::new();
        }
        let code: &'static str = Box::leak(code_only(&self.text).into_boxed_str());
        let end = code.find("#[cfg(test)]\nmod ").unwrap_or(code.len());
        code[..end].lines().enumerate().map(|(index, line)| (index + 1, line)).collect()
    }

    fn rooms_used(&self) -> BTreeSet<String> {
        let code: String = self.code_lines().iter().map(|(_, line)| format!("{line}\n")).collect();
        let to_crate = "super::".repeat(self.depth());
        let mut used = BTreeSet::new();
        for start in ["crate::", to_crate.as_str()] {
            for (at, _) in code.match_indices(start) {
                let before = code[..at].chars().next_back().unwrap_or(' ');
                if !before.is_alphanumeric() && !matches!(before, '_' | ':') {
                    used.extend(first_names(&code[at + start.len()..]));
                }
            }
        }
        // Macros and constants of the crate itself are no rooms.
        used.retain(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
        used
    }
}

/// `a::b` → a; `{a, b::{c, d}, e}` → a, b, e.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let goes_on = word.ends_with(|c: char| c.is_alphanumeric()) && part_of_word(line[at + word.len()..].chars().next());
        !part_of_word(line[..at].chars().next_back()) && !goes_on
    })
}

fn uses_nix_call(line: &str) -> bool {
    line.match_indices("nix::").any(|(at, _)| {
        let before = line[..at].chars().next_back();
        // `std::os::unix::…` ends in the same letters.
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && !NIX_WORDS.iter().any(|word| line[at..].starts_with(word))
    })
}

/// The same text with comments and the insides of strings blanked, line breaks kept.
fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    while i < chars.len() {
        let next = chars.get(i + 1).copied().unwrap_or('\0');
        match chars[i] {
            '/' if next == '/' => {
                while i < chars.len() && chars[i] != '\n' {
                    out.push(' ');
                    i += 1;
                }
            }
            '/' if next == '*' => {
                while i < chars.len() && !(chars[i] == '*' && chars.get(i + 1) == Some(&'/')) {
                    out.push(blank(chars[i]));
                    i += 1;
                }
                out.push_str("  ");
                i += 2;
            }
            'r' if (next == '"' || next == '#') && raw_string_end(&chars, i).is_some() => {
                let end = raw_string_end(&chars, i).unwrap_or(i);
                out.extend(chars[i..end].iter().map(|c| blank(*c)));
                i = end;
            }
            '"' => {
                out.push('"');
                i += 1;
                while i < chars.len() && chars[i] != '"' {
                    if chars[i] == '\\' {
                        out.push(' ');
                        i += 1;
                    }
                    out.push(chars.get(i).map_or(' ', |c| blank(*c)));
                    i += 1;
                }
                out.push('"');
                i += 1;
            }
            // A character literal, not a lifetime.
            '\'' if next == '\\' || chars.get(i + 2) == Some(&'\'') => {
                let start = if next == '\\' { i + 3 } else { i + 2 };
                let end = (start..chars.len()).find(|at| chars[*at] == '\'').unwrap_or(chars.len() - 1);
                out.extend(std::iter::repeat_n(' ', end + 1 - i));
                i = end + 1;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    out
}

/// One past the end of `r"…"` or `r#"…"#` that begins at `start`.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    if start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_') {
        return None;
    }
    let marks = chars[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + marks;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    (open + 1..chars.len())
        .find(|at| chars[*at] == '"' && chars[at + 1..].iter().take(marks).filter(|c| **c == '#').count() == marks)
        .map(|at| at + 1 + marks)
}
