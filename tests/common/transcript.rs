//! What a person types and then sees, written down once: shown to people in the README and in `tests/transcripts/`, and typed here.
//!
//! A block that begins with ```console has commands behind `$ `, and below each what it shows. Within a line `…` stands for
//! anything; a line that is nothing else stands for any number of lines. Where a page speaks of localhost:5000 a registry is there.

use super::registry::Registry;
use super::{Store, image_dir, program};

/// A page that says this has a registry there; what is typed and shown is the address of the test's own.
const REGISTRY: &str = "localhost:5000";

/// The page with what it needs. `None`: this machine has no registry.
pub fn with_registry(page: &str) -> Option<(Option<Registry>, String)> {
    if !page.contains(REGISTRY) {
        return Some((None, page.to_owned()));
    }
    let registry = Registry::plain()?;
    let page = page.replace(REGISTRY, &registry.host);
    Some((Some(registry), page))
}

/// Returns how many commands there were.
pub fn play(store: &Store, text: &str) -> usize {
    let commands = commands(text);
    for (command, expected) in &commands {
        let mut told = type_in(store, command);
        // A person takes a second to type the next line; until then a server that was just started listens.
        for _ in 0..if command.starts_with("tare exec") { 50 } else { 0 } {
            if fits(expected, &told.lines().collect::<Vec<_>>()) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
            told = type_in(store, command);
        }
        let lines: Vec<&str> = told.lines().collect();
        assert!(fits(expected, &lines), "$ {command}\nis said to show:\n{}\nbut it is:\n{told}", expected.join("\n"));
    }
    commands.len()
}

fn type_in(store: &Store, command: &str) -> String {
    let images = image_dir().display().to_string();
    let script = format!("tare() {{ {:?} \"$@\"; }}; {{ {}; }} 2>&1", program().display(), command.replace("target/images", &images));
    let mut shell = std::process::Command::new("sh");
    store.tell(shell.arg("-c").arg(&script).current_dir(&store.dir));
    let told = shell.output();
    String::from_utf8_lossy(&told.expect("sh runs").stdout).into_owned()
}

/// Commands with the lines that follow them.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line.strip_prefix("$ ")) {
            (false, _) => inside = line == "```console",
            (true, _) if line == "```" => inside = false,
            (true, Some(command)) => found.push((command.to_owned(), Vec::new())),
            (true, None) => found.last_mut().expect("a command comes first").1.push(line.to_owned()),
        }
    }
    found
}

fn fits(expected: &[String], lines: &[&str]) -> bool {
    match (expected.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "…" => {
            fits(rest, lines) || lines.split_first().is_some_and(|(_, lines)| fits(expected, lines))
        }
        (Some((first, rest)), Some((line, lines))) => line_fits(first, line) && fits(rest, lines),
        _ => false,
    }
}

fn line_fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut left) = line.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let parts: Vec<&str> = parts.collect();
    for (index, part) in parts.iter().enumerate() {
        if index + 1 == parts.len() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.is_empty()
}
