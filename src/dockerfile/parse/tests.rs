//! Lines, the instructions they become, and what is said of those that are wrong.

use super::*;
use crate::dockerfile::instruction::{Command, Copy, MountKind, Place, Sharing};

fn one(line: &str) -> Instruction {
    parse_line(line, '\\').unwrap_or_else(|error| panic!("{line}: {error}")).instruction
}

/// What is said of a line behind a FROM, and the hint.
fn refused(line: &str) -> String {
    let error = parse(&format!("FROM a\n{line}"), "Dockerfile").expect_err(line);
    assert!(matches!(error.kind(), Kind::Usage | Kind::Damaged | Kind::CannotKeep), "{line}");
    format!("{error} ({})", error.hint_text().unwrap_or_else(|| panic!("{line}: no hint")))
}

fn strings<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

#[test]
fn lines_become_stages() {
    let text = "# syntax=x\nARG V=1\nARG W\nfrom --platform=$P debian:$V as Base-1\nRUN a\n\nFROM Base-1\nCMD b\n";
    let all = parse(text, "Dockerfile").unwrap();
    assert_eq!((all.syntax.as_deref(), all.arguments.len(), all.stages.len()), (Some("x"), 2, 2));
    let first = &all.stages[0];
    assert_eq!((first.base.as_str(), first.name.as_deref(), first.platform.as_deref()), ("debian:$V", Some("base-1"), Some("$P")));
    assert_eq!((first.from.at, first.lines[0].at), (Place { line: 4, column: 1 }, Place { line: 5, column: 1 }));
    assert_eq!((all.stages[1].name.as_deref(), all.stages[1].lines[0].text.as_str()), (None, "CMD b"));
}

#[test]
fn names_and_values() {
    let pairs_of = |line: &str| match one(line) {
        Instruction::Env(pairs) | Instruction::Label(pairs) => pairs,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        pairs_of("ENV a=1 b=\"two words\" c='x'y d=e\\ f"),
        pairs([("a", "1"), ("b", "\"two words\""), ("c", "'x'y"), ("d", "e\\ f")])
    );
    assert_eq!(pairs_of("ENV a  b \"c\"  d"), pairs([("a", "b \"c\"  d")]));
    assert_eq!(pairs_of("LABEL \"a b\"=c d= e=f=g"), pairs([("\"a b\"", "c"), ("d", ""), ("e", "f=g")]));
    assert_eq!(
        one("ARG a b=c d= e=\"f g\""),
        Instruction::Arg(vec![
            ("a".into(), None),
            ("b".into(), Some("c".into())),
            ("d".into(), Some(String::new())),
            ("e".into(), Some("\"f g\"".into()))
        ])
    );
}

#[test]
fn commands_in_both_forms() {
    let shell = |text: &str| Command::Shell(text.to_owned());
    assert_eq!(one("CMD  echo  $x "), Instruction::Cmd(shell("echo  $x")));
    assert_eq!(one("CMD [\"a b\", \"\\u00e9\"]"), Instruction::Cmd(Command::Exec(strings(["a b", "é"]))));
    assert_eq!(one("CMD []"), Instruction::Cmd(Command::Exec(vec![])));
    assert_eq!(one("ENTRYPOINT [\"a\", ]"), Instruction::Entrypoint(shell("[\"a\", ]")), "a damaged array is a line for the shell");
    assert_eq!(one("ENTRYPOINT ['a']"), Instruction::Entrypoint(shell("['a']")));
    assert_eq!(one("SHELL [\"/bin/bash\", \"-c\"]"), Instruction::Shell(strings(["/bin/bash", "-c"])));
    let Instruction::Run(run) = one("RUN --network=none --security=sandbox -- --x") else { panic!() };
    assert_eq!((run.command, run.network.as_deref(), run.security.as_deref()), (shell("--x"), Some("none"), Some("sandbox")));
    let Instruction::Run(run) = one("RUN <<EOF sh\na\nEOF") else { panic!() };
    assert_eq!((run.command, run.heredocs[0].content.as_str()), (shell("<<EOF sh"), "a\n"));
}

#[test]
fn mounts_field_by_field() {
    let Instruction::Run(run) = one(
        "RUN --mount=type=cache,target=/c,sharing=LOCKED,uid=1,mode=0700 --mount=\"from=x,src=a b,dst=/y,rw\" --mount=id=$ID,type=secret,required true",
    ) else {
        panic!()
    };
    let [cache, bind, secret] = &run.mounts[..] else { panic!("{run:?}") };
    assert_eq!((cache.kind, cache.target.as_deref(), cache.sharing), (MountKind::Cache, Some("/c"), Some(Sharing::Locked)));
    assert_eq!((cache.uid, cache.mode, cache.read_only), (Some(1), Some(0o700), None));
    assert_eq!(
        (bind.kind, bind.from.as_deref(), bind.source.as_deref(), bind.read_only),
        (MountKind::Bind, Some("x"), Some("a b"), Some(false))
    );
    assert_eq!((secret.kind, secret.id.as_deref(), secret.required), (MountKind::Secret, None, Some(true)));
    let secret = secret.expanded(&|name| (name == "ID").then(|| "key".to_owned())).unwrap();
    assert_eq!((secret.kind, secret.id.as_deref(), secret.required), (MountKind::Secret, Some("key"), Some(true)));
}

#[test]
fn files_and_their_flags() {
    let Instruction::Copy(copy) = one("COPY --from=b --chown=1:2 --chmod=u=rwX --link --parents=false --exclude=a --exclude=b* x y$z /d/")
    else {
        panic!()
    };
    let expected = Copy {
        sources: strings(["x", "y$z"]),
        target: "/d/".into(),
        from: Some("b".into()),
        chown: Some("1:2".into()),
        chmod: Some("u=rwX".into()),
        link: true,
        exclude: strings(["a", "b*"]),
        ..Copy::default()
    };
    assert_eq!(copy, expected);
    let Instruction::Copy(copy) = one("COPY [\"a b\", \"c d\"]") else { panic!() };
    assert_eq!((copy.sources, copy.target.as_str()), (strings(["a b"]), "c d"));
    let Instruction::Add(add) = one("ADD --checksum=sha256:ab --unpack --keep-git-dir=TRUE http://x /") else { panic!() };
    assert_eq!((add.checksum.as_deref(), add.unpack, add.keep_git_dir), (Some("sha256:ab"), Some(true), true));
    let Instruction::Copy(copy) = one("COPY <<a x <<-'b' /d/\n1\na\n\t2\nb") else { panic!() };
    assert_eq!((copy.sources.clone(), copy.target.as_str()), (strings(["x"]), "/d/"));
    let heredocs: Vec<_> = copy.heredocs.iter().map(|have| (have.name.as_str(), have.content.as_str(), have.expand)).collect();
    assert_eq!(heredocs, [("a", "1\n", true), ("b", "2\n", false)]);
}

#[test]
fn the_others() {
    assert_eq!(one("WORKDIR a b"), Instruction::Workdir("a b".into()));
    assert_eq!(one("USER ${u:-x}:y"), Instruction::User("${u:-x}:y".into()));
    assert_eq!(one("EXPOSE 80  81/udp"), Instruction::Expose(strings(["80", "81/udp"])));
    assert_eq!(one("VOLUME /a [b"), Instruction::Volume(strings(["/a", "[b"])));
    assert_eq!(one("VOLUME [\"/a b\"]"), Instruction::Volume(strings(["/a b"])));
    assert_eq!(one("STOPSIGNAL 9"), Instruction::StopSignal("9".into()));
    assert_eq!(one("MAINTAINER A \"B"), Instruction::Maintainer("A \"B".into()));
    let Instruction::Healthcheck(check) = one("HEALTHCHECK --interval=5s --retries=3 cmd test -e /x") else { panic!() };
    assert_eq!((check.test, check.interval, check.retries), (strings(["CMD-SHELL", "test -e /x"]), 5_000_000_000, 3));
    let Instruction::Healthcheck(check) = one("HEALTHCHECK none") else { panic!() };
    assert_eq!(check.test, ["NONE"]);
    let Instruction::OnBuild(line) = one("ONBUILD  COPY <<EOF /x\na\nEOF\n") else { panic!() };
    assert_eq!((line.text.as_str(), line.whole().as_str()), ("COPY <<EOF /x", "COPY <<EOF /x\na\nEOF"));
    assert_eq!(parse_line(&line.whole(), '\\').unwrap().instruction, line.instruction);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (line, expected) in [
        ("COPY --frm=x a b", "Dockerfile:2:6: unknown flag --frm of COPY: COPY --frm=x a b (did you mean --from?)"),
        ("ENV --x a=b", "Dockerfile:2:5: unknown flag --x of ENV: ENV --x a=b (ENV has no flags)"),
        ("RNU x", "Dockerfile:2:1: unknown instruction RNU: RNU x (did you mean RUN?)"),
        (
            "RUN a \\\n  && b\n  && c",
            "Dockerfile:4:3: unknown instruction &&: && c (if it belongs to the line before, that one must end with a backslash)",
        ),
        ("COPY a", "Dockerfile:2:1: COPY needs a source and a target: COPY a (COPY SOURCE… TARGET)"),
        ("ENV a=b \\\n  c", "Dockerfile:3:3: there is no = in c: c (quotes hold blanks together: NAME=\"a value\")"),
        ("ENV a", "Dockerfile:2:5: there is no value for a: ENV a (ENV a=VALUE)"),
        (
            "FROM a AS 1",
            "Dockerfile:2:11: \"1\" is no name for a stage: FROM a AS 1 (letters, digits, dots, dashes and underscores, beginning with a letter)",
        ),
        ("FROM a b", "Dockerfile:2:8: FROM takes one image, and a name behind AS: FROM a b (FROM IMAGE AS NAME)"),
        ("WORKDIR ${a", "Dockerfile:2:9: cannot expand \"${a\": a } is missing: WORKDIR ${a (write ${NAME})"),
        (
            "RUN --mount=type=chache,target=/x y",
            "Dockerfile:2:5: unknown type \"chache\" of --mount: RUN --mount=type=chache,target=/x y (did you mean cache?)",
        ),
        ("SHELL sh", "Dockerfile:2:7: SHELL needs a JSON array: SHELL sh (SHELL [\"/bin/bash\", \"-c\"])"),
        ("CMD [1]", "Dockerfile:2:5: only texts may stand in the array: CMD [1] (put each word in double quotes)"),
        ("COPY x <<EOF\nEOF", "Dockerfile:2:8: a heredoc cannot be the target: COPY x <<EOF (COPY <<EOF /TARGET)"),
    ] {
        assert_eq!(refused(line), expected);
    }
}

#[test]
fn nonsense_is_refused() {
    for line in [
        "ENV",
        "ENV =b",
        "ENV a=\"b",
        "ENV a=${}",
        "LABEL a=b c",
        "ARG",
        "ARG =x",
        "RUN",
        "RUN []",
        "CMD",
        "ENTRYPOINT",
        "WORKDIR",
        "USER",
        "EXPOSE",
        "VOLUME",
        "VOLUME []",
        "VOLUME [\"\"]",
        "STOPSIGNAL",
        "SHELL []",
        "MAINTAINER",
        "HEALTHCHECK",
        "HEALTHCHECK CMD",
        "HEALTHCHECK CMD []",
        "HEALTHCHECK RUN x",
        "HEALTHCHECK --interval=1ns CMD x",
        "HEALTHCHECK --retries=-1 CMD x",
        "ONBUILD FOO x",
        "FROM",
        "FROM a as",
        "FROM a as b c",
        "FROM --platform a",
        "FROM a AS B~",
        "COPY --link=maybe a b",
        "COPY --link --link a b",
        "COPY --from= a b",
        "COPY --from=$x a b",
        "ADD --from=x a b",
        "ADD --parents a b",
        "RUN --network=some x",
        "RUN --security=much x",
        "RUN --mount=x y",
        "RUN --mount=type=bind,target=/x,from=$y z",
        "RUN --mount=type=tmpfs,target=/x,uid=1 y",
        "RUN --mount=type=secret x",
        "RUN --mount=type=cache,target=/x,mode=9 y",
        "RUN --mount=type=bind y",
        "RUN --device=x y",
        "RUN --mount=type=secret,id=a,src=b x",
        "RUN --mount=\"target=/x,\"\"y\" z",
    ] {
        assert!(parse(&format!("FROM a\n{line}"), "f").is_err(), "{line}");
    }
    for line in ["HEALTHCHECK NONE x", "ONBUILD ONBUILD RUN x", "ONBUILD FROM x", "ONBUILD maintainer x", "ONBUILD"] {
        assert!(parse(&format!("FROM a\n{line}"), "f").is_err(), "{line}");
    }
    for file in ["", "# only a comment", "RUN x\nFROM y", "ARG x", "LABEL a=b"] {
        assert!(parse(file, "f").is_err(), "{file:?}");
    }
}
