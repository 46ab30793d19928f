//! What to say when the words typed are not ours: flags that Docker has and we have not yet, and commands that were perhaps meant.

use crate::cli::{COMMANDS, command_at, find, nouns, volume};
use crate::error::Error;
use crate::names;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Docker's flags of `run` and `create` that come later; each is refused by its name, so that nobody looks for a typing error.
const NOT_BUILT: &[&str] = &[
    "--add-host",
    "--blkio-weight-device",
    "--cgroupns",
    "--cpu-count",
    "--cpu-percent",
    "--cpu-rt-period",
    "--cpu-rt-runtime",
    "--disable-content-trust",
    "--dns",
    "--dns-option",
    "--dns-opt",
    "--dns-search",
    "--gpus",
    "--ip",
    "--ip6",
    "--isolation",
    "--kernel-memory",
    "--link",
    "--link-local-ip",
    "--log-driver",
    "--log-opt",
    "--mac-address",
    "--net-alias",
    "--network-alias",
    "--oom-kill-disable",
    "--publish",
    "-p",
    "--publish-all",
    "-P",
    "--runtime",
    "--storage-opt",
    "--use-api-socket",
    "--userns",
    "--volume-driver",
];

/// Docker's commands that come later, and what does nearly the same.
const NOT_BUILT_COMMANDS: &[(&str, &str)] = &[
    ("build", "make a root file system by other means, and tare import it"),
    ("builder", "make a root file system by other means, and tare import it"),
    ("buildx", "make a root file system by other means, and tare import it"),
    ("commit", "tare exec CONTAINER tar -c / writes its files, and tare import makes an image of them"),
    ("compose", "start each container with tare run"),
    ("context", "there is no daemon, so there is only this machine"),
    ("cp", "tare exec CONTAINER cat FILE > FILE, or bind a directory with -v"),
    ("diff", "tare inspect -f '{{.GraphDriver.Data.UpperDir}}' CONTAINER tells where the changed files are"),
    ("events", "tare wait CONTAINER tells of its end"),
    ("export", "tare exec CONTAINER tar -c / > FILE"),
    ("login", "images come from archives: tare load"),
    ("logout", "images come from archives: tare load"),
    ("network", "--network none or host, at tare run"),
    ("port", "--network host: the container listens on this machine's ports"),
    ("pull", "images come from archives: tare load, tare import"),
    ("push", "images go to no registry yet"),
    ("save", "the image store is an OCI layout below the --root directory, which skopeo can read"),
    ("search", "images come from archives: tare load"),
    ("stats", "tare exec CONTAINER top"),
    ("swarm", "tare runs containers on this machine only"),
    ("update", "limits are set at tare run"),
];

/// Where in the line of words something was wrong.
pub struct Place {
    /// `tare`, or `tare image` behind a noun.
    before: String,
    /// What may follow there.
    commands: Vec<&'static str>,
    /// The command that was understood, for the hint on its help.
    command: Option<&'static str>,
}

impl Place {
    pub fn of(words: &[String]) -> Place {
        let first = command_at(words).map_or("", |at| words[at].as_str());
        let command = find(first).map(|command| command.name);
        match nouns::noun(first) {
            Some(noun) => {
                let verbs = noun.verbs.iter().flat_map(|verb| verb.names).copied();
                Place { before: format!("tare {}", noun.name), commands: verbs.collect(), command: None }
            }
            None if first == "volume" => Place { before: "tare volume".to_owned(), commands: volume::VERBS.to_vec(), command: None },
            None => {
                let commands = COMMANDS.iter().map(|command| command.name).chain(nouns::NOUNS.iter().map(|noun| noun.name));
                Place { before: "tare".to_owned(), commands: commands.collect(), command }
            }
        }
    }

    /// The help that belongs here: `tare help run`.
    fn help(&self) -> String {
        match self.command {
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
                    let command = place.command.unwrap_or(&place.before);
                    Error::usage(format!("{command} does not know what to do with {flag}"))
                        .hint(format!("{} shows how it is used", place.help()))
                }
                _ if NOT_BUILT.contains(&flag) => Error::cannot_keep(format!("{flag} is not built yet")).hint(instead_of(flag)),
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
            Error::usage(format!("{} needs {what}", place.command.unwrap_or(&place.before)))
                .hint(format!("{} shows how it is used", place.help()))
        }
        _ => {
            let whole = error.to_string();
            let first = whole.split("\n\n").next().unwrap_or_default();
            let text: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
            Error::usage(text.join(" ")).hint(format!("{} shows how it is used", place.help()))
        }
    })
}

fn instead_of(flag: &str) -> &'static str {
    match flag {
        "-p" | "-P" | "--publish" | "--publish-all" => "use --network host: the container then listens on this machine's ports",
        "--add-host" => "bind a hosts file of your own: -v ./hosts:/etc/hosts:ro",
        "--dns" | "--dns-search" | "--dns-opt" | "--dns-option" => "bind a file of your own: -v ./resolv.conf:/etc/resolv.conf:ro",
        _ => "leave it out",
    }
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
    fn a_mistyped_command_is_recognised() {
        assert_eq!(command("rnu", &at("tare rnu")), "did you mean run or rmi?");
        assert_eq!(command("frobnicate", &at("tare frobnicate")), "tare --help lists the commands");
        assert_eq!(command("lss", &at("tare image lss")), "did you mean ls or list?");
        assert_eq!(command("frobnicate", &at("tare image frobnicate")), "tare image --help lists the commands");
    }
}
