//! Patterns, paths, and whether they fit.

use super::*;

fn of(list: &[&str]) -> Patterns {
    Patterns::of(&list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn patterns_fit_as_in_docker() {
    for (pattern, path, expected) in [
        ("**", "file", true),
        ("**/", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir3/file", true),
        ("**file", "dir/file", true),
        ("**file", "dir/myfile", true),
        ("**file*", "dir/myfile", false),
        ("**/file", "dir/dir/file", true),
        ("**/file", "dir/myfile", false),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/file*.txt*", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ae", false),
        ("a[b-d]e", "ace", true),
        ("a[^b-d]e", "aze", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("abc?def", "abcdef", false),
        ("**/foo/bar", "foo/bar", true),
        ("**/foo/bar", "dir/dir2/foo/bar", true),
        ("abc/**", "abc", false),
        ("abc/**", "abc/def/ghi", true),
        ("**/.foo", ".foo", true),
        ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("dist/*.whl", "dist/a-2.4.0rc3.dev36+g08-py3.whl", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("a*", "ab/c", true),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
        ("[a-ζ]*", "α", true),
        ("docs/", "docs/a", true),
        ("./docs/../x", "x", true),
        ("../x", "x", false),
        ("/x", "x", false),
        (".", "x", false),
        ("  x  ", "x", true),
        ("x y", "x y", true),
        ("*", ".", false),
    ] {
        assert_eq!(of(&[pattern]).excludes(path), expected, "{pattern} {path}");
    }
}

#[test]
fn the_last_word_counts() {
    for (patterns, path, expected) in [
        (&["*.go", "!a.go"][..], "a.go", false),
        (&["!a.go", "*.go"], "a.go", true),
        (&["docs", "!docs/README.md"], "docs/README.md", false),
        (&["docs/*", "!docs/README.md"], "docs/x", true),
        (&["**", "!util/docker/web"], "util/docker/web/foo", false),
        (&["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", true),
        (&["**", "!util/docker/web"], "util", true),
        (&["*", "!*/a"], "b/a", false),
        (&["*.md", "!README*.md", "README-secret.md"], "README-secret.md", true),
        (&["*.md", "README-secret.md", "!README*.md"], "README-secret.md", false),
    ] {
        assert_eq!(of(patterns).excludes(path), expected, "{patterns:?} {path}");
    }
}

#[test]
fn a_file_of_patterns_is_read() {
    let patterns =
        Patterns::parse("\u{feff}# a comment\ntest1\n/test2\r\n\n  /a/./file/here  \n # none\n! /a/file/here/x\n../up\n/../top").unwrap();
    for (path, expected) in [
        ("test1", true),
        ("test2/below", true),
        ("a/file/here", true),
        ("a/file/here/x", false),
        ("a comment", false),
        ("# none", true),
        ("up", false),
        ("top", true),
    ] {
        assert_eq!(patterns.excludes(path), expected, "{path}");
    }
    assert!(Patterns::parse("# nothing\n\n").unwrap().is_empty());
    for (bad, line) in [("!", 1), ("a\n! ", 2), ("\n[", 2), ("x\n\na[", 3), ("\\", 1)] {
        assert!(Patterns::parse(bad).unwrap_err().to_string().starts_with(&format!("line {line}")), "{bad:?}");
    }
    assert!(Patterns::parse(&"a\n".repeat(MOST + 1)).is_err() && of(&["", " "]).is_empty());
    assert!(Patterns::of(&["x".repeat(LONGEST + 1)]).is_err());
}

#[test]
fn only_directories_that_may_hold_something_are_looked_into() {
    for (patterns, directory, expected) in [
        (&["*"][..], "a", false),
        (&["*", "!a/b"], "a", true),
        (&["*", "!a/b/c"], "a/b", true),
        (&["*", "!a/b"], "c", false),
        (&["*", "!*.md"], "a", false),
        (&["*", "!*/x"], "a", true),
        (&["*", "!*/x"], "a/b", false),
        (&["*", "!**/*.md"], "a/b", true),
        (&["*", "!**md"], "a/b", true),
        (&["**", "!a"], "a", true),
        (&["!a", "a/b"], "a/b", false),
        (&["!a/b/c", "a"], "a", false),
        (&["a", "!a/b/c", "a/d"], "a", true),
        (&["sub", "!sub/b.txt"], "sub/a.txt", false),
        (&["sub", "!sub\\/b"], "sub", true),
    ] {
        assert_eq!(of(patterns).may_hold(directory), expected, "{patterns:?} {directory}");
    }
}

#[test]
fn no_pattern_takes_for_ever() {
    let patterns = of(&[&format!("{}z", "**/*a".repeat(500)), &format!("{}b", "*a".repeat(1000))]);
    assert!(!patterns.excludes(&"aaa/".repeat(1000)));
}
