//! Files that are nearly right, and files that are not right at all: whatever stands in them, reading them ends, and ends soon.

use super::check::{Around, check};
use super::ignore::Patterns;
use super::instruction::Instruction;
use super::{Dockerfile, expand, parse, parse_line, settings, wildcard};
use crate::error::Kind;
use serde_json::Map;

const GOOD: &[&str] = &[
    "# syntax=docker/dockerfile:1\n# check=skip=FromAsCasing;error=true\nARG V=1 W\nFROM --platform=$BUILDPLATFORM debian:${V:-12} AS build\nRUN --mount=type=cache,target=/var/cache,sharing=locked --mount=type=secret,id=$ID --network=none apt-get update \\\n  # why\n\n  && true\n",
    "# escape=`\nFROM a\nENV A=1 B=\"x y\" C=`$d\nENV old  form\nLABEL \"k e y\"='v' k=${A##*/}${B%x}${C//a/b}\nWORKDIR /a/$B\nUSER ${u:?none}\nEXPOSE 80 90-95/udp $P\nVOLUME [\"/a\", \"/b c\"]\nSTOPSIGNAL SIGINT\n",
    "FROM a AS b\nCOPY --from=c --chown=1:2 --link --parents --exclude=*.md x [y] /z/\nADD --checksum=sha256:0 --unpack=false https://h/x.tar /\nCOPY <<A <<-'B C' <<\"D\" /x\n$v ${w:-${z}}\nA\n\tq\n\tB C\n\"$x\"\nD\n",
    "FROM a\nRUN <<EOF cat 3<<-E2 | sh\necho $x\nEOF\n\ty\n\tE2\nSHELL [\"/bin/bash\", \"-c\"]\nCMD [\"a\", \"\\u00e9\"]\nENTRYPOINT a b\nHEALTHCHECK --interval=1s --retries=2 CMD [\"x\"]\nHEALTHCHECK NONE\nMAINTAINER me\n",
    "from a\nONBUILD RUN --mount=target=/x,from=b <<E\nc\nE\nonbuild COPY a b\nARG x=${y-$z}\n",
    "*.md\n!README*.md\n/a/**/b?[c-e]\n# comment\n**/*.o\n!\\!x\n",
];

/// What grammars break on.
const PIECES: &[&str] = &[
    "\\",
    "\n",
    "\r\n",
    "\\\n",
    "`\n",
    "<<",
    "<<EOF\n",
    "EOF\n",
    "<<-",
    "\"",
    "'",
    "$",
    "${",
    "}",
    "${a:-",
    "${a//",
    "${a##*",
    ":?",
    "[",
    "]",
    "[\"",
    "\"]",
    "--",
    "--mount=",
    "--from=",
    "=",
    ",",
    "#",
    "# escape=`\n",
    "FROM ",
    "RUN ",
    "COPY ",
    "ONBUILD ",
    "ENV ",
    "AS ",
    "\u{feff}",
    "\u{0}",
    "é",
    "\u{202e}",
    "\t",
    " ",
    "**",
    "!",
    "/../",
    "\u{a0}",
    "type=cache",
    "9999999999999999999999",
];

/// The same numbers every time (xorshift): what broke once breaks again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.roll(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// A file that somebody has fallen asleep on.
    fn mutated(&mut self) -> String {
        let mut text = GOOD[self.roll(GOOD.len())].to_owned();
        for _ in 0..=self.roll(3) {
            let (one, other) = (self.place(&text), self.place(&text));
            let (from, to) = (one.min(other), one.max(other));
            let short = (from..=to.min(from + 12)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
            match self.roll(5) {
                0 => text.replace_range(from..short, ""),
                1 => {
                    let copy = text[from..to].to_owned();
                    text.insert_str(from, &copy);
                }
                2 => text.insert_str(to, GOOD[self.roll(GOOD.len())]),
                3 => text.replace_range(from..short, PIECES[self.roll(PIECES.len())]),
                _ => text.insert_str(from, PIECES[self.roll(PIECES.len())]),
            }
        }
        text
    }
}

#[test]
fn nothing_that_is_written_breaks_the_reader() {
    let mut dice = Dice(0x5eed_0f7a);
    let mut understood = 0;
    for _ in 0..3000 {
        let text = dice.mutated();
        match parse(&text, "Dockerfile") {
            Ok(all) => {
                understood += 1;
                use_it(&all, &text);
            }
            Err(error) => {
                assert!(matches!(error.kind(), Kind::Usage | Kind::Damaged | Kind::CannotKeep), "{error}");
                assert!(error.to_string().starts_with("Dockerfile"), "{error}\n{text}");
            }
        }
        if let Ok(patterns) = Patterns::parse(&text) {
            for path in ["a", "a/b/c", "README.md", text.lines().next().unwrap_or_default()] {
                let _ = (patterns.excludes(path), patterns.may_hold(path));
            }
        }
        let _ = wildcard::matches(text.lines().last().unwrap_or_default(), "README.md");
    }
    assert!(understood > 200, "only {understood} of the files could be read at all: the others tell little");
}

/// Everything that is done with a file.
fn use_it(all: &Dockerfile, text: &str) {
    let around = Around { arguments: &[], ignored: None, variables_of: &|_| None };
    let _ = check(all, text, "Dockerfile", &around);
    let lines = text.lines().count();
    let mut config = Map::new();
    for line in all.arguments.iter().chain(all.stages.iter().flat_map(|stage| &stage.lines)) {
        assert!((1..=lines).contains(&line.at.line) && line.end >= line.at.line && line.at.column > 0, "{:?}\n{text}", line.at);
        let again = parse_line(&line.whole(), all.escape).unwrap_or_else(|error| panic!("{error}\n{}\n{text}", line.whole()));
        // Places are others then, and only these.
        if !matches!(line.instruction, Instruction::Run(_) | Instruction::OnBuild(_)) {
            assert_eq!(again.instruction, line.instruction, "{text}");
        }
        let look_up = |name: &str| name.len().is_multiple_of(2).then(|| format!("{name} $x"));
        if let Ok(expanded) = expand::instruction(&line.instruction, all.escape, &look_up) {
            let _ = settings::apply(&mut config, &expanded, false);
        }
    }
}

#[test]
fn what_is_deep_or_long_ends_soon() {
    for text in [
        "FROM a\nENV a=".to_owned() + &"${b:-".repeat(25_000),
        "FROM a\nENV a=\"".to_owned() + &"${b:-\"".repeat(25_000),
        "FROM a\nCMD ".to_owned() + &"[".repeat(50_000),
        "FROM a\nCMD [".to_owned() + &"\"a\",".repeat(50_000) + "\"a\"]",
        "ONBUILD ".repeat(25_000),
        "FROM a\nRUN ".to_owned() + &"<<A ".repeat(25_000),
        "FROM a\nRUN ".to_owned() + &"<<A ".repeat(1000) + "\n" + &"A\n".repeat(1000),
        "FROM a\nRUN ".to_owned() + &"\\\n".repeat(100_000),
        "FROM a\nENV ".to_owned() + &"a=b ".repeat(25_000),
        "FROM a\n".repeat(60_000),
        (0..2000).map(|number| format!("FROM a{} AS a{number}\nENV {number}=$x{number}\n", number / 2)).collect(),
        "FROM scratch\nENV ".to_owned() + &(0..20_000).map(|number| format!("a_{number}_key=$b{number} ")).collect::<String>(),
        "FROM a\nRUN --mount=".to_owned() + &"target=/a,".repeat(50_000) + " b",
        "#".repeat(2_000_000),
        "FROM a\nCOPY ".to_owned() + &"a ".repeat(25_000),
        "FROM a\nRUN <<".to_owned() + &"'".repeat(25_000),
    ] {
        if let Ok(all) = parse(&text, "Dockerfile") {
            use_it(&all, &text);
        }
    }
}
