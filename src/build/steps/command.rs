//! What the process of a RUN is: the words of an array, a line for the shell, or the text of a heredoc.

use crate::dockerfile::instruction::{Command, Heredoc, Line, Run};

pub struct Told {
    pub argv: Vec<String>,
    /// A script that names its own interpreter, and where it is put.
    pub script: Option<Script>,
}

pub struct Script {
    pub path: String,
    pub text: String,
}

/// Where scripts are put: in memory, so that no layer has them.
const SCRIPTS: &str = "/dev/pipes";

pub fn told(run: &Run, line: &Line, shell: &[String]) -> Told {
    let for_shell = |text: String| Told { argv: shell.iter().cloned().chain([text]).collect(), script: None };
    match (&run.command, &run.heredocs[..]) {
        (Command::Exec(words), _) => Told { argv: words.clone(), script: None },
        (Command::Shell(text), []) => for_shell(text.clone()),
        (Command::Shell(text), [only]) if is_alone(text) && only.content.starts_with("#!") => of_script(only),
        (Command::Shell(text), [only]) if is_alone(text) => for_shell(only.content.clone()),
        // The shell understands heredocs itself.
        (Command::Shell(text), _) => for_shell(format!("{text}\n{}", line.below.trim_end_matches(['\r', '\n']))),
    }
}

fn of_script(heredoc: &Heredoc) -> Told {
    let path = format!("{SCRIPTS}/{}", heredoc.name);
    Told { argv: vec![path.clone()], script: Some(Script { path, text: heredoc.content.clone() }) }
}

/// Nothing but the word that announces it.
fn is_alone(text: &str) -> bool {
    let text = text.trim().trim_start_matches(|letter: char| letter.is_ascii_digit());
    text.starts_with("<<") && !text[2..].contains(['<', ' ', '\t', ';', '&', '|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::{Instruction, parse_line};

    fn argv(text: &str) -> Vec<String> {
        let line = parse_line(text, '\\').unwrap();
        let Instruction::Run(run) = &line.instruction else { panic!("{text}") };
        told(run, &line, &["/bin/sh".to_owned(), "-c".to_owned()]).argv
    }

    #[test]
    fn arrays_lines_and_heredocs_become_words() {
        assert_eq!(argv("RUN [\"a\", \"b c\"]"), ["a", "b c"]);
        assert_eq!(argv("RUN a  b"), ["/bin/sh", "-c", "a  b"]);
        assert_eq!(argv("RUN <<EOF\na\nb\nEOF"), ["/bin/sh", "-c", "a\nb\n"]);
        assert_eq!(argv("RUN <<EOF\n#!/usr/bin/x\nb\nEOF"), ["/dev/pipes/EOF"]);
        assert_eq!(argv("RUN cat <<EOF >x\na\nEOF"), ["/bin/sh", "-c", "cat <<EOF >x\na\nEOF"]);
        assert_eq!(argv("RUN cat <<A - <<-B\na\nA\n\tb\n\tB"), ["/bin/sh", "-c", "cat <<A - <<-B\na\nA\n\tb\n\tB"]);
    }
}
