//! Its command could not be executed (126) or was not found (127): looked up in its files, part by part.

use super::super::elf::{machine_name, runs_on};
use super::super::files::Owned;
use super::super::program::{Kind, Program};
use super::super::{Certainty, Evidence, Finding};
use super::start::EXECUTE;
use super::{flag_of, mount_above};
use crate::explain::live::mounts;
use crate::options::Mount;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let (Some(program), Some(ended)) = (&evidence.program, &evidence.ended) else { return Vec::new() };
    // Executed by us, or its loader has failed: else the code is the command's own.
    let is_ours = ended.error.contains(EXECUTE);
    let loader = evidence.line_with(&["error while loading shared libraries", "error loading shared library"]);
    let finding = match () {
        () if loader.is_some() => library(program, loader.unwrap_or_default()),
        () if is_ours => executed(evidence, program).shown(format!("tare said: {}", ended.error)),
        () if evidence.not_found.is_some() => in_a_shell(evidence, program),
        () => return Vec::new(),
    };
    vec![finding]
}

/// A shell in it, or env, has looked for the program in vain.
fn in_a_shell(evidence: &Evidence, program: &Program) -> Finding {
    let finding = executed(evidence, program);
    // It may have been looked for elsewhere, by another PATH, or not have been there yet.
    Finding { certainty: Certainty::Likely, ..finding }.shown(format!("it wrote: {}", evidence.last_line().unwrap_or_default()))
}

fn executed(evidence: &Evidence, program: &Program) -> Finding {
    let word = &program.word;
    if evidence.was_denied
        && let Some(finding) = denied(evidence, program)
    {
        return finding;
    }
    let Some(path) = &program.path else { return not_there(evidence, program) };
    match &program.kind {
        Kind::Directory => Finding::known(format!("{path} is a directory, and cannot be executed")),
        Kind::Script { interpreter, is_there: false } if !evidence.was_denied => no_interpreter(evidence, path, interpreter),
        _ if !program.is_executable => Finding::known(format!("{path} is there, but nobody may execute it: its mode has no x"))
            .attempt(match mount_above(evidence, path) {
                Some(mount) => format!("chmod +x, of the file that is mounted at {}", mount.target()),
                None => format!("in the Dockerfile: RUN chmod +x {path}, or COPY --chmod=755"),
            })
            .attempt(format!("{}, if it is a shell script", by_a_shell(evidence, path, word))),
        Kind::Empty => Finding::known(format!("{path} is an empty file")),
        Kind::Other => Finding::known(format!("{path} is neither a program (ELF) nor a script that begins with #!"))
            .attempt(format!("if it is a script, let its first line be #!/bin/sh; or {}", by_a_shell(evidence, path, word))),
        Kind::Elf | Kind::Script { .. } | Kind::Nothing => binary(evidence, program, path),
    }
}

/// "Permission denied" (EACCES) is never said of what is not there: a mount, or a mode, forbids it. execve(2)
fn denied(evidence: &Evidence, program: &Program) -> Option<Finding> {
    let path = program.path.as_ref().or(program.place.as_ref()).filter(|path| path.starts_with('/'));
    if let Some(path) = path
        && let Some(mounted) = mounts::above(&evidence.mounts, path).filter(|mounted| mounted.is_closed_to_programs())
    {
        let (target, kind) = (&mounted.target, &mounted.kind);
        let finding = Finding::likely(format!("{path} lies in the mount {target}, from which nothing may be executed (noexec)"))
            .shown(format!("mounted: {target} ({kind}, noexec); the kernel says EACCES then, whatever the file's mode: execve(2)"));
        return Some(match mount_above(evidence, path) {
            Some(Mount::Tmpfs { target, .. }) => finding
                .shown("a tmpfs is in memory and not in the layers, so what lay there is gone with the run")
                .attempt(format!("allow it: tare run --tmpfs {target}:exec … (a tmpfs of tare's is noexec by default)")),
            _ => finding.attempt("put the program somewhere else: into the image, or a volume"),
        });
    }
    if let Some((closed, uid)) = &program.closed {
        return Some(closed_to(evidence, program, closed, *uid));
    }
    if program.path.is_some() {
        return None;
    }
    let finding = Finding::likely(format!("there was a file {}, and its mode or its mount forbade to execute it", program.word))
        .shown("for what is not there the kernel has another answer (ENOENT): execve(2)");
    Some(
        match path.and_then(|path| mount_above(evidence, path)) {
            Some(Mount::Tmpfs { target, .. }) => {
                finding.shown(format!("{target} is a tmpfs, in memory and not in the layers: what lay there is gone with the run"))
            }
            _ => finding.shown("among its files, as they are now, it is not to be found"),
        }
        .attempt("chmod +x, if it is a program or a script"),
    )
}

fn closed_to(evidence: &Evidence, program: &Program, closed: &Owned, uid: u32) -> Finding {
    let path = program.path.as_deref().unwrap_or(&program.word);
    let mode = format!("has mode {:03o} and belongs to {}:{}", closed.mode & 0o7777, closed.uid, closed.gid);
    let finding = match closed.is_directory() && closed.path != path {
        true => Finding::likely(format!("user {uid} may not pass through {} on the way to {path}: it {mode}", closed.path)),
        false => Finding::likely(format!("user {uid} may not execute {path}: it {mode}")),
    };
    let finding = finding.shown("the kernel wants an x for the user at each directory on the way and at the file: path_resolution(7)");
    let finding = match mount_above(evidence, &closed.path) {
        Some(mount) => finding.attempt(format!("chmod a+x, of what is mounted at {}", mount.target())),
        None => finding.attempt(format!("in the Dockerfile: RUN chmod a+x {}", closed.path)),
    };
    finding.attempt(format!("or run it as its owner: tare run -u {} …", closed.uid))
}

fn not_there(evidence: &Evidence, program: &Program) -> Finding {
    let word = &program.word;
    if let Some(Mount::Tmpfs { target, .. }) = program.place.as_ref().and_then(|place| mount_above(evidence, place)) {
        return Finding::likely(format!("there was no {word}, or its interpreter or loader was missing")).shown(format!(
            "{target} is a tmpfs, in memory and not in the layers: what lay there is gone with the run, and cannot be looked at"
        ));
    }
    let mut finding = match program.searched.is_empty() {
        true => Finding::known(format!("there is no {word} among its files")),
        false => Finding::known(format!("no directory of its PATH has a program called {word}"))
            .shown(format!("PATH  {}", program.searched.join(":"))),
    };
    if word.contains(' ') {
        finding = finding
            .shown("the word has a blank in it: the whole text is taken for the name of one program")
            .attempt(format!("without the quotation marks, or by a shell: tare run {} sh -c '{word}'", evidence.image));
    }
    if word.starts_with('-') {
        finding = finding.shown("the word begins with a dash: a flag for tare stands before the image, one behind it is the command");
    }
    if let Some(similar) = program.similar.as_ref().filter(|_| !program.has_only_sh) {
        finding = finding.attempt(format!("did you mean {similar}?"));
    }
    if program.has_only_sh {
        finding = finding.attempt(format!("small images have sh and no bash: tare run -it {} sh", evidence.image));
    }
    finding.attempt(format!("look what is there: tare run --rm -it --entrypoint sh {}", evidence.image))
}

fn no_interpreter(evidence: &Evidence, path: &str, interpreter: &str) -> Finding {
    if let Some(plain) = interpreter.strip_suffix('\r') {
        return Finding::known(format!("{path} has line ends of Windows: its first line asks for {plain:?} with a carriage return behind it, and there is no such program"))
            .attempt(format!("sed -i 's/\\r$//' {}, and build again", path.rsplit('/').next().unwrap_or(path)));
    }
    let finding = Finding::known(format!("{path} is a script for {interpreter}, and there is no {interpreter} among its files"))
        .shown(format!("its first line: #!{interpreter}"))
        .shown("the kernel answers \"no such file\" (ENOENT) for a missing interpreter as well as for a missing script: execve(2)");
    match interpreter.rsplit('/').next() {
        Some("bash") => finding
            .attempt("let it begin with #!/bin/sh, if it is a plain script; or install bash (apk add bash)")
            .attempt(by_a_shell(evidence, path, path)),
        _ => finding.attempt(format!("install {interpreter} in the image, or name one that is there")),
    }
}

fn binary(evidence: &Evidence, program: &Program, path: &str) -> Finding {
    let Some(elf) = &program.elf else {
        return Finding::known(format!("{path} is there and could not be executed"));
    };
    if !runs_on(elf, evidence.architecture) {
        return Finding::known(format!("{path} was built for {}, and this machine is {}", machine_name(elf), evidence.architecture))
            .shown(format!("its ELF header: machine {}, {} bits", elf.machine, elf.bits))
            .attempt(format!(
                "take the image for this machine: tare pull --platform linux/{} {}",
                docker_name(evidence.architecture),
                evidence.image
            ))
            .attempt("or let the host emulate it: qemu-user-static with binfmt_misc");
    }
    match &elf.loader {
        // Of a missing loader the kernel says ENOENT.
        Some(loader) if !program.loader_is_there && !evidence.was_denied => no_loader(program, path, loader),
        _ => match mount_above(evidence, path) {
            Some(mount) => {
                Finding::likely(format!("{path} lies in the mount {}, whose options or owner may forbid to execute", mount.target()))
            }
            None => Finding::likely(format!("{path} is a program for this machine, and the kernel would not execute it"))
                .attempt("look at its mode and owner, and at the user that the container runs as (-u)"),
        },
    }
}

fn no_loader(program: &Program, path: &str, loader: &str) -> Finding {
    let finding = Finding::known(format!("{path} needs the loader {loader}, and that is not among its files"))
        .shown(format!("its ELF header asks for {loader} (PT_INTERP)"))
        .shown("the kernel answers \"no such file\" (ENOENT) for a missing loader as well as for a missing program: execve(2)");
    let built_for = if loader.contains("musl") { "musl" } else { "glibc" };
    match program.image_libc {
        Some(libc) if libc != built_for => finding
            .shown(format!("it was built for {built_for}, and the image has {libc}"))
            .attempt(format!("build it in an image with {libc}, or as a static program"))
            .attempt(if built_for == "glibc" { "take an image with glibc: debian, ubuntu" } else { "take an image with musl: alpine" }),
        _ => finding
            .attempt("build it as a static program, or start from an image that has the loader (debian has glibc's, alpine has musl's)"),
    }
}

fn library(program: &Program, line: &str) -> Finding {
    let missing = program.missing_libraries.join(" ");
    let finding = Finding::known("its program was found, and a library that it needs was not").shown(format!("it wrote: {}", line.trim()));
    let finding =
        if missing.is_empty() { finding } else { finding.shown(format!("it names (DT_NEEDED) and no usual directory has: {missing}")) };
    finding
        .attempt("install the package that has the library, in the image; ldd PROGRAM lists what is found")
        .attempt("or link it statically")
}

/// With the mount that it lies in, without which it would not be there.
fn by_a_shell(evidence: &Evidence, path: &str, word: &str) -> String {
    let flag = mount_above(evidence, path).map(|mount| flag_of(mount) + " ").unwrap_or_default();
    format!("tare run {flag}{} sh {word}", evidence.image)
}

fn docker_name(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::elf::Elf;
    use super::*;
    use crate::explain::why::evidence::tests::{ended, wrote};

    fn about(program: Program) -> Finding {
        let mut evidence = ended(127);
        evidence.ended.as_mut().unwrap().error = "cannot execute x".into();
        evidence.program = Some(Program { word: "x".into(), is_executable: true, ..program });
        judge(&evidence).remove(0)
    }

    fn elf(machine: u16, loader: Option<&str>) -> Program {
        let elf = Elf { machine, bits: 64, loader: loader.map(str::to_owned), libraries: Vec::new() };
        Program { path: Some("/x".into()), kind: Kind::Elf, elf: Some(elf), loader_is_there: loader.is_none(), ..Program::default() }
    }

    #[test]
    fn a_name_that_is_nowhere_is_looked_for_nearby() {
        let finding = about(Program { searched: vec!["/bin".into()], similar: Some("xz".into()), ..Program::default() });
        assert!(finding.what.contains("no directory of its PATH") && finding.evidence[0] == "PATH  /bin");
        assert_eq!(finding.tries[0], "did you mean xz?");
    }

    #[test]
    fn scripts_without_their_interpreter() {
        let script = |interpreter: &str| Program {
            path: Some("/x".into()),
            kind: Kind::Script { interpreter: interpreter.into(), is_there: false },
            ..Program::default()
        };
        assert!(about(script("/bin/bash")).what.contains("script for /bin/bash"));
        assert!(about(script("/bin/sh\r")).what.contains("Windows"));
    }

    #[test]
    fn programs_for_others() {
        assert!(about(elf(183, None)).what.contains("built for aarch64, and this machine is x86_64"));
        let foreign = Program { image_libc: Some("musl"), ..elf(62, Some("/lib64/ld-linux-x86-64.so.2")) };
        let finding = about(foreign);
        assert!(finding.what.contains("needs the loader") && finding.evidence[2].contains("built for glibc, and the image has musl"));
        assert!(about(Program { is_executable: false, ..elf(62, None) }).what.len() > 10);
    }

    #[test]
    fn a_library_that_the_loader_misses() {
        let mut evidence = wrote(127, &["x: error while loading shared libraries: liba.so.1: cannot open shared object file"]);
        evidence.program = Some(Program { missing_libraries: vec!["liba.so.1".into()], ..elf(62, None) });
        assert!(judge(&evidence)[0].evidence[1].ends_with("has: liba.so.1"));
        let mut evidence = wrote(127, &["sh: x: not found"]);
        evidence.program = Some(elf(62, None));
        assert!(judge(&evidence).is_empty(), "a shell chose that code");
    }
}
