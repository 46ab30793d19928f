//! What the tab key does in real shells, on a terminal: the word it completes is then run.

use crate::common::terminal::Terminal;
use crate::common::{Store, installed, lacking, process, program};
use std::process::Command;

/// A running and a stopped container, a file with variables, and the program under its own name.
fn store() -> Store {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "webserver", "box", "sleep", "1000"]);
    store.ok(&["create", "--name", "sleeper", "box", "true"]);
    std::fs::write(store.dir.join("variables"), "COLOUR=green\n").expect("a file of variables");
    std::os::unix::fs::symlink(program(), store.dir.join("tare")).expect("a name for the program");
    store
}

fn shell(store: &Store, words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    let path = format!("{}:{}", store.dir.display(), std::env::var("PATH").unwrap_or_default());
    command.args(&words[1..]).current_dir(&store.dir).env_clear().env("PATH", path).env("HOME", &store.dir).env("LANG", "C.UTF-8");
    command.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
    command
}

/// A person types half words and presses tab; `begin` makes the shell ready.
fn a_person_presses_tab(shell_words: &[&str], begin: &str) {
    let name = shell_words[0];
    if !installed(name) && lacking(name) {
        return;
    }
    let store = store();
    let mut person = Terminal::spawn(shell(&store, shell_words), 24, 200);
    person.send(&format!("{begin}; echo rea''dy\r"));
    person.expect("ready\r\n");
    for (typed, expected) in [
        // A command, and a container that runs.
        ("tare insp\t-f 'name {{.Name}}' webs\t", "name /webserver"),
        // Only what does not run can be started, so no letter is needed.
        ("tare start \t; echo start''ed", "sleeper\r\nstarted"),
        // Behind an equals sign; and a verb behind a noun.
        ("tare conta\tls --filter status=runn\t--format 'up {{.Names}}'", "up webserver"),
        // Files are the shell's; after the value of a flag comes the image.
        ("tare run --rm --env-file=varia\tb\tenv", "COLOUR=green"),
        ("tare run --rm --network=ho\t-e A=b --pull ne\tbo\techo ru''n", "run"),
    ] {
        person.send(&format!("{typed}\r"));
        person.expect(&format!("{expected}\r\n"));
    }
    person.send("exit\r");
    let _ = person.child.wait();
}

#[test]
fn bash_completes_words() {
    a_person_presses_tab(&["bash", "--norc", "--noprofile", "-i"], "source <(tare completion bash)");
}

#[test]
fn zsh_completes_words() {
    a_person_presses_tab(&["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; source <(tare completion zsh)");
}

#[test]
fn fish_completes_words() {
    a_person_presses_tab(&["fish", "--no-config", "-i"], "tare completion fish | source");
}

/// What bash is offered, without a terminal: the function is called as bash calls it.
fn bash_offers(store: &Store, lines: &[&str]) -> Vec<Vec<String>> {
    let script = "source <(tare completion bash) || exit 1
        for line; do COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=(tare) COMP_CWORD=1; _tare 2>&1; echo \"${COMPREPLY[*]}\"; done";
    let mut command = shell(store, &["bash", "--norc", "-c", script, "bash"]);
    command.args(lines);
    let told = process::run(command, None).ok();
    told.split('\n').map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn names_are_offered_where_they_fit() {
    let store = store();
    let offers = bash_offers(
        &store,
        &[
            "tare exec ",
            "tare start ",
            "tare rm ",
            "tare rm sleeper ",
            "tare run --rm -it ",
            "tare run --network=container:",
            "tare rmi box:",
        ],
    );
    let expected: [&[&str]; 7] =
        [&["webserver"], &["sleeper"], &["sleeper", "webserver"], &["webserver"], &["box", "probe"], &[], &["latest"]];
    for (at, (offer, expected)) in offers.iter().zip(expected).enumerate() {
        // Whether a container's network can be joined is not this test's matter.
        if at != 5 {
            assert_eq!(offer, expected, "line {at} of {offers:?}");
        }
    }
}

#[test]
fn nobody_who_presses_a_key_reads_an_error() {
    let store = Store::empty();
    std::os::unix::fs::symlink(program(), store.dir.join("tare")).expect("a name for the program");
    for words in
        [&["__complete"][..], &["__complete", "bash"], &["__complete", "bash", "tare exec ", ":="], &["__complete", "zsh", "exec", ""]]
    {
        let ran = store.tare(words);
        assert!(ran.code == 0 && ran.stderr.is_empty() && ran.stdout.is_empty(), "{words:?}: {}", ran.story());
    }
    for lines in
        [&["tare nosuch "][..], &["tare --root /nowhere/at/all exec "], &["tare ps --filter status=exited '"], &["tare"], &["tare --root "]]
    {
        assert_eq!(bash_offers(&store, lines), [Vec::<String>::new()], "{lines:?}");
    }
    assert!(!store.root.exists(), "asking for words makes no store");
}
