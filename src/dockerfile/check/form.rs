//! Forms that are old, or do something else than they seem to.

use super::{Hit, Rule};
use crate::dockerfile::instruction::{Command, Instruction};
use crate::dockerfile::parse::{flags, words};

pub const NO_EMPTY_CONTINUATION: Rule = Rule {
    name: "NoEmptyContinuation",
    sentence: "no empty line stands within an instruction: it may become an error",
    find: |seen| {
        let with_gap = seen.items.iter().enumerate().filter_map(|(item, have)| Some((item, have.whole.gap?)));
        let place = |line| format!("line {line} is empty, and the instruction goes on behind it");
        with_gap.map(|(item, line)| Hit { item, at: 0, message: place(line) }).collect()
    },
};

pub const MAINTAINER_DEPRECATED: Rule = Rule {
    name: "MaintainerDeprecated",
    sentence: "a label says who made the image, and not MAINTAINER",
    find: |seen| {
        let old = seen.items.iter().enumerate().filter(|(_, item)| matches!(item.line.instruction, Instruction::Maintainer(_)));
        let message = "write LABEL org.opencontainers.image.authors=\"…\"";
        old.map(|(item, _)| Hit { item, at: 0, message: message.to_owned() }).collect()
    },
};

pub const LEGACY_KEY_VALUE_FORMAT: Rule = Rule {
    name: "LegacyKeyValueFormat",
    sentence: "a = stands between a name and its value, and no blank",
    find: |seen| {
        let old = seen.items.iter().enumerate().filter(|(_, item)| {
            let has_pairs = matches!(item.line.instruction, Instruction::Env(_) | Instruction::Label(_));
            let first = words::quoted(&item.whole.text, seen.all.escape).into_iter().nth(1);
            has_pairs && first.is_some_and(|(_, word)| !word.contains('='))
        });
        let message = |name: &str| format!("write {name} NAME=VALUE instead of {name} NAME VALUE");
        old.map(|(item, have)| Hit { item, at: 0, message: message(have.line.instruction.name()) }).collect()
    },
};

/// The shell form of what the container lives by, and arrays that are none because something is wrong in them.
pub const JSON_ARGS_RECOMMENDED: Rule = Rule {
    name: "JSONArgsRecommended",
    sentence: "CMD and ENTRYPOINT are JSON arrays, so that signals come to the program and not to a shell before it",
    find: |seen| {
        let mut hits = Vec::new();
        seen.inherit(
            |_| false,
            |has_shell, item, have| match &have.line.instruction {
                // Who names a shell wants one.
                Instruction::Shell(_) => *has_shell = true,
                instruction if is_damaged_array(instruction, &have.line.text) => {
                    let message = "this looks like a JSON array, and is a line for the shell because it is damaged".to_owned();
                    hits.push(seen.hit(item, "[", message));
                }
                Instruction::Cmd(Command::Shell(_)) | Instruction::Entrypoint(Command::Shell(_)) if !*has_shell => {
                    let name = have.line.instruction.name();
                    hits.push(Hit { item, at: 0, message: format!("write {name} [\"PROGRAM\", \"ARGUMENT\"]") });
                }
                _ => {}
            },
        );
        hits
    },
};

/// `[ -f x ]` is a command of the shell, and `["a", ]` or `['a']` are meant for something else.
fn is_damaged_array(instruction: &Instruction, text: &str) -> bool {
    let takes_arrays = matches!(
        instruction,
        Instruction::Run(_)
            | Instruction::Cmd(_)
            | Instruction::Entrypoint(_)
            | Instruction::Copy(_)
            | Instruction::Add(_)
            | Instruction::Volume(_)
            | Instruction::Healthcheck(_)
    );
    let rest = text.split_once(char::is_whitespace).map_or("", |(_, rest)| flags::cut(rest).1);
    let rest = match instruction {
        Instruction::Healthcheck(_) => rest.get(3..).unwrap_or_default(),
        _ => rest,
    };
    let inside = rest.trim_start().strip_prefix('[').map(str::trim_start);
    takes_arrays && inside.is_some_and(|inside| inside.starts_with(['"', '\''])) && matches!(words::json(rest), words::Json::No)
}
