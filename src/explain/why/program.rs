//! A container's command, as its files have it: where it lies, what it is, and what it needs to be executed.

use super::elf::{self, Elf};
use super::files::{Files, Found, Owned};
use super::person::Person;
use crate::names;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// As it was asked for.
    pub word: String,
    /// Directories that were looked through; empty where the word is a path.
    pub searched: Vec<String>,
    /// The name that looks most like it.
    pub similar: Option<String>,
    pub path: Option<String>,
    pub kind: Kind,
    pub is_executable: bool,
    /// Where a word that is a path was looked for, from the container's root.
    pub place: Option<String>,
    /// The first on the way to it, or itself, that the container's user may not execute: whose, and which number he has.
    pub closed: Option<(Owned, u32)>,
    /// Of a program, or of its interpreter.
    pub elf: Option<Elf>,
    pub loader_is_there: bool,
    /// Of those that it names, the ones that no usual directory has.
    pub missing_libraries: Vec<String>,
    /// It was to be bash, and the image has only the small shell.
    pub has_only_sh: bool,
    /// Which C library the image brings, where its loader tells.
    pub image_libc: Option<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Nothing,
    Directory,
    Elf,
    /// Its first line names an interpreter; whether that is there.
    Script {
        interpreter: String,
        is_there: bool,
    },
    Empty,
    /// Neither a program nor a script.
    Other,
}

/// Where loaders look (ld.so(8)), as Debian, Alpine and Red Hat have it.
const LIBRARY_DIRECTORIES: &[&str] = &[
    "/lib",
    "/usr/lib",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib/{}-linux-gnu",
    "/usr/lib/{}-linux-gnu",
    "/usr/local/lib/{}-linux-gnu",
];
const USUAL_PATH: &str = "/bin:/usr/bin";

/// What counts when a word becomes a program.
pub struct Surroundings {
    pub environment: Vec<String>,
    /// Where a path begins that has no slash before it.
    pub directory: String,
    pub architecture: &'static str,
    /// `None`: nobody can say what its modes mean for whom, because its users are others on the disk.
    pub person: Option<Person>,
}

/// `whole`: as it would be found from the container's root.
fn whole(word: &str, directory: &str) -> String {
    if word.starts_with('/') { word.to_owned() } else { format!("{directory}/{word}") }
}

pub fn look(files: &Files, word: &str, surroundings: &Surroundings) -> Program {
    let Surroundings { environment, directory, architecture, person } = surroundings;
    let mut program = Program { word: word.to_owned(), ..Program::default() };
    program.place = word.contains('/').then(|| plain(&whole(word, directory)));
    let found = match word.contains('/') {
        true => files.find(&whole(word, directory)),
        false => {
            let path = environment.iter().rev().find_map(|variable| variable.strip_prefix("PATH=")).unwrap_or(USUAL_PATH);
            program.searched = path.split(':').filter(|directory| !directory.is_empty()).map(str::to_owned).collect();
            program.searched.iter().find_map(|directory| files.find(&format!("{directory}/{word}")).filter(|found| !found.is_directory()))
        }
    };
    match found {
        Some(found) => {
            program.closed = person.as_ref().and_then(|person| closed(&found, person));
            describe(files, &mut program, &found, architecture);
        }
        None => program.similar = similar(files, &program, directory),
    }
    program.has_only_sh = word.ends_with("bash") && files.find("/bin/sh").is_some();
    program.image_libc = libc_of(files);
    program
}

/// `/t//./x` is `/t/x`.
fn plain(path: &str) -> String {
    path.split('/').filter(|name| !name.is_empty() && *name != ".").map(|name| format!("/{name}")).collect()
}

/// What somebody may execute at all, and this user not.
fn closed(found: &Found, person: &Person) -> Option<(Owned, u32)> {
    let one = found.passed.iter().find(|one| !person.may_execute(one))?;
    Some((one.clone(), person.uid)).filter(|(one, _)| one.is_directory() || found.is_executable())
}

/// Of which word a shell says that it is not there: `sh: make: not found`, `env: can't execute 'python3': No such file or directory`.
pub fn word_in(line: &str) -> Option<String> {
    const ENDS: [&str; 4] = [": command not found", ": not found", ": No such file or directory", ": Permission denied"];
    let before = ENDS.iter().find_map(|end| line.trim_end().strip_suffix(end))?;
    // A script whose interpreter is missing: `bash: ./x: /bin/python: bad interpreter`.
    let before = before.strip_suffix(": bad interpreter").and_then(|rest| rest.rsplit_once(": ")).map_or(before, |(script, _)| script);
    let last = before.rsplit(": ").next()?;
    // Some put it between quotation marks, behind words of their own.
    let last = last.strip_suffix(['\'', '\u{2019}']).and_then(|rest| rest.rsplit(['\'', '\u{2018}']).next()).unwrap_or(last);
    let is_word = !last.is_empty() && !last.contains(' ') && last != before;
    is_word.then(|| last.to_owned())
}

fn describe(files: &Files, program: &mut Program, found: &Found, architecture: &str) {
    program.path = Some(found.path.clone());
    program.is_executable = found.is_executable();
    let head = found.read(0, 256);
    program.kind = match script(&head) {
        _ if found.is_directory() => Kind::Directory,
        Some(interpreter) => {
            let there = files.find(&interpreter);
            let is_there = there.is_some();
            if let Some(there) = there {
                examine(files, program, &there, architecture);
            }
            Kind::Script { interpreter, is_there }
        }
        None if head.is_empty() => Kind::Empty,
        None => {
            examine(files, program, found, architecture);
            if program.elf.is_some() { Kind::Elf } else { Kind::Other }
        }
    };
}

/// The interpreter on a script's first line, with everything that stands there: execve(2).
fn script(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches([' ', '\t']);
    // A carriage return at its end belongs to the name, and that is what is wrong with it.
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    Some(text[..end].to_owned())
}

fn examine(files: &Files, program: &mut Program, found: &Found, architecture: &str) {
    let Some(elf) = elf::parse(&|place, length| found.read(place, length)) else { return };
    program.loader_is_there = elf.loader.as_ref().is_none_or(|loader| files.find(loader).is_some());
    let directories: Vec<String> = LIBRARY_DIRECTORIES.iter().map(|directory| directory.replace("{}", architecture)).collect();
    let is_missing = |name: &&String| {
        let path = |directory: &String| files.find(&format!("{directory}/{name}")).is_some();
        // musl is its own loader under another name.
        !name.contains('/') && !directories.iter().any(path)
    };
    program.missing_libraries = elf.libraries.iter().filter(is_missing).cloned().collect();
    program.elf = Some(elf);
}

fn similar(files: &Files, program: &Program, from: &str) -> Option<String> {
    let (directories, name): (Vec<String>, &str) = match program.word.rsplit_once('/') {
        Some((directory, name)) => (vec![whole(&format!("{directory}/"), from)], name),
        None => (program.searched.clone(), &program.word),
    };
    let all: Vec<String> = directories.iter().flat_map(|directory| files.names(directory)).collect();
    names::nearest(name, all.iter().map(String::as_str)).first().map(|name| (*name).to_owned())
}

fn libc_of(files: &Files) -> Option<&'static str> {
    let has = |directory: &str, start: &str| files.names(directory).iter().any(|name| name.starts_with(start));
    if has("/lib", "ld-musl-") {
        return Some("musl");
    }
    (has("/lib64", "ld-linux") || has("/lib", "ld-linux")).then_some("glibc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_say_what_they_did_not_find() {
        for (line, word) in [
            ("sh: make: not found", Some("make")),
            ("/entry.sh: line 3: ./run: not found", Some("./run")),
            ("bash: line 1: make: command not found", Some("make")),
            ("sh: 1: make: not found", Some("make")),
            ("env: can't execute 'python3': No such file or directory", Some("python3")),
            ("env: \u{2018}python3\u{2019}: No such file or directory", Some("python3")),
            ("bash: ./x: /bin/python: bad interpreter: No such file or directory", Some("./x")),
            ("sh: can't open file: Permission denied", None),
            ("all is well", None),
        ] {
            assert_eq!(word_in(line).as_deref(), word, "{line}");
        }
    }

    #[test]
    fn the_first_line_of_a_script_names_its_interpreter() {
        for (head, interpreter) in [
            ("#!/bin/sh\necho", Some("/bin/sh")),
            ("#! /usr/bin/env python3\n", Some("/usr/bin/env")),
            ("#!/bin/sh\r\necho", Some("/bin/sh\r")),
            ("echo", None),
            ("", None),
        ] {
            assert_eq!(script(head.as_bytes()).as_deref(), interpreter, "{head:?}");
        }
    }
}
