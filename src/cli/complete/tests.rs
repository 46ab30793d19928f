//! Promises about the walk over the words; what the shells make of it is seen in tests/containers/completion.rs.

use super::*;

fn words(line: &str) -> Vec<String> {
    offer(&line::split(line)).words.into_iter().map(|candidate| candidate.word).collect()
}

fn files(line: &str) -> Option<&'static str> {
    offer(&line::split(line)).files
}

#[test]
fn a_line_is_cut_as_a_shell_cuts_it() {
    assert_eq!(line::split("tare run "), ["tare", "run", ""]);
    assert_eq!(line::split("tare  run -e 'A B'=\"c\\\"d\" al"), ["tare", "run", "-e", "A B=c\"d", "al"]);
    assert_eq!(line::split("tare 'un closed"), ["tare", "un closed"]);
    assert_eq!(line::split(""), [""]);
    assert_eq!(line::before_last_break("--network=container:w", "=:"), "--network=container:");
    assert_eq!(line::before_last_break("alpine:3", " \t="), "");
}

#[test]
fn commands_and_their_nouns() {
    assert_eq!(words("tare r"), ["run", "restart", "rename", "rm", "rmi"]);
    assert_eq!(words("tare --root /nowhere ima"), ["images", "image"]);
    assert_eq!(words("tare image "), ["build", "history", "import", "inspect", "load", "ls", "prune", "pull", "push", "rm", "save", "tag"]);
    assert_eq!(words("tare help image l"), ["load", "ls"]);
    assert_eq!(words("tare volume "), ["create", "ls", "inspect", "rm", "prune"]);
    assert_eq!(words("tare volume prune --a"), ["--all"]);
    assert_eq!(words("tare volume ls -f dang"), ["dangling=true", "dangling=false"]);
    assert!(words("tare nosuch ").is_empty() && words("tare").is_empty() && words("").is_empty());
}

#[test]
fn flags_and_the_words_they_know() {
    assert_eq!(words("tare run --entry"), ["--entrypoint"]);
    assert_eq!(words("tare container run --entry"), ["--entrypoint"]);
    assert_eq!(words("tare build --progress ra"), ["rawjson"]);
    assert_eq!(words("tare buildx build --no-c"), ["--no-cache", "--no-cache-filter"]);
    assert_eq!(words("tare build --output=type=o"), ["--output=type=oci,dest="]);
    assert_eq!(files("tare build "), Some(":directories\n"));
    assert_eq!(words("tare run --pull "), ["always", "missing", "never"]);
    assert_eq!(words("tare run --pull=ne"), ["--pull=never"]);
    assert_eq!(words("tare run --rm="), ["--rm=true", "--rm=false"]);
    assert_eq!(words("tare kill -s US"), ["USR1", "USR2"]);
    assert_eq!(words("tare kill -sUS"), ["-sUSR1", "-sUSR2"]);
    assert_eq!(words("tare run --cap-drop NET_AD"), ["NET_ADMIN"]);
    assert_eq!(words("tare ps --filter status=e"), ["status=exited"]);
    assert_eq!(words("tare completion "), ["bash", "fish", "zsh"]);
}

#[test]
fn values_are_not_taken_for_arguments() {
    // --rm takes no further word, -e does, -it ends in a switch.
    for line in ["tare run --rm -it ", "tare run -e X=1 -ite Y ", "tare --root /nowhere run --name web "] {
        assert!(matches!(place_of(line), Place::Argument { given } if given.is_empty()), "{line}");
    }
    for line in ["tare run box ", "tare run -e A box -", "tare exec web --"] {
        assert!(matches!(place_of(line), Place::Foreign), "{line}");
    }
    for line in ["tare run -e X=", "tare run --name=", "tare run -it --name "] {
        assert!(matches!(place_of(line), Place::Value(..)) && words(line).is_empty(), "{line}");
    }
}

#[test]
fn files_are_left_to_the_shell() {
    for line in ["tare load -i ", "tare cp ", "tare cp web:/x ", "tare run --env-file=/et", "tare import ", "tare run -v /"] {
        assert_eq!(files(line), Some(":files\n"), "{line}");
    }
    assert_eq!(files("tare --root "), Some(":directories\n"));
    assert_eq!(files("tare run -w "), None);
}

#[test]
fn what_stays_open_gets_no_space() {
    assert_eq!(lines(&offer(&line::split("tare run --ulimit nof")), ""), "nofile=\t\n:nospace\n");
    assert_eq!(lines(&offer(&line::split("tare run --pull=ne")), "--pull="), "never\t\n");
}

fn place_of(line: &str) -> Place<'static> {
    let words = line::split(line);
    let at = command_at(&words).unwrap();
    let mut command = define(find(&words[at]).unwrap());
    command.build();
    let command: &'static clap::Command = Box::leak(Box::new(command));
    place(command, &words[at + 1..words.len() - 1], words.last().unwrap())
}
