//! Files as text, and the lines they are made of.

use super::*;

fn texts(text: &str) -> Vec<String> {
    read(text, "Dockerfile").unwrap().lines.into_iter().map(|line| line.text).collect()
}

fn refused(text: &str) -> String {
    read(text, "Dockerfile").unwrap_err().to_string()
}

#[test]
fn what_is_continued_is_one_line() {
    assert_eq!(texts("RUN a \\\n  b\\\nc\nUSER x"), ["RUN a   bc", "USER x"]);
    assert_eq!(texts("RUN a \\  \t\n b"), ["RUN a  b"], "blanks behind the escape");
    assert_eq!(texts("RUN a \\\n# a comment \\\n   # another\n b"), ["RUN a  b"]);
    assert_eq!(texts("RUN a \\\n\n\n b"), ["RUN a  b"]);
    assert_eq!(texts("RUN a \\\\\nUSER b"), ["RUN a \\\\", "USER b"], "an escaped escape continues nothing");
    assert_eq!(texts("RUN a \\"), ["RUN a "], "the end of the file ends everything");
    assert_eq!(texts("RUN \\\n\\\n a"), ["RUN  a"]);
    assert_eq!(texts("# escape=`\nRUN a `\n b \\\nUSER c"), ["RUN a  b \\", "USER c"]);
    assert_eq!(texts("  RUN a # no comment\n\t# a comment\n"), ["RUN a # no comment"]);
}

#[test]
fn files_of_other_systems_are_read() {
    assert_eq!(texts("\u{feff}FROM a\r\nRUN b \\\r\n c\r\n"), ["FROM a", "RUN b  c"]);
    let source = read("\u{feff}# escape=`\r\nRUN <<A\r\nx\r\nA\r\nUSER b", "f").unwrap();
    assert_eq!(source.directives.escape, '`');
    assert_eq!(source.lines[0].heredocs[0].content, "x\r\n");
    assert_eq!(source.lines[1].text, "USER b");
}

#[test]
fn every_byte_knows_its_place() {
    let line = read("\n  RUN aé \\\n# c\n   b", "f").unwrap().lines.remove(0);
    assert_eq!(line.text, "RUN aé    b");
    assert_eq!(line.place(0), Place { line: 2, column: 3 });
    assert_eq!(line.place(line.text.find('b').unwrap()), Place { line: 4, column: 4 });
    assert_eq!(line.place("RUN aé".len()), Place { line: 2, column: 9 });
    assert_eq!((line.end, line.piece(line.text.len() - 1)), (4, "   b"));
}

#[test]
fn comments_above_and_gaps_within_are_remembered() {
    let lines = read("# gone\n\n# one\n# two\nFROM a \\\n\n AS b\nRUN c", "f").unwrap().lines;
    assert_eq!((lines[0].comments.clone(), lines[0].gap), (vec!["one".to_owned(), "two".to_owned()], Some(6)));
    assert_eq!((lines[1].comments.len(), lines[1].gap), (0, None));
}

#[test]
fn heredocs_are_cut_off() {
    let source = read("RUN <<A cat - 3<<-\"B C\" >x\na $x\n# no comment\n\nA\n\t\tb\n\tB C\nUSER y", "f").unwrap();
    let line = &source.lines[0];
    let heredoc =
        |name: &str, content: &str, expand, descriptor| Heredoc { name: name.into(), content: content.into(), expand, descriptor };
    assert_eq!(line.heredocs, [heredoc("A", "a $x\n# no comment\n\n", true, 0), heredoc("B C", "b\n", false, 3)]);
    assert_eq!(line.below, "a $x\n# no comment\n\nA\n\t\tb\n\tB C\n");
    assert_eq!((line.end, source.lines[1].text.as_str()), (7, "USER y"));
}

#[test]
fn who_takes_heredocs_and_who_does_not() {
    let names = |line: &str| -> Vec<String> { heredoc::announced(line).into_iter().map(|(_, found)| found.heredoc.name).collect() };
    for (line, expected) in [
        ("RUN <<EOF", &["EOF"][..]),
        ("run --mount=type=tmpfs,target=/x cat <<EOF | sh", &["EOF"]),
        ("COPY <<a <<b /x/", &["a", "b"]),
        ("ADD --chown=1 <<'a' /x", &["a"]),
        ("ONBUILD RUN <<EOF", &["EOF"]),
        ("ONBUILD COPY --link <<EOF /x", &["EOF"]),
        ("RUN cat <<-EOF", &["EOF"]),
        ("RUN cat <<\\EOF", &["EOF"]),
        ("RUN cat <<EO\"F\"", &["EOF"]),
        ("RUN echo \"<<EOF\"", &[]),
        ("RUN echo '<<EOF'", &[]),
        ("RUN echo \\<<EOF", &[]),
        ("RUN cat << EOF", &[]),
        ("RUN cat <<<EOF", &[]),
        ("RUN echo $((1<<2))", &[]),
        ("RUN [\"cat\", \"<<EOF\"]", &[]),
        ("CMD cat <<EOF", &[]),
        ("ENV a=<<EOF", &[]),
        ("RUN", &[]),
    ] {
        assert_eq!(names(line), expected, "{line}");
    }
}

#[test]
fn what_has_no_end_is_refused() {
    assert_eq!(refused("FROM x\nRUN a && \\\n  cat <<EOF\nEOF x\n"), "Dockerfile:3:7: the heredoc EOF has no end: cat <<EOF");
    assert!(read(&"x".repeat(LARGEST + 1), "f").is_err());
    assert!(read_one("RUN a\nRUN b", '\\').is_err() && read_one(" \n# c", '\\').is_err());
}
