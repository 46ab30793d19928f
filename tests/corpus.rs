//! What the fuzzers found, and what they began with, replayed through the same functions: see `fuzz/targets.rs`.
//!
//! An input that once broke something stays here for ever. `scripts/fuzz` looks for more.

#[path = "fuzz/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};

#[test]
fn archive() {
    replay("archive");
}
#[test]
fn command_line() {
    replay("command_line");
}
#[test]
fn dockerfile() {
    replay("dockerfile");
}
#[test]
fn documents() {
    replay("documents");
}
#[test]
fn inflate() {
    replay("inflate");
}
#[test]
fn layer() {
    replay("layer");
}
#[test]
fn log() {
    replay("log");
}
#[test]
fn names() {
    replay("names");
}
#[test]
fn options() {
    replay("options");
}
#[test]
fn protocol() {
    replay("protocol");
}
#[test]
fn reference() {
    replay("reference");
}
#[test]
fn seccomp() {
    replay("seccomp");
}
#[test]
fn template() {
    replay("template");
}

#[test]
fn every_target_has_a_corpus_and_a_program() {
    let mut directories: Vec<String> = inputs(&corpus()).iter().map(|path| name(path)).collect();
    directories.sort();
    let known: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(directories, known, "tests/fuzz/corpus and TARGETS in tests/fuzz/targets.rs");
    let package = std::fs::read_to_string(corpus().with_file_name("Cargo.toml")).expect("tests/fuzz/Cargo.toml");
    let programs: Vec<&str> = package.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).skip(1).collect();
    assert_eq!(programs, known, "tests/fuzz/Cargo.toml and TARGETS in tests/fuzz/targets.rs");
}

fn replay(name: &str) {
    let target = targets::find(name).expect("a target of this name");
    let inputs = inputs(&corpus().join(name));
    assert!(!inputs.is_empty(), "tests/fuzz/corpus/{name} is empty");
    for path in inputs {
        let input = std::fs::read(&path).expect("an input");
        // The name is what one needs to know when it panics.
        println!("{}", path.display());
        target(&input);
    }
}

fn inputs(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}
