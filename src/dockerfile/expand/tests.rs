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
