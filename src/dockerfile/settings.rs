//! What instructions change of what an image says of itself: its `config`, in Docker's words.

use super::instruction::{Command, Instruction};
use crate::error::{Error, Result};
use crate::options::exposed;
use crate::options::mounts::clean_path;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Applies one instruction whose variables are replaced (`expand::instruction`). Those that say nothing of the config change nothing:
/// MAINTAINER is the image's `author`, which stands beside it.
///
/// `has_own_command`: CMD stood before in the same stage. Otherwise the command is the base's, and was written for the base's entrypoint:
/// a new one takes it away.
pub fn apply(config: &mut Map<String, Value>, instruction: &Instruction, has_own_command: bool) -> Result<()> {
    match instruction {
        Instruction::Env(pairs) => set_variables(list(config, "Env"), pairs),
        Instruction::Label(pairs) => {
            let labels = object(config, "Labels");
            labels.extend(pairs.iter().map(|(name, value)| (name.clone(), json!(value))));
        }
        Instruction::Cmd(command) => {
            let words = words(config, command);
            config.insert("Cmd".into(), words);
        }
        Instruction::Entrypoint(command) => {
            let words = words(config, command);
            config.insert("Entrypoint".into(), words);
            if !has_own_command {
                config.remove("Cmd");
            }
        }
        Instruction::User(user) => drop(config.insert("User".into(), json!(user))),
        Instruction::Workdir(directory) => {
            let directory = working_directory(config, directory);
            config.insert("WorkingDir".into(), json!(directory));
        }
        Instruction::Volume(directories) => {
            for directory in directories {
                if directory.is_empty() {
                    return Err(Error::usage("a volume needs the name of a directory"));
                }
                object(config, "Volumes").insert(directory.clone(), json!({}));
            }
        }
        Instruction::Expose(ports) => {
            for port in ports {
                for port in exposed::parse(container_port(port)).map_err(|error| error.context(format!("EXPOSE {port}")))? {
                    object(config, "ExposedPorts").insert(port, json!({}));
                }
            }
        }
        Instruction::StopSignal(signal) => drop(config.insert("StopSignal".into(), json!(signal))),
        Instruction::Shell(words) => drop(config.insert("Shell".into(), json!(words))),
        Instruction::Healthcheck(check) => drop(config.insert("Healthcheck".into(), check.to_json())),
        Instruction::OnBuild(line) => list(config, "OnBuild").push(json!(line.whole())),
        Instruction::From
        | Instruction::Arg(_)
        | Instruction::Run(_)
        | Instruction::Copy(_)
        | Instruction::Add(_)
        | Instruction::Maintainer(_) => {}
    }
    Ok(())
}

/// What is executed: the shell of the image reads the shell form.
pub fn command(config: &Map<String, Value>, command: &Command) -> Vec<String> {
    match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(line) => {
            let said = config.get("Shell").and_then(Value::as_array).into_iter().flatten();
            let said: Vec<String> = said.filter_map(Value::as_str).map(str::to_owned).collect();
            let shell = if said.is_empty() { vec!["/bin/sh".to_owned(), "-c".to_owned()] } else { said };
            [shell, vec![line.clone()]].concat()
        }
    }
}

/// Where a WORKDIR leads: a relative one is meant from the one before.
pub fn working_directory(config: &Map<String, Value>, directory: &str) -> String {
    let before = config.get("WorkingDir").and_then(Value::as_str).filter(|_| !directory.starts_with('/')).unwrap_or("/");
    clean_path(&format!("{before}/{directory}"))
}

/// A variable of the config's Env.
pub fn variable(config: &Map<String, Value>, name: &str) -> Option<String> {
    let all = config.get("Env")?.as_array()?.iter().filter_map(Value::as_str);
    // One that names it without a value has none.
    all.rev().map(|have| have.split_once('=').unwrap_or((have, ""))).find(|(have, _)| *have == name).map(|(_, value)| value.to_owned())
}

fn words(config: &Map<String, Value>, written: &Command) -> Value {
    json!(command(config, written))
}

/// Each in the place of the one before, as Docker does: the order of an image's variables tells something to those who read it.
fn set_variables(env: &mut Vec<Value>, pairs: &[(String, String)]) {
    let mut values: HashMap<&str, &str> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let written = |name: &str, value: &str| json!(format!("{name}={value}"));
    for have in env.iter_mut() {
        let name = have.as_str().and_then(|have| have.split('=').next()).unwrap_or_default();
        if let Some(value) = values.remove(name) {
            *have = written(name, value);
        }
    }
    for (name, _) in pairs {
        env.extend(values.remove(name.as_str()).map(|value| written(name, value)));
    }
}

/// `[ADDRESS:]HOST:PORT` is accepted as in Docker; only the container's part means anything, and the checks warn of the rest.
fn container_port(text: &str) -> &str {
    let port = text.rsplit_once(':').map_or(text, |(_, port)| port);
    port.strip_suffix('/').unwrap_or(port)
}

fn list<'a>(config: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let entry = config.entry(name).or_insert_with(|| json!([]));
    if !entry.is_array() {
        *entry = json!([]);
    }
    entry.as_array_mut().unwrap_or_else(|| unreachable!("it was just made one"))
}

fn object<'a>(config: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let entry = config.entry(name).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    entry.as_object_mut().unwrap_or_else(|| unreachable!("it was just made one"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::{expand, parse_line};

    /// As one stage, from nothing.
    fn after(lines: &[&str]) -> Value {
        changed(json!({}), lines).unwrap()
    }

    fn changed(base: Value, lines: &[&str]) -> Result<Value> {
        let mut config = base.as_object().cloned().unwrap_or_default();
        let mut has_own_command = false;
        for line in lines {
            let written = parse_line(line, '\\')?.instruction;
            let instruction = expand::instruction(&written, '\\', &|name| variable(&config, name))?;
            apply(&mut config, &instruction, has_own_command)?;
            has_own_command |= matches!(instruction, Instruction::Cmd(_));
        }
        Ok(Value::Object(config))
    }

    #[test]
    fn instructions_become_what_docker_makes_of_them() {
        for (lines, expected) in [
            (&["CMD [\"a\",\"b\"]"][..], json!({"Cmd": ["a", "b"]})),
            (&["CMD []"], json!({"Cmd": []})),
            (&["entrypoint run \"it\""], json!({"Entrypoint": ["/bin/sh", "-c", "run \"it\""]})),
            (&["SHELL [\"bash\", \"-ec\"]", "CMD a $b"], json!({"Shell": ["bash", "-ec"], "Cmd": ["bash", "-ec", "a $b"]})),
            (
                &["ENV A=1 B=\"two words\"", "ENV A=2$B C='$B'", "ENV D old  form"],
                json!({"Env": ["A=2two words", "B=two words", "C=$B", "D=old  form"]}),
            ),
            (&["ENV A=1", "ENV A=2 B=$A"], json!({"Env": ["A=2", "B=1"]})),
            (&["LABEL a=1 \"b c\"=2", "LABEL a=3"], json!({"Labels": {"a": "3", "b c": "2"}})),
            (&["EXPOSE 80 53/UDP 80-82"], json!({"ExposedPorts": {"80/tcp": {}, "81/tcp": {}, "82/tcp": {}, "53/udp": {}}})),
            (&["ENV P=\"1 2\"", "EXPOSE $P"], json!({"Env": ["P=1 2"], "ExposedPorts": {"1/tcp": {}, "2/tcp": {}}})),
            (&["EXPOSE 127.0.0.1:8080:80/tcp 90:91 92/"], json!({"ExposedPorts": {"80/tcp": {}, "91/tcp": {}, "92/tcp": {}}})),
            (&["WORKDIR a", "WORKDIR b/../c"], json!({"WorkingDir": "/a/c"})),
            (&["WORKDIR a", "WORKDIR /d/"], json!({"WorkingDir": "/d"})),
            (&["USER a:b", "STOPSIGNAL 9"], json!({"User": "a:b", "StopSignal": "9"})),
            (&["VOLUME [\"/a b\"]", "VOLUME /c /d"], json!({"Volumes": {"/a b": {}, "/c": {}, "/d": {}}})),
            (&["HEALTHCHECK NONE"], json!({"Healthcheck": {"Test": ["NONE"]}})),
            (&["HEALTHCHECK --timeout=1s CMD [\"a\"]"], json!({"Healthcheck": {"Timeout": 1_000_000_000, "Test": ["CMD", "a"]}})),
            (&["ONBUILD run a $b", "ONBUILD COPY <<A /x\nb\nA"], json!({"OnBuild": ["run a $b", "COPY <<A /x\nb\nA"]})),
            (&["MAINTAINER a", "ARG b", "RUN c"], json!({})),
        ] {
            assert_eq!(after(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_new_entrypoint_takes_the_base_s_command_away() {
        let with = |lines: &[&str]| changed(json!({"Cmd": ["old"], "Entrypoint": ["old"]}), lines).unwrap()["Cmd"].clone();
        assert_eq!(with(&["ENV A=b"]), json!(["old"]));
        assert_eq!(with(&["ENTRYPOINT [\"x\"]"]), Value::Null);
        assert_eq!(with(&["CMD [\"new\"]", "ENTRYPOINT x"]), json!(["new"]));
        assert_eq!(with(&["ENTRYPOINT x", "CMD [\"new\"]"]), json!(["new"]));
    }

    #[test]
    fn what_a_base_says_is_changed_and_its_nonsense_replaced() {
        let base = json!({"Env": ["PATH=/bin", "A", "A=1"], "Labels": null, "Shell": ["ash", "-c"]});
        let after = changed(base, &["ENV B=$PATH:$A", "LABEL a=b", "CMD x"]).unwrap();
        assert_eq!(after["Env"], json!(["PATH=/bin", "A", "A=1", "B=/bin:1"]));
        assert_eq!((&after["Labels"], &after["Cmd"]), (&json!({"a": "b"}), &json!(["ash", "-c", "x"])));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["EXPOSE http", "EXPOSE 80/icmp", "EXPOSE 9-8", "VOLUME $none", "WORKDIR ${none:?}", "EXPOSE 70000"] {
            assert!(changed(json!({}), &[line]).is_err(), "{line}");
        }
    }
}
