//! `--change`: instructions of a Dockerfile that describe an image without running anything.

use crate::error::{Error, Result};
use crate::options::exposed;
use crate::options::mounts::clean_path;
use crate::time;
use serde_json::{Map, Value, json};

const KNOWN: &str = "CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR";

/// Applies all of them, as lines of one Dockerfile: a new entrypoint takes the old command away, which was written for another program.
pub fn apply_all(config: &mut Map<String, Value>, lines: &[&str]) -> Result<()> {
    let begins = |line: &&&str, word: &str| line.trim().get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word));
    if lines.iter().any(|line| begins(&line, "ENTRYPOINT ")) {
        config.remove("Cmd");
    }
    lines.iter().try_for_each(|line| apply(config, line))
}

/// Applies one instruction to the `config` object of an image.
pub fn apply(config: &mut Map<String, Value>, line: &str) -> Result<()> {
    let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let rest = rest.trim();
    let wrong = |why: &str| Error::failed(format!("invalid change {line:.100?}")).because(why.to_owned());
    if rest.is_empty() {
        return Err(wrong("nothing follows the instruction"));
    }
    match word.to_ascii_uppercase().as_str() {
        "CMD" => drop(config.insert("Cmd".into(), command(rest)?)),
        "ENTRYPOINT" => drop(config.insert("Entrypoint".into(), command(rest)?)),
        "USER" => drop(config.insert("User".into(), json!(rest))),
        "WORKDIR" => {
            // One that is relative is meant from the one before.
            let before = config.get("WorkingDir").and_then(Value::as_str).filter(|_| !rest.starts_with('/')).unwrap_or("/");
            config.insert("WorkingDir".into(), json!(clean_path(&format!("{before}/{rest}"))));
        }
        "STOPSIGNAL" => drop(config.insert("StopSignal".into(), json!(rest))),
        "ONBUILD" => list(config, "OnBuild").push(json!(rest)),
        "ENV" => {
            for (name, value) in pairs(rest).ok_or_else(|| wrong("write NAME=VALUE"))? {
                let env = list(config, "Env");
                env.retain(|have| have.as_str().is_none_or(|have| have.split('=').next() != Some(&name)));
                env.push(json!(format!("{name}={value}")));
            }
        }
        "LABEL" => {
            for (name, value) in pairs(rest).ok_or_else(|| wrong("write NAME=VALUE"))? {
                object(config, "Labels").insert(name, json!(value));
            }
        }
        "EXPOSE" => {
            for ports in rest.split_whitespace() {
                for port in exposed::parse(ports).map_err(|error| wrong(&error.to_string()))? {
                    object(config, "ExposedPorts").insert(port, json!({}));
                }
            }
        }
        "VOLUME" => {
            let places = serde_json::from_str(rest).unwrap_or_else(|_| rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            for place in places {
                object(config, "Volumes").insert(place, json!({}));
            }
        }
        "HEALTHCHECK" => drop(
            config.insert("Healthcheck".into(), health_check(rest).ok_or_else(|| wrong("write NONE, or [--interval=30s …] CMD COMMAND"))?),
        ),
        _ => return Err(wrong(&format!("it must begin with {KNOWN}"))),
    }
    Ok(())
}

/// `["a", "b"]`, or a line for the shell.
fn command(text: &str) -> Result<Value> {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => Ok(json!(words)),
        Err(_) => Ok(json!(["/bin/sh", "-c", text])),
    }
}

/// `NONE`, or options and `CMD` with its command. Durations become nanoseconds, as Go writes them.
fn health_check(text: &str) -> Option<Value> {
    if text.eq_ignore_ascii_case("none") {
        return Some(json!({"Test": ["NONE"]}));
    }
    let mut check = Map::new();
    let mut rest = text;
    while let Some(option) = rest.strip_prefix("--") {
        let (option, after) = option.split_once(char::is_whitespace)?;
        let (name, value) = option.split_once('=')?;
        match name {
            "interval" => drop(check.insert("Interval".into(), json!(time::parse_duration(value).ok()?))),
            "timeout" => drop(check.insert("Timeout".into(), json!(time::parse_duration(value).ok()?))),
            "start-period" => drop(check.insert("StartPeriod".into(), json!(time::parse_duration(value).ok()?))),
            "start-interval" => drop(check.insert("StartInterval".into(), json!(time::parse_duration(value).ok()?))),
            "retries" => drop(check.insert("Retries".into(), json!(value.parse::<u32>().ok()?))),
            _ => return None,
        }
        rest = after.trim_start();
    }
    let (word, command) = rest.split_once(char::is_whitespace)?;
    if !word.eq_ignore_ascii_case("cmd") || command.trim().is_empty() {
        return None;
    }
    let command = command.trim();
    let test = match serde_json::from_str::<Vec<String>>(command) {
        Ok(words) => [vec!["CMD".to_owned()], words].concat(),
        Err(_) => vec!["CMD-SHELL".to_owned(), command.to_owned()],
    };
    check.insert("Test".into(), json!(test));
    Some(Value::Object(check))
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

/// `A=b C="d e"`, or the old form `A b c`.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    if !text.split_whitespace().next()?.contains('=') {
        let (name, value) = text.split_once(char::is_whitespace)?;
        return Some(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    let mut found = Vec::new();
    for word in words(text)? {
        let (name, value) = word.split_once('=').filter(|(name, _)| !name.is_empty())?;
        found.push((name.to_owned(), value.to_owned()));
    }
    Some(found)
}

/// Split at blanks, but not within quotes; `None`: a quote is left open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let word = words.last_mut()?;
        match (letter, quote) {
            ('\\', None | Some('"')) => word.push(letters.next()?),
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            (letter, None) if letter.is_whitespace() => words.push(String::new()),
            (letter, _) => word.push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[&str]) -> Value {
        let mut config = Map::new();
        apply_all(&mut config, lines).unwrap();
        Value::Object(config)
    }

    #[test]
    fn instructions_become_what_docker_makes_of_them() {
        assert_eq!(after(&["CMD [\"a\",\"b\"]"]), json!({"Cmd": ["a", "b"]}));
        assert_eq!(after(&["entrypoint run it"]), json!({"Entrypoint": ["/bin/sh", "-c", "run it"]}));
        assert_eq!(after(&["ENV A=1 B=\"two words\"", "ENV A=2", "ENV C old form"]), json!({"Env": ["B=two words", "A=2", "C=old form"]}));
        assert_eq!(after(&["EXPOSE 80 53/udp"]), json!({"ExposedPorts": {"80/tcp": {}, "53/udp": {}}}));
        assert_eq!(after(&["EXPOSE 80-82"]), json!({"ExposedPorts": {"80/tcp": {}, "81/tcp": {}, "82/tcp": {}}}));
        assert_eq!(after(&["WORKDIR a", "WORKDIR b/../c"]), json!({"WorkingDir": "/a/c"}));
        assert_eq!(after(&["WORKDIR a", "WORKDIR /d"]), json!({"WorkingDir": "/d"}));
        assert_eq!(
            after(&["HEALTHCHECK --interval=5s --retries=3 CMD test -e /x"]),
            json!({"Healthcheck": {"Interval": 5_000_000_000u64, "Retries": 3, "Test": ["CMD-SHELL", "test -e /x"]}})
        );
        assert_eq!(after(&["VOLUME [\"/a b\"]", "VOLUME /c /d"]), json!({"Volumes": {"/a b": {}, "/c": {}, "/d": {}}}));
    }

    #[test]
    fn a_new_entrypoint_takes_the_old_command_away() {
        let with = |lines: &[&str]| {
            let mut config = Map::from_iter([("Cmd".to_owned(), json!(["old"]))]);
            apply_all(&mut config, lines).unwrap();
            config.remove("Cmd")
        };
        assert_eq!(with(&["ENV A=b"]), Some(json!(["old"])));
        assert_eq!(with(&[" entrypoint [\"x\"]"]), None);
        assert_eq!(with(&["CMD [\"new\"]", "ENTRYPOINT x"]), Some(json!(["new"])));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "CMD", "RUN x", "ENV =x", "ENV A=\"x", "EXPOSE http"] {
            assert!(apply(&mut Map::new(), bad).is_err(), "{bad:?}");
        }
    }
}
