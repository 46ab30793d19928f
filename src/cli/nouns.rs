//! Docker's longer forms: `tare container ls` is `tare ps`. They become the short ones before anything else is looked at.

use crate::cli::{COMMANDS, command_at, define, find};

pub struct Noun {
    pub name: &'static str,
    pub about: &'static str,
    pub verbs: &'static [Verb],
}

/// A verb under its names, the usual one first, and the short words that it stands for.
pub struct Verb {
    pub names: &'static [&'static str],
    means: &'static [&'static str],
}

const fn verb(names: &'static [&'static str], means: &'static [&'static str]) -> Verb {
    Verb { names, means }
}

pub const NOUNS: &[Noun] = &[
    Noun {
        name: "container",
        about: "Commands on containers",
        verbs: &[
            verb(&["attach"], &["attach"]),
            verb(&["commit"], &["commit"]),
            verb(&["cp"], &["cp"]),
            verb(&["create"], &["create"]),
            verb(&["diff"], &["diff"]),
            verb(&["exec"], &["exec"]),
            verb(&["export"], &["export"]),
            verb(&["inspect"], &["inspect", "--type=container"]),
            verb(&["kill"], &["kill"]),
            verb(&["logs"], &["logs"]),
            verb(&["ls", "list", "ps"], &["ps"]),
            verb(&["pause"], &["pause"]),
            verb(&["port"], &["port"]),
            verb(&["prune"], &["container-prune"]),
            verb(&["rename"], &["rename"]),
            verb(&["restart"], &["restart"]),
            verb(&["rm", "remove"], &["rm"]),
            verb(&["run"], &["run"]),
            verb(&["start"], &["start"]),
            verb(&["stats"], &["stats"]),
            verb(&["stop"], &["stop"]),
            verb(&["top"], &["top"]),
            verb(&["unpause"], &["unpause"]),
            verb(&["update"], &["update"]),
            verb(&["wait"], &["wait"]),
        ],
    },
    Noun {
        name: "image",
        about: "Commands on images",
        verbs: &[
            verb(&["build"], &["build"]),
            verb(&["history"], &["history"]),
            verb(&["import"], &["import"]),
            verb(&["inspect"], &["inspect", "--type=image"]),
            verb(&["load"], &["load"]),
            verb(&["ls", "list"], &["images"]),
            verb(&["prune"], &["image-prune"]),
            verb(&["pull"], &["pull"]),
            verb(&["push"], &["push"]),
            verb(&["rm", "remove"], &["rmi"]),
            verb(&["save"], &["save"]),
            verb(&["tag"], &["tag"]),
        ],
    },
    Noun {
        name: "system",
        about: "Commands on the whole",
        verbs: &[
            verb(&["check"], &["system-check"]),
            verb(&["df"], &["system-df"]),
            verb(&["events"], &["events"]),
            verb(&["info"], &["info"]),
            verb(&["prune"], &["system-prune"]),
            verb(&["start"], &["system-start"]),
            verb(&["stop"], &["system-stop"]),
        ],
    },
    Noun {
        name: "builder",
        about: "Commands on builds and on what they keep",
        verbs: &[verb(&["build"], &["build"]), verb(&["prune"], &["builder-prune"])],
    },
    Noun {
        name: "buildx",
        about: "The same, as Docker's plugin has it",
        verbs: &[verb(&["build", "b"], &["build"]), verb(&["prune"], &["builder-prune"])],
    },
    Noun { name: "manifest", about: "What registries say of images", verbs: &[verb(&["inspect"], &["manifest-inspect"])] },
    Noun { name: "generate", about: "Texts for other programs", verbs: &[verb(&["systemd"], &["generate-systemd"])] },
];

/// `container ls -a` becomes `ps -a`, and `help container ls` becomes `help ps`.
pub fn shorten(mut words: Vec<String>) -> Vec<String> {
    let Some(at) = command_at(&words) else { return words };
    let asks_for_help = words[at] == "help";
    let at = at + usize::from(asks_for_help);
    // The short form of a command on builds; a directory of that name is `./prune`.
    if words[at.min(words.len())..].starts_with(&["build".to_owned(), "prune".to_owned()]) {
        words[at] = "builder".to_owned();
    }
    if let [noun, verb, ..] = &words[at.min(words.len())..]
        && let Some(verb) = self::noun(noun).and_then(|noun| noun.verbs.iter().find(|known| known.names.contains(&verb.as_str())))
    {
        // The help of what has no short form is found by its long one.
        if !asks_for_help {
            words.splice(at..at + 2, verb.means.iter().map(|word| (*word).to_owned()));
        } else if has_short_form(verb) {
            words.splice(at..at + 2, [verb.means[0].to_owned()]);
        }
    }
    words
}

fn has_short_form(verb: &Verb) -> bool {
    COMMANDS.iter().any(|command| command.name == verb.means[0])
}

pub fn noun(word: &str) -> Option<&'static Noun> {
    NOUNS.iter().find(|noun| noun.name == word)
}

/// For its help, and for what is wrong after it: a verb that is right has become a command before.
pub fn describe(noun: &Noun) -> clap::Command {
    let verbs = noun.verbs.iter().filter_map(|verb| {
        let command = find(verb.means[0])?;
        Some(define(command).name(verb.names[0]).visible_aliases(verb.names[1..].iter().copied()))
    });
    let example = noun.verbs.iter().find(|verb| verb.names[0] != verb.means[0]).unwrap_or(&noun.verbs[0]);
    let same = match has_short_form(example) {
        true => format!("\n\ntare {0} {1} is the same as tare {2}.", noun.name, example.names[0], example.means[0]),
        false => String::new(),
    };
    clap::Command::new(noun.name)
        .about(noun.about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(verbs)
        .after_help(format!("Example: tare {} {}{}{same}", noun.name, example.names[0], words(example)))
}

/// What it does not go without.
fn words(verb: &Verb) -> String {
    let command = find(verb.means[0]).map(define).unwrap_or_default();
    let names = command.get_positionals().filter(|arg| arg.is_required_set()).filter_map(|arg| arg.get_value_names()?.first());
    names.filter_map(|name| Some(format!(" {}", name.split('[').next()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(line: &str) -> String {
        shorten(line.split(' ').map(str::to_owned).collect()).join(" ")
    }

    #[test]
    fn long_forms_become_short_ones() {
        assert_eq!(shortened("tare container ls -a"), "tare ps -a");
        assert_eq!(shortened("tare --root container image ls image ls"), "tare --root container images image ls");
        assert_eq!(shortened("tare image inspect box"), "tare inspect --type=image box");
        assert_eq!(shortened("tare help image inspect"), "tare help inspect");
        assert_eq!(shortened("tare help system df"), "tare help system df");
        assert_eq!(shortened("tare system df -v"), "tare system-df -v");
        assert_eq!(shortened("tare build prune -f"), "tare builder-prune -f");
        assert_eq!(shortened("tare build ./prune"), "tare build ./prune");
        for unchanged in ["tare", "tare image", "tare image frob", "tare run image ls", "tare help", "tare help image"] {
            assert_eq!(shortened(unchanged), unchanged);
        }
    }

    #[test]
    fn every_verb_means_a_command() {
        for verb in NOUNS.iter().flat_map(|noun| noun.verbs) {
            assert!(find(verb.means[0]).is_some(), "{:?}", verb.means);
        }
    }
}
