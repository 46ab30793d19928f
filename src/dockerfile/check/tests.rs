//! Each rule on the smallest files that break it, and on those that do not.

use super::*;
use crate::dockerfile::parse;

/// The rules that a file breaks, each with its line.
fn broken(text: &str) -> Vec<(&'static str, usize)> {
    broken_with(text, &[], None)
}

fn broken_with(text: &str, arguments: &[(&str, &str)], ignored: Option<&str>) -> Vec<(&'static str, usize)> {
    findings(text, arguments, ignored).warnings.iter().map(|warning| (warning.rule, warning.at.line)).collect()
}

fn findings(text: &str, arguments: &[(&str, &str)], ignored: Option<&str>) -> Findings {
    let arguments: Vec<_> = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let ignored = ignored.map(|text| Patterns::parse(text).unwrap());
    let variables_of = |base: &str| (base == "known").then(|| vec!["HERE".to_owned()]);
    let around = Around { arguments: &arguments, ignored: ignored.as_ref(), variables_of: &variables_of };
    let all = parse(text, "Dockerfile").unwrap_or_else(|error| panic!("{text}: {error}"));
    check(&all, text, "Dockerfile", &around).unwrap()
}

#[test]
fn a_good_file_breaks_nothing() {
    let text = "# syntax=docker/dockerfile:1\nARG V=1\nFROM --platform=$BUILDPLATFORM debian:$V AS build\nARG A\nENV B=$A\nWORKDIR /w\nCOPY $B .\nRUN <<EOT\nfrom x\nEOT\n\nFROM build\nWORKDIR sub\nCMD [\"a\"]\n";
    assert_eq!(broken(text), []);
}

#[test]
fn each_rule_says_where_it_is_broken() {
    for (text, expected) in [
        ("FROM a AS Bad\n", &[("StageNameCasing", 1)][..]),
        ("FROM a as b\n", &[("FromAsCasing", 1)]),
        ("from a AS b\n", &[("FromAsCasing", 1)]),
        ("From a as b\nFROM a AS c", &[("ConsistentInstructionCasing", 1)]),
        ("frOM a as b\nfrom a as c", &[("ConsistentInstructionCasing", 1)]),
        ("FROM a\ncopy b c\nCOPY b d", &[("ConsistentInstructionCasing", 2)]),
        ("from a\nCOPY b c\ncopy b d", &[("ConsistentInstructionCasing", 2)]),
        ("from a\nCOPY b c\nCOPY b d", &[("ConsistentInstructionCasing", 1)]),
        ("FROM a\nCOPY b \\\n\n .", &[("NoEmptyContinuation", 2)]),
        ("FROM a AS b\nFROM a AS b", &[("DuplicateStageName", 2)]),
        ("FROM a AS scratch\nFROM a AS context", &[("ReservedStageName", 1), ("ReservedStageName", 2)]),
        ("FROM scratch\nFROM scratch AS a", &[]),
        ("FROM a\nCMD b", &[("JSONArgsRecommended", 2)]),
        ("FROM a\nENTRYPOINT b", &[("JSONArgsRecommended", 2)]),
        ("FROM a AS b\nSHELL [\"sh\"]\nFROM b\nCMD c", &[]),
        ("FROM a\nSHELL [\"sh\"]\nCMD ['c']", &[("JSONArgsRecommended", 3)]),
        ("FROM a\nRUN --network=none [\"b\", ]", &[("JSONArgsRecommended", 2)]),
        ("FROM a\nRUN [ -f x ]\nVOLUME ['/b']", &[("JSONArgsRecommended", 3)]),
        ("FROM a\nHEALTHCHECK CMD ['b']", &[("JSONArgsRecommended", 2)]),
        ("FROM a\nMAINTAINER b", &[("MaintainerDeprecated", 2)]),
        ("FROM a\nWORKDIR b/\nWORKDIR c", &[("WorkdirRelativePath", 2)]),
        ("FROM a AS b\nWORKDIR /b\nFROM b\nWORKDIR c", &[]),
        ("FROM a\nENV B=/\nWORKDIR $B", &[]),
        (
            "FROM a\nCMD []\nENTRYPOINT []\nHEALTHCHECK NONE\nRUN b\nCMD []\nENTRYPOINT []\nHEALTHCHECK NONE",
            &[("MultipleInstructionsDisallowed", 2), ("MultipleInstructionsDisallowed", 3), ("MultipleInstructionsDisallowed", 4)],
        ),
        ("FROM a AS b\nCMD []\nFROM b\nCMD []", &[]),
        ("FROM a\nENV b c\nLABEL b c", &[("LegacyKeyValueFormat", 2), ("LegacyKeyValueFormat", 3)]),
        ("FROM a\nENV b=c d=e\nLABEL \"b c\"=d", &[]),
        ("FROM --platform=$TARGETPLATFORM a", &[("RedundantTargetPlatform", 1)]),
        ("FROM --platform=${TARGETPLATFORM} a", &[("RedundantTargetPlatform", 1)]),
        ("FROM --platform=linux/amd64 a", &[("FromPlatformFlagConstDisallowed", 1)]),
        ("FROM --platform=linux/amd64 a AS my_amd64_stage", &[]),
        ("FROM a\nARG GIT_TOKEN\nENV password=b other=c", &[("SecretsUsedInArgOrEnv", 2), ("SecretsUsedInArgOrEnv", 3)]),
        ("FROM a\nEXPOSE 80/TcP 81/udp", &[("ExposeProtoCasing", 2)]),
        ("FROM a\nEXPOSE 127.0.0.1:80:80 5000:5000 8000 ${A:-1}", &[("ExposeInvalidFormat", 2), ("ExposeInvalidFormat", 2)]),
    ] {
        assert_eq!(broken(text), expected, "{text}");
    }
}

#[test]
fn variables_are_defined_before_they_are_used() {
    for (text, expected) in [
        ("ARG base=a\nFROM $base", &[][..]),
        ("FROM --platform=$BULIDPLATFORM a", &[("UndefinedArgInFrom", 1)]),
        ("ARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} a", &[("UndefinedArgInFrom", 2)]),
        ("ARG tag=b\nFROM a:${tag}${version}", &[("UndefinedArgInFrom", 2)]),
        ("ARG V\nFROM a:$V", &[("InvalidDefaultArgInFrom", 2)]),
        ("ARG I\nFROM $I", &[("InvalidDefaultArgInFrom", 2)]),
        ("ARG S=\"box:\"\nFROM busy${S}", &[("InvalidDefaultArgInFrom", 2)]),
        ("ARG S\nFROM busybox:stable${S}", &[]),
        ("ARG S\nFROM scra${S:-tch}", &[]),
        ("ARG A=a\nARG B=$A:1\nFROM $B", &[]),
        ("FROM scratch\nARG foo\nCOPY a${foo} .", &[]),
        ("FROM scratch AS b\nARG foo=a\nFROM b\nCOPY $foo .", &[]),
        ("FROM scratch\nCOPY $foo .\nARG foo=bar", &[("UndefinedVar", 2)]),
        ("FROM unknown\nCOPY $JAVA_HOME .", &[]),
        ("FROM unknown\nARG DIR_ASSETS\nCOPY $DIR_ASSET .", &[("UndefinedVar", 3)]),
        ("FROM unknown\nENV PATH=$PAHT:/b", &[("UndefinedVar", 2)]),
        ("FROM known\nCOPY $HERE $THERE", &[("UndefinedVar", 2)]),
        ("FROM scratch\nRUN echo $foo\nCOPY <<A <<'B' /\n$foo\nA\n$bar\nB", &[("UndefinedVar", 3)]),
    ] {
        assert_eq!(broken(text), expected, "{text}");
    }
    let message = &findings("FROM unknown\nENV PATH=$PAHT:/b", &[], None).warnings[0];
    assert_eq!((message.message.as_str(), message.at.column), ("$PAHT is not defined; did you mean PATH?", 11));
}

#[test]
fn what_is_copied_is_not_excluded() {
    let rule = |line| ("CopyIgnoredFile", line);
    for (text, ignored, expected) in [
        ("FROM a\nCOPY x .\nADD ./x /y", "x", &[rule(2), rule(3)][..]),
        ("FROM a AS b\nCOPY --from=b x .\nADD https://h/x $x /\nCOPY <<x /\nx", "x", &[]),
        ("FROM a\nCOPY ./x .", "**\n!x", &[]),
        ("FROM a\nCOPY . .", "**\n!x", &[]),
        ("FROM a\nCOPY . .", "*", &[rule(2)]),
        ("FROM a\nCOPY . .", ".*", &[]),
        ("FROM a\nCOPY sub/a.txt /", "sub\n!sub/b.txt", &[rule(2)]),
        ("FROM a\nCOPY sub/a.txt /", "!sub/a.txt\nsub", &[rule(2)]),
        ("FROM a\nCOPY sub /", "sub\n!sub/a.txt", &[]),
        ("FROM a\nCOPY sub/*.txt /", "sub\n!sub/a.txt", &[]),
        ("FROM a\nCOPY sub/*.txt /", "sub\n!other", &[rule(2)]),
        ("FROM a\nCOPY su.b /", "su.b\n!su\\.b/keep", &[]),
    ] {
        assert_eq!(broken_with(text, &[], Some(ignored)), expected, "{text} {ignored}");
    }
}

#[test]
fn who_asks_for_less_is_heard() {
    let two = "FROM scratch as base\ncopy a .\nCOPY a b\n";
    assert_eq!(broken(two).len(), 2);
    for (directive, expected, is_error) in [
        ("skip=all", 0, false),
        ("skip=all;error=true", 0, false),
        ("skip=ConsistentInstructionCasing, fromascasing", 0, false),
        ("skip=ConsistentInstructionCasing;error=true", 1, true),
        ("error=1", 2, true),
        ("error=false", 2, false),
    ] {
        let found = findings(&format!("# check={directive}\n{two}"), &[], None);
        assert_eq!((found.warnings.len(), found.is_error), (expected, is_error), "{directive}");
        let asked = findings(&format!("# check=skip=all\n{two}"), &[("BUILDKIT_DOCKERFILE_CHECK", directive)], None);
        assert_eq!(asked.warnings.len(), expected, "{directive}");
    }
    let here = "FROM a\n# check=skip=SecretsUsedInArgOrEnv // a test\nENV password=b\n# check=skip=all\nARG token\nENV secret=c";
    assert_eq!(broken(here), [("SecretsUsedInArgOrEnv", 6)]);
    let text = "# check=skp=all\nFROM a";
    let around = Around { arguments: &[], ignored: None, variables_of: &|_| None };
    let error = check(&parse(text, "D").unwrap(), text, "D", &around).unwrap_err();
    assert_eq!(error.to_string(), "D:1:1: unknown option \"skp\" of the directive check");
}

#[test]
fn descriptions_begin_with_a_name_for_those_who_try_it() {
    let good = "# foo this is foo\nARG foo=bar\n\n# base is the base\nFROM scratch AS base\n# baz is baz\nARG foo=baz bar=qux baz=quux\n# apart\n#\nARG bit\n# what is copied\nCOPY a b\n# unnamed\nFROM a\n";
    let bad = "# bar is\nARG foo=bar\n# BasE is\nFROM scratch AS base\n# bad\nARG version\n# bad\nARG foo bar\n";
    assert_eq!(broken(bad), []);
    assert_eq!(broken(&format!("# check=experimental=InvalidDefinitionDescription\n{good}")), []);
    let lines: Vec<usize> = broken(&format!("# check=experimental=all\n{bad}")).into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, [3, 5, 7, 9]);
}
