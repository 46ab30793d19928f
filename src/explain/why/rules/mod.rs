//! The rules, each in a file: from what is known to what can be said.

mod code;
mod health;
mod limits;
mod memory;
mod messages;
mod never;
mod program;
mod read_only;
mod refused;
mod restart;
mod running;
mod signal;
mod start;
mod unknown;

use super::{Evidence, Finding};
use crate::options::Mount;

type Rule = fn(&Evidence) -> Vec<Finding>;

/// In the order in which people want to hear of it, among those that are equally sure.
const RULES: &[(&str, Rule)] = &[
    ("never-started", never::judge),
    ("running", running::judge),
    ("program", program::judge),
    ("start", start::judge),
    ("memory", memory::judge),
    ("signal", signal::judge),
    ("read-only", read_only::judge),
    ("refused", refused::judge),
    ("message", messages::judge),
    ("exit-code", code::judge),
    ("limits", limits::judge),
    ("health", health::judge),
    ("restart", restart::judge),
];

/// What can be said, and what cannot.
pub fn all(evidence: &Evidence) -> (Vec<Finding>, Vec<String>) {
    let of_rule = |(name, rule): &(&'static str, Rule)| {
        rule(evidence).into_iter().map(|finding| Finding { rule: name, ..finding }).collect::<Vec<_>>()
    };
    let findings: Vec<Finding> = RULES.iter().flat_map(of_rule).collect();
    let unknown = unknown::all(evidence, &findings);
    (findings, unknown)
}

/// Of what was asked to be mounted, the innermost that shows this path.
fn mount_above<'a>(evidence: &'a Evidence, path: &str) -> Option<&'a Mount> {
    let holds = |mount: &&Mount| {
        let rest = path.strip_prefix(mount.target().trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    evidence.wishes.mounts.iter().filter(holds).max_by_key(|mount| mount.target().len())
}

/// As it would be typed again.
fn flag_of(mount: &Mount) -> String {
    let target = mount.target();
    match mount {
        Mount::Bind { source, .. } => format!("-v {}:{target}", source.display()),
        Mount::Volume(volume) => format!("-v {}:{target}", volume.name),
        Mount::Tmpfs { .. } => format!("--tmpfs {target}"),
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

/// `sh -c 'make it'`, as it would be typed.
fn typed(args: &[String]) -> String {
    let word = |word: &String| {
        let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte));
        if is_plain { word.clone() } else { format!("'{word}'") }
    };
    args.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let words = |words: &[&str]| typed(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["sh", "-c", "echo a", ""]), "sh -c 'echo a' ''");
    }
}
