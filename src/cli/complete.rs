//! `tare __complete`: what may stand at the place where somebody presses the tab key. The scripts of `completion/` ask it.
//!
//! It walks over the words before that place with the definitions that parse them, so it never knows other flags than the
//! program does (`candidates.rs` knows what their values are). The answer is a line for each candidate, with a tab before its
//! description; a line that begins with a colon is for the script: `:files`, `:directories`, `:nospace`. Whatever goes wrong, the
//! answer is nothing: nobody who presses a key wants to read an error.

mod candidates;
pub(super) mod line;
#[cfg(test)]
mod tests;

use crate::cli::nouns::{self, shorten};
use crate::cli::say::say;
use crate::cli::which_store;
use crate::cli::{COMMANDS, command_at, define, find, program};
use crate::paths::Paths;
use candidates::{Candidate, Offer};
use clap::Arg;

/// The word that asks; no command can have it, and `tare help` does not show it.
pub const WORD: &str = "__complete";

/// `bash LINE WORD-BREAKS`, or the name of another shell and the words after the program's, the unfinished one last.
pub fn answer(words: &[String]) -> i32 {
    let text = match words {
        [shell, line, breaks] if shell == "bash" => {
            let words = line::split(line);
            let cut = words.last().map_or("", |typed| line::before_last_break(typed, breaks)).to_owned();
            lines(&offer(&words), &cut)
        }
        [_, rest @ ..] => lines(&offer(&[vec!["tare".to_owned()], rest.to_vec()].concat()), ""),
        [] => String::new(),
    };
    say(&text);
    0
}

/// `cut` is what the shell will keep of the typed word: it must not come twice.
fn lines(offer: &Offer, cut: &str) -> String {
    let mut text: String =
        offer.words.iter().map(|Candidate { word, about }| format!("{}\t{about}\n", word.strip_prefix(cut).unwrap_or(word))).collect();
    let opens = |word: &str| word.ends_with(['=', ':']);
    if !offer.words.is_empty() && offer.words.iter().all(|one| opens(&one.word)) {
        text.push_str(":nospace\n");
    }
    text.push_str(offer.files.map_or("", |files| files));
    text
}

/// `words` as typed, the program's name first and the unfinished word last.
fn offer(words: &[String]) -> Offer {
    let Some((typed, before)) = words.split_last().filter(|(_, before)| !before.is_empty()) else { return Offer::default() };
    let Some(at) = command_at(before) else {
        return match place(&program(), &before[1..], typed) {
            Place::Argument { .. } => commands().starting(typed),
            place => at_place(&place, "tare", typed, &Paths::new("", "")),
        };
    };
    if let Some(noun) = nouns::noun(&before[at]).filter(|_| before.len() == at + 1) {
        return verbs(noun).starting(typed);
    }
    if before[at] == "help" {
        return match before[at + 1..] {
            [] => commands().starting(typed),
            [ref noun] => nouns::noun(noun).map(verbs).unwrap_or_default().starting(typed),
            _ => Offer::default(),
        };
    }
    let before = shorten(before.to_vec());
    let Some((at, command)) = command_at(&before).and_then(|at| Some((at, find(&before[at])?))) else { return Offer::default() };
    let mut defined = define(command);
    // Adds what clap gives to every command: --help.
    defined.build();
    let paths = which_store::named(&before[1..at]);
    if !defined.has_subcommands() {
        return at_place(&place(&defined, &before[at + 1..], typed), command.name, typed, &paths);
    }
    // A noun whose verbs are no commands of their own: `volume rm`, `network rm`.
    let Some(verb) = before.get(at + 1) else {
        let verbs = defined.get_subcommands().filter(|verb| verb.get_name() != "help");
        let about = |verb: &clap::Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
        let verbs: Vec<(String, String)> = verbs.map(|verb| (verb.get_name().to_owned(), about(verb))).collect();
        return Offer::of(verbs.iter().map(|(verb, about)| (verb.as_str(), about.as_str()))).starting(typed);
    };
    let Some(verb) = defined.find_subcommand(verb) else { return Offer::default() };
    at_place(&place(verb, &before[at + 2..], typed), &format!("{} {}", command.name, verb.get_name()), typed, &paths)
}

fn commands() -> Offer {
    let commands = COMMANDS.iter().map(|command| (command.name, command.about));
    let nouns = nouns::NOUNS.iter().map(|noun| (noun.name, noun.about));
    Offer::of(commands.chain(nouns).chain([("help", "Show how a command is used")]))
}

fn verbs(noun: &nouns::Noun) -> Offer {
    Offer::of(noun.verbs.iter().map(|verb| (verb.names[0], "")))
}

/// Where the unfinished word stands.
enum Place<'a> {
    /// It begins with a dash.
    Flag(&'a clap::Command),
    /// The value of a flag; the part of the word that belongs to the flag itself.
    Value(&'a Arg, String),
    /// The argument of this number; the ones before it.
    Argument { given: Vec<String> },
    /// A word of the command in the container, of which we know nothing.
    Foreign,
}

fn place<'a>(command: &'a clap::Command, before: &[String], typed: &str) -> Place<'a> {
    let ends_at_first = command.get_positionals().any(Arg::is_trailing_var_arg_set);
    let (mut given, mut waiting, mut flags) = (Vec::new(), None, true);
    for word in before {
        if waiting.take().is_some() {
            continue;
        }
        match word.as_str() {
            "--" if flags => flags = false,
            flag if flags && flag.len() > 1 && flag.starts_with('-') => waiting = waits_for_value(command, flag),
            _ if ends_at_first => return Place::Foreign,
            argument => given.push(argument.to_owned()),
        }
    }
    if let Some(arg) = waiting {
        return Place::Value(arg, String::new());
    }
    if !flags || !typed.starts_with('-') {
        return Place::Argument { given };
    }
    match value_begins(command, typed) {
        Some((arg, at)) => Place::Value(arg, typed[..at].to_owned()),
        None => Place::Flag(command),
    }
}

/// The flag whose value is the next word: `--name`, `-e`, the last letter of `-ite`.
fn waits_for_value<'a>(command: &'a clap::Command, flag: &str) -> Option<&'a Arg> {
    let takes_next = |arg: &&Arg| takes_value(arg) && !arg.is_require_equals_set();
    match flag.strip_prefix("--") {
        Some(name) => long(command, name).filter(takes_next),
        None => {
            let (at, arg) = first_with_value(command, flag)?;
            (at == flag.len()).then_some(arg).filter(takes_next)
        }
    }
}

/// The flag whose value is in the same word, and where it begins: `--name=value`, `-eNAME`.
fn value_begins<'a>(command: &'a clap::Command, word: &str) -> Option<(&'a Arg, usize)> {
    match word.strip_prefix("--") {
        Some(rest) => {
            let (name, _) = rest.split_once('=')?;
            long(command, name).filter(|arg| takes_value(arg)).map(|arg| (arg, 2 + name.len() + 1))
        }
        None => {
            let (at, arg) = first_with_value(command, word)?;
            let at = at + usize::from(word[at..].starts_with('='));
            (at < word.len() && !arg.is_require_equals_set()).then_some((arg, at))
        }
    }
}

/// In a cluster of short flags: where the value of the first one that takes one begins.
fn first_with_value<'a>(command: &'a clap::Command, cluster: &str) -> Option<(usize, &'a Arg)> {
    for (at, letter) in cluster.char_indices().skip(1) {
        let arg = command.get_arguments().find(|arg| arg.get_short() == Some(letter))?;
        if takes_value(arg) && !arg.is_require_equals_set() {
            return Some((at + letter.len_utf8(), arg));
        }
    }
    None
}

fn long<'a>(command: &'a clap::Command, name: &str) -> Option<&'a Arg> {
    let is = |arg: &&Arg| arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name));
    command.get_arguments().find(is)
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn at_place(place: &Place, command: &str, typed: &str, paths: &Paths) -> Offer {
    match place {
        Place::Flag(command) => flags(command).starting(typed),
        Place::Value(arg, flag) => candidates::of_flag(command, arg, paths).starting(&typed[flag.len()..]).behind(flag),
        Place::Argument { given } => candidates::of_argument(command, given, typed, paths).without(given).starting(typed),
        Place::Foreign => Offer::default(),
    }
}

fn flags(command: &clap::Command) -> Offer {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let words = shown.filter_map(|arg| {
        Some(Candidate { word: format!("--{}", arg.get_long()?), about: arg.get_help().map(ToString::to_string).unwrap_or_default() })
    });
    Offer { words: words.collect(), files: None }
}
