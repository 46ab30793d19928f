//! Words as they are written, and what becomes of them.

use super::*;

fn values(name: &str) -> Option<String> {
    let values = [("PWD", "/home"), ("SHELL", "bash"), ("KOREAN", "한국어"), ("NULL", ""), ("person", "/a/b/c.tar.gz"), ("two", "a b")];
    values.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).to_owned())
}

#[test]
fn words_are_expanded() {
    for (text, expected) in [
        ("hello", "hello"),
        ("he'll'o", "hello"),
        ("he\\'llo", "he'llo"),
        ("\"h\\\"i\\n\\\\\"", "h\"i\\n\\"),
        ("'a$PWD\\'", "a$PWD\\"),
        ("$PWD.", "/home."),
        ("${PWD}x$SHELL", "/homexbash"),
        ("$KOREAN", "한국어"),
        ("\\$PWD", "$PWD"),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("$1x$$", "x"),
        ("${NULL:-x}${NULL-y}${NONE:-z}${NONE-w}", "xzw"),
        ("${NULL:+x}${NULL+y}${PWD:+z}${NONE+w}", "yz"),
        ("${PWD:?x}${NULL?y}", "/home"),
        ("${NONE:-${PWD}/${NONE:-x}}", "/home/x"),
        ("${NONE:-\"a}b\"}", "a}b"),
        ("${NONE:-a\\}b}", "a}b"),
        ("${person#*/}|${person##*/}|${person%.*}|${person%%.*}", "a/b/c.tar.gz|c.tar.gz|/a/b/c.tar|/a/b/c"),
        ("${person#x}|${person%\\*}|${person#/?}|${person%%*}", "/a/b/c.tar.gz|/a/b/c.tar.gz|/b/c.tar.gz|"),
        ("${person/\\//_}|${person//\\//_}|${person/a*r/x}", "_a/b/c.tar.gz|_a_b_c.tar.gz|/x.gz"),
        ("\"$two\" '$two'", "a b $two"),
    ] {
        assert_eq!(word(text, '\\', &values).unwrap(), expected, "{text}");
    }
    assert_eq!(word("`$x \\ `\"", '`', &values).unwrap(), "$x \\ \"");
}

/// The corners of it, as BuildKit has them: `error` stands for a refusal.
#[test]
fn the_corners_are_docker_s() {
    for (text, expected) in [
        ("he'llo", "error"),
        ("he\\\\'llo", "error"),
        ("abc\\tdef", "abctdef"),
        ("\"abc\\tdef\"", "abc\\tdef"),
        ("\"abc\\\\tdef\"", "abc\\tdef"),
        ("'abc\\tdef'", "abc\\tdef"),
        ("hello\\", "hello"),
        ("hello\\\\", "hello\\"),
        ("\"hello\\\"", "error"),
        ("\"hel'lo\"", "hel'lo"),
        ("'hello\\'", "hello\\"),
        ("'hello\\\\there'", "hello\\\\there"),
        ("\"''\"", "''"),
        ("$.", "$."),
        ("he$1x", "hex"),
        ("he$pwd.", "he."),
        ("he\\\\$PWD", "he\\/home"),
        ("\"he\\$PWD\"", "he$PWD"),
        ("\"he\\\\$PWD\"", "he\\/home"),
        ("\\${}aaa", "${}aaa"),
        ("he${hi}xx", "hexx"),
        ("he${.}", "error"),
        ("he${XXX:-${YYY:-yyy}}xx", "heyyyxx"),
        ("he${XXX:YYY}", "error"),
        ("he${XXX:+${PWD}}xx", "hexx"),
        ("he${PWD:+${SHELL}}xx", "hebashxx"),
        ("he${PWD:+${PWD}:}xx", "he/home:xx"),
        ("'he${XX}'", "he${XX}"),
        ("\"he'$PWD'\"", "he'/home'"),
        ("'\"hello\"'", "\"hello\""),
        ("he${PWD:=000}xx", "error"),
        ("${PWD=000}", "error"),
        ("he${XXX:-\\$PWD:}xx", "he$PWD:xx"),
        ("he${XXX:-\\${PWD}z}xx", "he${PWDz}xx"),
        ("한${KOREAN}글", "한한국어글"),
        ("$@$*$#$?$-$!$0", ""),
    ] {
        let found = word(text, '\\', &values).unwrap_or_else(|_| "error".to_owned());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn patterns_cut_and_replace() {
    for (value, text, expected) in [
        ("()[]{}^$.*?|\\x", "${v#()[]{\\}^$.\\*\\?|\\\\}", "x"),
        ("xx**", "${v%%\\**}", "xx"),
        ("xxyy", "${v#*x*y}", "y"),
        ("xxyy", "${v#*}", "xxyy"),
        ("xxyy", "${v#}${v##}${v%}", "xxyyxxyyxxyy"),
        ("xxyy", "${v##*x}", "yy"),
        ("???y", "${v#?\\?}", "?y"),
        ("a***yy*", "${v%%\\**\\*}", "a"),
        ("a\nb", "${v##*}|${v%%?b}", "\nb|a\nb"),
        ("/foo*/*/*.txt", "${v/\\*\\//.} - ${v//\\*\\//.}", "/foo.*/*.txt - /foo..*.txt"),
        ("/tmp/tmp/bar.txt", "${v/$n/} - ${v//$n/}", "/tmp/bar.txt - /bar.txt"),
        ("/tmp/foo.txt", "${v//\\//\\/}", "\\/tmp\\/foo.txt"),
        ("xxyy", "${v/$NONE/ww}", "wwxxyy"),
        ("xxyy", "${v//x*y/[&]}", "[&]"),
        ("xy", "${v//$NONE/-}", "-x-y-"),
        ("xxyy", "${v///}", "xxyy"),
    ] {
        let look_up = |name: &str| match name {
            "v" => Some(value.to_owned()),
            "n" => Some("/tmp".to_owned()),
            _ => None,
        };
        assert_eq!(word(text, '\\', &look_up).unwrap(), expected, "{value} {text}");
    }
    assert!(word("${v//ww}", '\\', &values).is_err() && word("${v#\\}", '\\', &values).is_err());
}

#[test]
fn words_are_split_behind_the_expansion() {
    assert_eq!(words("$two \"$two\" c\\ d ''", '\\', &values).unwrap(), ["a", "b", "a b", "c d"]);
}

#[test]
fn heredocs_keep_their_quotes() {
    assert_eq!(heredoc("\"$PWD\" '$PWD' \\$PWD\n", &values).unwrap(), "\"/home\" '/home' $PWD\n");
}

#[test]
fn names_are_found_without_values() {
    assert_eq!(names("$a ${b:-$c} '$d' \"${e?x}\" ${a#x} \\$f ${g/\\[/$h}", '\\'), ["a", "c", "b", "e", "h", "g"].map(str::to_owned));
}

#[test]
fn what_cannot_be_read_is_refused() {
    for text in ["${", "${}", "${PWD", "${:x}", "${{x}}", "${PWD:x}", "${PWD!x}", "'a", "\"a", "${PWD:-x", "${PWD/a}", "${PWD#\\a}"] {
        assert!(word(text, '\\', &values).is_err(), "{text}");
    }
    let error = word("x${NONE:?so it is}", '\\', &values).unwrap_err();
    assert_eq!(error.to_string(), "cannot expand \"x${NONE:?so it is}\": NONE: so it is");
    assert!(word("${NULL:?}", '\\', &values).unwrap_err().to_string().ends_with("it must not be empty"));
}

#[test]
fn nothing_grows_without_end() {
    let long = |_: &str| Some("a".repeat(1 << 16));
    assert!(word(&"$a".repeat(100), '\\', &long).is_err());
    assert!(word("${a//a/$a}", '\\', &long).is_err());
    assert!(word(&format!("${{a##{}b}}", "*a".repeat(2000)), '\\', &long).is_err());
    assert!(check(&"${a:-".repeat(1000), '\\').is_err());
    assert!(check(&"\"${a:-".repeat(100_000), '\\').is_err());
}
