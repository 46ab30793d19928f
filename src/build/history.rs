//! How the lines of a Dockerfile are told in an image's history: in the words of BuildKit, because people and tools know them.

use crate::dockerfile::instruction::{Copy, Instruction, Line};
use crate::dockerfile::settings;
use serde_json::{Map, Value};

/// An instruction that makes no layer; `config` is the image's, as it is with it.
pub fn of(instruction: &Instruction, line: &Line, config: &Map<String, Value>) -> String {
    let name = instruction.name();
    let pairs = |all: &[(String, String)]| all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    let quoted = |field: &str| {
        let words = config.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
    };
    match instruction {
        Instruction::Env(all) | Instruction::Label(all) => format!("{name} {}", pairs(all)),
        Instruction::Cmd(_) => format!("CMD [{}]", quoted("Cmd")),
        Instruction::Entrypoint(_) => format!("ENTRYPOINT [{}]", quoted("Entrypoint")),
        Instruction::User(text) | Instruction::StopSignal(text) | Instruction::Maintainer(text) => format!("{name} {text}"),
        Instruction::Volume(all) | Instruction::Shell(all) => format!("{name} [{}]", all.join(" ")),
        Instruction::Expose(_) => format!("EXPOSE map[{}]", ports_of(instruction)),
        _ => line.text.clone(),
    }
}

/// Each port by itself, in the order of their names.
fn ports_of(instruction: &Instruction) -> String {
    let mut config = Map::new();
    let applied = settings::apply(&mut config, instruction, false).is_ok();
    let ports = config.get("ExposedPorts").and_then(Value::as_object).filter(|_| applied);
    let mut names: Vec<String> = ports.into_iter().flatten().map(|(port, _)| format!("{port}:{{}}")).collect();
    names.sort();
    names.join(" ")
}

/// `arguments`: what ARG gives it.
pub fn of_run(argv: &[String], arguments: &[String]) -> String {
    let mut words = Vec::new();
    if !arguments.is_empty() {
        words.push(format!("|{}", arguments.len()));
        words.extend(arguments.iter().cloned());
    }
    words.extend(argv.iter().cloned());
    format!("RUN {} # buildkit", words.join(" "))
}

pub fn of_copy(copy: &Copy, is_add: bool) -> String {
    let mut words = vec![if is_add { "ADD" } else { "COPY" }.to_owned()];
    let flags = [("--chown", &copy.chown), ("--chmod", &copy.chmod), ("--from", &None)];
    words.extend(flags.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value.as_ref()?))));
    words.extend(copy.sources.iter().cloned());
    words.extend(copy.heredocs.iter().map(|heredoc| heredoc.name.clone()));
    words.push(copy.target.clone());
    format!("{} # buildkit", words.join(" "))
}
