//! What to say when the words typed are not ours: flags that Docker has and we have not yet, and commands that were perhaps meant.

use crate::cli::{BEHIND_NOUNS, COMMANDS, command_at, find, network, nouns, volume};
use crate::error::Error;
use crate::names;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Docker's flags of `run` and `create` that come later; each is refused by its name, so that nobody looks for a typing error.
const NOT_BUILT: &[&str] = &[
    "--blkio-weight-device",
    "--cpu-count",
    "--cpu-percent",
    "--cpu-rt-period",
    "--cpu-rt-runtime",
    "--disable-content-trust",
    "--gpus",
    "--isolation",
    "--kernel-memory",
    "--link",
    "--link-local-ip",
    "--oom-kill-disable",
    "--runtime",
    "--storage-opt",
    "--use-api-socket",
    "--volume-driver",
];

/// Docker's commands that come later, and what does nearly the same.
const NOT_BUILT_COMMANDS: &[(&str, &str)] = &[
    ("compose", "start each container with tare run"),
    ("context", "there is no daemon, so there is only this machine"),
    ("swarm", "tare runs containers on this machine only"),
];

/// Where in the line of words something was wrong.
pub struct Place {
    /// `tare`, or `tare image` behind a noun.
    before: String,
    /// What may follow there.
    commands: Vec<&'static str>,
    /// The command that was understood, in the words that people type, for the hint on its help.
    command: Option<String>,
}

impl Place {
    pub fn of(words: &[String]) -> Place {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let first = command_at(words).map_or("", |at| match word(at) {
            // What is wrong behind `help image` is a verb of image.
            "help" if is_noun(word(at + 1)) => word(at + 1),
            first => first,
        });
        let is_behind = BEHIND_NOUNS.iter().any(|command| command.name == first);
        let command = find(first).map(|command| command.name.replacen('-', if is_behind { " " } else { "-" }, 1));
        match nouns::noun(first) {
            Some(noun) => {
                let verbs = noun.verbs.iter().flat_map(|verb| verb.names).copied();
                Place { before: format!("tare {}", noun.name), commands: verbs.collect(), command: None }
            }
            None if first == "volume" => Place { before: "tare volume".to_owned(), commands: volume::VERBS.to_vec(), command: None },
            None if first == "network" => Place { before: "tare network".to_owned(), commands: network::VERBS.to_vec(), command: None },
            None => {
                let commands = COMMANDS.iter().map(|command| command.name).chain(nouns::NOUNS.iter().map(|noun| noun.name));
                Place { before: "tare".to_owned(), commands: commands.collect(), command }
            }
        }
    }

    /// Docker's flags that we have not yet are all of these.
    fn makes_containers(&self) -> bool {
        self.command.as_ref().is_none_or(|command| ["run", "create"].contains(&command.as_str()))
    }

    /// The help that belongs here: `tare help run`.
    fn help(&self) -> String {
        match &self.command {
            Some(command) => format!("tare help {command}"),
            None => format!("{} --help", self.before),
        }
    }
}

/// clap's refusal in our own words: one line, and a hint where something is near. `None`: it is no refusal, but help or version.
pub fn refusal(error: &clap::Error, place: &Place) -> Option<Error> {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        Some(ContextValue::Strings(words)) => words.first().map(String::as_str),
        _ => None,
    };
    Some(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::InvalidSubcommand => {
            let typed = word(ContextKind::InvalidSubcommand).unwrap_or_default();
            let whole = place.before.strip_prefix("tare ").map_or(typed.to_owned(), |noun| format!("{noun} {typed}"));
            match NOT_BUILT_COMMANDS.iter().find(|(name, _)| *name == typed) {
                Some((_, instead)) => Error::usage(format!("{whole} is not built yet")).hint(*instead),
                None => Error::usage(format!("unknown command {whole}")).hint(command(typed, place)),
            }
        }
        ErrorKind::UnknownArgument => {
            let flag = word(ContextKind::InvalidArg).unwrap_or_default();
            let flag = flag.split_once('=').map_or(flag, |(flag, _)| flag);
            match word(ContextKind::SuggestedArg) {
                _ if !flag.starts_with('-') => {
                    let command = place.command.as_ref().unwrap_or(&place.before);
                    Error::usage(format!("{command} does not know what to do with {flag}"))
                        .hint(format!("{} shows how it is used", place.help()))
                }
                _ if place.makes_containers() && NOT_BUILT.contains(&flag) => {
                    Error::cannot_keep(format!("{flag} is not built yet")).hint("leave it out")
                }
                Some(near) => Error::usage(format!("unknown flag {flag}")).hint(format!("did you mean {near}?")),
                None => Error::usage(format!("unknown flag {flag}")).hint(format!("{} lists the flags", place.help())),
            }
        }
        ErrorKind::InvalidValue if word(ContextKind::InvalidValue).is_none_or(str::is_empty) => {
            let flag = word(ContextKind::InvalidArg).unwrap_or_default().replace(['<', '>'], "");
            // Docker's people type it for help, too.
            let help = if flag.starts_with("--hostname") { " (-h is the host name)" } else { "" };
            Error::usage(format!("there is no value behind {flag}")).hint(format!("{} shows how it is used{help}", place.help()))
        }
        ErrorKind::MissingRequiredArgument => {
            let what = word(ContextKind::InvalidArg).unwrap_or("more words").replace(['<', '>'], "");
            let command = place.command.as_ref().unwrap_or(&place.before);
            let needs = Error::usage(format!("{command} needs {what}"));
            match command.as_str() {
                "build" => needs.hint("tare build . takes the Dockerfile of this directory and its files"),
                _ => needs.hint(format!("{} shows how it is used", place.help())),
            }
        }
        _ => {
            let whole = error.to_string();
            let first = whole.split("\n\n").next().unwrap_or_default();
            let text: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
            Error::usage(text.join(" ")).hint(format!("{} shows how it is used", place.help()))
        }
    })
}

fn is_noun(word: &str) -> bool {
    ["network", "volume"].contains(&word) || nouns::noun(word).is_some()
}

/// The hint for a command that does not exist.
fn command(typed: &str, place: &Place) -> String {
    names::did_you_mean(typed, place.commands.iter().copied()).unwrap_or_else(|| format!("{} lists the commands", place.help()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str) -> Place {
        Place::of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_said_to_be_missing_is_missing() {
        let run = crate::cli::define(find("run").unwrap());
        for flag in NOT_BUILT {
            let is_it = |arg: &&clap::Arg| arg.get_long().map(|long| format!("--{long}")).as_deref() == Some(flag);
            assert!(!run.get_arguments().any(|arg| is_it(&arg)), "{flag} is built");
        }
        for (command, _) in NOT_BUILT_COMMANDS {
            assert!(find(command).is_none() && nouns::noun(command).is_none(), "{command} is built");
        }
    }

    #[test]
    fn a_mistyped_command_is_recognised() {
        assert_eq!(command("rnu", &at("tare rnu")), "did you mean run or rmi?");
        assert_eq!(command("frobnicate", &at("tare frobnicate")), "tare --help lists the commands");
        assert_eq!(command("lss", &at("tare image lss")), "did you mean ls or list?");
        assert_eq!(command("prun", &at("tare help system prun")), "did you mean prune?");
        assert_eq!(command("creat", &at("tare help volume creat")), "did you mean create?");
        assert_eq!(command("conect", &at("tare network conect")), "did you mean connect?");
        assert_eq!(command("frobnicate", &at("tare image frobnicate")), "tare image --help lists the commands");
    }
}
