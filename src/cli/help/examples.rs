//! Every command shows an example, and the words of every example make sense to it.

use crate::cli::complete::line;
use crate::cli::{BEHIND_NOUNS, COMMANDS, define, find, network, nouns, run_flags, volume, whole_program};

/// Every command under the words that a person types, also those behind nouns.
fn every() -> Vec<(String, clap::Command)> {
    let short = COMMANDS.iter().chain(BEHIND_NOUNS).map(|command| (format!("tare {}", command.name.replace('-', " ")), define(command)));
    let nouns = nouns::NOUNS.iter().map(|noun| (format!("tare {}", noun.name), nouns::describe(noun)));
    let behind = nouns::NOUNS.iter().flat_map(|noun| {
        let defined = nouns::describe(noun);
        let verbs: Vec<_> =
            defined.get_subcommands().map(|verb| (format!("tare {} {}", noun.name, verb.get_name()), verb.clone())).collect();
        verbs
    });
    let verbs = [("network", network::VERBS), ("volume", volume::VERBS)].into_iter().flat_map(|(name, verbs)| {
        let noun = define(find(name).expect("a command"));
        let verb = move |verb: &&str| (format!("tare {name} {verb}"), noun.find_subcommand(verb).expect("a verb of VERBS").clone());
        verbs.iter().map(verb).collect::<Vec<_>>()
    });
    short.chain(nouns).chain(behind).chain(verbs).collect()
}

/// The lines below `Examples:`, or the one behind `Example:`.
fn examples(command: &clap::Command) -> Vec<String> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    match (text.split_once("Examples:\n"), text.split_once("Example: ")) {
        (Some((_, lines)), _) => lines.lines().take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect(),
        (None, Some((_, line))) => line.lines().next().map(str::to_owned).into_iter().collect(),
        (None, None) => Vec::new(),
    }
}

/// What our program gets to see of a line that a shell reads: between pipes, and without files.
fn calls(line: &str) -> Vec<Vec<String>> {
    let words = line::split(line.replace("$PWD", "/tmp").replace("<(", "| ").replace(')', " ").trim());
    let calls = words
        .split(|word| word == "|")
        .map(|call| call.iter().take_while(|word| !word.starts_with(['>', '<'])).cloned().collect::<Vec<_>>());
    calls.filter(|call| call.first().is_some_and(|program| program == "tare")).collect()
}

#[test]
fn every_command_has_an_example_that_makes_sense() {
    for (name, command) in every() {
        let examples = examples(&command);
        let calls: Vec<Vec<String>> = examples.iter().flat_map(|line| calls(line)).collect();
        assert!(!calls.is_empty(), "{name} has no example: {:?}", command.get_after_help().map(ToString::to_string));
        // A command that takes no words at all has nothing to parse.
        if command.get_arguments().next().is_none() && !command.has_subcommands() {
            continue;
        }
        for call in calls {
            let words = nouns::shorten(call.clone());
            let program = match find(&words[1]) {
                Some(command) => clap::Command::new("tare").subcommand(define(command)),
                None => whole_program(),
            };
            if let Err(error) = program.try_get_matches_from(&words) {
                panic!("{name}: {call:?}: {error}");
            }
            if let Some(Err(error)) =
                run_flags::parse_words(&words[1], &words[2..]).filter(|_| ["run", "create"].contains(&words[1].as_str()))
            {
                panic!("{name}: {call:?}: {error}");
            }
        }
    }
}

#[test]
fn an_example_is_one_of_its_own_command() {
    for (name, command) in every().into_iter().filter(|(name, _)| name != "tare generate") {
        let short = nouns::shorten(name.split(' ').map(str::to_owned).collect())[..2].join(" ");
        let shows = |line: &String| line.contains(&name) || line.contains(&short) || line.contains(&short.replace('-', " "));
        assert!(examples(&command).iter().any(shows), "{name}: {:?}", examples(&command));
    }
}
