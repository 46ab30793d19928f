//! What `tare` alone and `tare help` show: the commands, those that belong together below each other.

use crate::cli::{COMMANDS, nouns};

/// Every command of these that there is; one that is in no group comes last.
const GROUPS: &[(&str, &[&str])] = &[
    ("Containers", &["run", "create", "start", "stop", "restart", "pause", "unpause", "kill", "wait", "rename", "update", "rm"]),
    (
        "Looking at them, going into them",
        &["ps", "logs", "top", "tree", "why", "stats", "port", "diff", "inspect", "exec", "attach", "cp", "export"],
    ),
    (
        "Images",
        &[
            "build", "images", "history", "layers", "pull", "push", "search", "login", "logout", "load", "save", "import", "commit", "tag",
            "rmi",
        ],
    ),
    ("Networks, volumes", &["network", "volume"]),
    ("Here", &["explain", "events", "info", "version", "completion"]),
];

const WIDTH: usize = 12;

/// The whole page but for the options, which clap writes.
pub fn template() -> String {
    format!("{{about}}\n\nUsage: tare [OPTIONS] COMMAND [ARG...]\n\n{}Options:\n{{options}}{{after-help}}", commands())
}

pub const AFTER: &str = "\
Examples:
  tare load -i alpine.tar           bring an image
  tare run -it --rm alpine sh       a shell in a container that is gone afterwards
  tare build -t app .               an image from a Dockerfile
  tare help run                     the flags of a command";

fn commands() -> String {
    let line = |name: &str, about: &str| format!("  {name:<WIDTH$}{about}\n");
    let mut text = String::new();
    for (heading, names) in GROUPS {
        text += &format!("{heading}:\n");
        for command in names.iter().filter_map(|name| super::find(name)) {
            text += &line(command.name, command.about);
        }
        text.push('\n');
    }
    let others: String = COMMANDS
        .iter()
        .filter(|command| !GROUPS.iter().any(|(_, names)| names.contains(&command.name)))
        .map(|command| line(command.name, command.about))
        .collect();
    if !others.is_empty() {
        text += &format!("Others:\n{others}\n");
    }
    text += "The same under a noun, as Docker has it (tare container ls is tare ps):\n";
    text.extend(nouns::NOUNS.iter().map(|noun| line(noun.name, noun.about)));
    text.push('\n');
    text
}

#[cfg(test)]
mod examples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_shown_once() {
        let text = commands();
        for command in COMMANDS {
            assert_eq!(text.matches(&format!("\n  {:<WIDTH$}{}\n", command.name, command.about)).count(), 1, "{}", command.name);
        }
    }
}
