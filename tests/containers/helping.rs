//! Help, and hints for whoever has mistyped a command, a flag, a value or a name.

use crate::common::store::assert_proper_error;
use crate::common::{Store, process};

#[test]
fn every_command_tells_its_use_with_an_example() {
    let store = Store::empty();
    let page = store.ok(&["help"]);
    let names = page.lines().filter_map(|line| {
        line.strip_prefix("  ")?.split_whitespace().next().filter(|word| word.bytes().all(|letter| letter.is_ascii_lowercase()))
    });
    let mut seen = 0;
    for name in names.filter(|name| *name != "tare") {
        let help = store.ok(&[name, "--help"]);
        assert!(help.contains("Usage: tare ") && help.contains("Example"), "{name}:\n{help}");
        assert_eq!(store.ok(&["help", name]), help, "{name}");
        seen += 1;
    }
    assert!(seen > 40, "{page}");
    for (noun, verb) in
        [("system", "df"), ("system", "check"), ("system", "prune"), ("container", "prune"), ("image", "ls"), ("volume", "create")]
    {
        let help = store.ok(&[noun, verb, "--help"]);
        assert!(help.contains("Usage: tare ") && help.contains("Example") && help.contains(" tare "), "{noun} {verb}:\n{help}");
        assert!(!help.contains("system-") && !help.contains("-prune"), "{noun} {verb}:\n{help}");
        assert!(store.ok(&["help", noun, verb]).contains("Example"), "{noun} {verb}");
    }
}

/// What was typed, and what the hint must say.
const MISTYPED: &[(&str, &str)] = &[
    ("rnu box", "did you mean run or rmi?"),
    ("imge ls", "did you mean image or images?"),
    ("image lss", "did you mean ls or list?"),
    ("system prun", "did you mean prune?"),
    ("system chek", "did you mean check?"),
    ("volume creat x", "did you mean create?"),
    ("help rnu", "did you mean run or rmi?"),
    ("help image prun", "did you mean prune?"),
    ("help volume creat", "did you mean create?"),
    ("completion bsh", "did you mean bash, zsh or fish?"),
    ("manifest inspct x", "did you mean inspect?"),
    ("manifest inspect", "tare help manifest inspect shows how it is used"),
    ("system df x", "tare help system df shows how it is used"),
    ("frobnicate", "tare --help lists the commands"),
    // Flags.
    ("run --memroy 5m box", "did you mean --memory?"),
    ("run --privilged box", "did you mean --privileged?"),
    ("ps --fliter x=y", "did you mean --filter?"),
    ("system df --formt json", "did you mean --format?"),
    ("volume ls --quite", "did you mean --quiet?"),
    ("container ls --quite", "did you mean --quiet?"),
    ("ps --gpus x", "tare help ps lists the flags"),
    // Values.
    ("run --pull alwys box", "did you mean always?"),
    ("run --network hst box", "did you mean host?"),
    ("run --pid hots box", "did you mean host?"),
    ("run --ipc shareble box", "did you mean shareable?"),
    ("run --cgroupns privte box", "did you mean private?"),
    ("run --cap-add NET_ADMN box", "did you mean NET_ADMIN?"),
    ("run --ulimit nofle=1 box", "did you mean nofile?"),
    ("run --log-driver jsonfile box", "did you mean json-file?"),
    ("run --log-opt max-siz=1m box", "did you mean max-size?"),
    ("run --restart alwys box", "did you mean always?"),
    ("run --mount type=bnd,source=/tmp,target=/x box", "did you mean bind?"),
    ("run --attach stdot box", "did you mean stdout or stdin?"),
    ("run --stop-signal COLOUR box", "use a name like TERM, or a number from 1 to 64"),
    ("ps --filter stats=exited", "did you mean status?"),
    ("ps --filter status=exitd", "did you mean exited?"),
    ("volume ls --filter danglin=true", "did you mean dangling?"),
    ("wait --condition removd webserver", "did you mean removed?"),
    ("inspect --type contaner webserver", "did you mean container?"),
    // Names.
    ("start webserv", "did you mean webserver?"),
    ("rm websever", "did you mean webserver?"),
    ("logs wbserver", "did you mean webserver?"),
    ("exec wbserver true", "did you mean webserver?"),
    ("run --network container:webservr box", "did you mean webserver?"),
    ("run --volumes-from websrver box", "did you mean webserver?"),
    ("inspect websever", "did you mean webserver?"),
    ("inspect localhost/mine:2", "did you mean localhost/mine:1?"),
    ("inspect picturs", "did you mean pictures?"),
    ("rmi bx", "did you mean box?"),
    ("tag bxo x", "did you mean box?"),
    ("history mine:1", "did you mean localhost/mine:1?"),
    ("volume rm picturs", "did you mean pictures?"),
    ("volume inspect pictres", "did you mean pictures?"),
];

#[test]
fn whoever_mistypes_is_told_what_was_perhaps_meant() {
    let store = Store::new();
    store.ok(&["create", "--name", "webserver", "box"]);
    store.ok(&["volume", "create", "pictures"]);
    store.ok(&["tag", "box", "localhost/mine:1"]);
    let mut missed = Vec::new();
    for (line, hint) in MISTYPED {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = store.tare(&words);
        assert!([1, 125].contains(&ran.code), "{line}: {}", ran.story());
        assert_proper_error(&ran);
        if !ran.stderr.contains(&format!("hint: {hint}")) {
            missed.push(format!("{line}: {}", ran.stderr));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert_eq!(store.names(true), ["webserver"]);
}

#[test]
fn nothing_but_text_where_nobody_wants_more() {
    let store = Store::new();
    let archive = store.file("archive.tar", crate::common::test_images::box_image().docker_archive());
    let archive = archive.to_str().expect("utf-8");
    for words in [
        &["help"][..],
        &["run", "--help"],
        &["ps", "-a"],
        &["images"],
        &["rnu"],
        &["run", "--memroy", "5m"],
        &["load", "-i", archive],
        &["info"],
    ] {
        let ran = store.tare(words);
        assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'), "{words:?} writes escapes into a pipe: {}", ran.story());
        for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let mut command = std::process::Command::new("script");
            let line = words.iter().fold(crate::common::program().display().to_string(), |line, word| format!("{line} {word}"));
            command
                .args(["-qec", &line, "/dev/null"])
                .env("TARE_ROOT", &store.root)
                .env("TARE_RUN", &store.run)
                .env("TARE_NETWORK", "none")
                .env("TERM", "xterm");
            let shown = process::run(
                {
                    command.env(name, value);
                    command
                },
                None,
            )
            .stdout;
            // How far a load has come is no colour: a terminal that can move its cursor shows it.
            let may_draw = words[0] == "load" && name == "NO_COLOR";
            assert!(may_draw || !shown.contains('\x1b'), "{words:?} with {name}={value}: {shown:?}");
            assert!(!shown.contains("\x1b[3") && !shown.contains("\x1b[1;"), "{words:?} with {name}={value} is coloured: {shown:?}");
        }
    }
}
