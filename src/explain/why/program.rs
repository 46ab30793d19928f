//! A container's command, as its files have it: where it lies, what it is, and what it needs to be executed.

use super::elf::{self, Elf};
use super::files::{Files, Found};
use crate::names;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// As it was asked for.
    pub word: String,
    /// Directories that were looked through; empty where the word is a path.
    pub searched: Vec<String>,
    /// Names that look like it.
    pub similar: Vec<String>,
    pub path: Option<String>,
    pub kind: Kind,
    pub is_executable: bool,
    /// Of a program, or of its interpreter.
    pub elf: Option<Elf>,
    pub loader_is_there: bool,
    /// Of those that it names, the ones that no usual directory has.
    pub missing_libraries: Vec<String>,
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

pub fn look(files: &Files, args: &[String], environment: &[String], architecture: &str) -> Program {
    let word = args.first().cloned().unwrap_or_default();
    let mut program = Program { word: word.clone(), ..Program::default() };
    let found = match word.contains('/') {
        true => files.find(&word),
        false => {
            let path = environment.iter().rev().find_map(|variable| variable.strip_prefix("PATH=")).unwrap_or(USUAL_PATH);
            program.searched = path.split(':').filter(|directory| !directory.is_empty()).map(str::to_owned).collect();
            program.searched.iter().find_map(|directory| files.find(&format!("{directory}/{word}")).filter(|found| !found.is_directory()))
        }
    };
    match found {
        Some(found) => describe(files, &mut program, &found, architecture),
        None => program.similar = similar(files, &program),
    }
    program.image_libc = libc_of(files);
    program
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

fn similar(files: &Files, program: &Program) -> Vec<String> {
    let (directories, name): (Vec<String>, &str) = match program.word.rsplit_once('/') {
        Some((directory, name)) => (vec![if directory.is_empty() { "/".to_owned() } else { directory.to_owned() }], name),
        None => (program.searched.clone(), &program.word),
    };
    let all: Vec<String> = directories.iter().flat_map(|directory| files.names(directory)).collect();
    names::nearest(name, all.iter().map(String::as_str)).into_iter().map(str::to_owned).collect()
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
