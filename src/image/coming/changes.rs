//! `--change`: instructions of a Dockerfile that describe an image without running anything.

use crate::dockerfile::{Instruction, expand, parse_line, settings};
use crate::error::{Error, Kind, Result};
use crate::sys::signal;
use serde_json::{Map, Value};

const KNOWN: [&str; 11] =
    ["CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"];
const ESCAPE: char = '\\';

/// Applies all of them, as lines of one stage of a Dockerfile. Their variables are those of the image.
pub fn apply_all(config: &mut Map<String, Value>, lines: &[&str]) -> Result<()> {
    let mut has_own_command = false;
    for line in lines {
        let instruction = apply(config, line, has_own_command)
            .map_err(|error| error.context(format!("invalid change {line:.100?}")).of_kind(Kind::Failed))?;
        has_own_command |= matches!(instruction, Instruction::Cmd(_));
    }
    Ok(())
}

fn apply(config: &mut Map<String, Value>, line: &str, has_own_command: bool) -> Result<Instruction> {
    let written = parse_line(line, ESCAPE)?.instruction;
    if !KNOWN.contains(&written.name()) {
        let all = KNOWN.join(", ");
        return Err(Error::usage(format!("{} cannot change what an image says of itself", written.name())).hint(format!("one of {all}")));
    }
    let instruction = expand::instruction(&written, ESCAPE, &|name| settings::variable(config, name))?;
    if let Instruction::StopSignal(name) = &instruction {
        signal::parse(name)?;
    }
    settings::apply(config, &instruction, has_own_command)?;
    Ok(instruction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(lines: &[&str]) -> Value {
        let mut config = Map::new();
        apply_all(&mut config, lines).unwrap();
        Value::Object(config)
    }

    #[test]
    fn instructions_become_what_docker_makes_of_them() {
        assert_eq!(after(&["CMD [\"a\",\"b\"]"]), json!({"Cmd": ["a", "b"]}));
        assert_eq!(after(&["entrypoint run it"]), json!({"Entrypoint": ["/bin/sh", "-c", "run it"]}));
        assert_eq!(after(&["ENV A=1 B=\"two words\"", "ENV A=2", "ENV C old form"]), json!({"Env": ["A=2", "B=two words", "C=old form"]}));
        assert_eq!(after(&["ENV A=1", "LABEL b=$A"]), json!({"Env": ["A=1"], "Labels": {"b": "1"}}));
        assert_eq!(after(&["EXPOSE 80 53/udp"]), json!({"ExposedPorts": {"80/tcp": {}, "53/udp": {}}}));
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
        for bad in [
            "",
            "CMD",
            "RUN x",
            "ENV =x",
            "ENV A=\"x",
            "EXPOSE http",
            "FROM x",
            "SHELL [\"x\"]",
            "STOPSIGNAL NO",
            "RNU x",
            "USER a\nUSER b",
        ] {
            let error = apply_all(&mut Map::new(), &[bad]).expect_err(bad);
            assert!(error.kind() == Kind::Failed && error.to_string().starts_with("invalid change"), "{error}");
        }
        let error = apply_all(&mut Map::new(), &["ENV A"]).unwrap_err();
        assert_eq!(error.to_string(), "invalid change \"ENV A\": there is no value for A: ENV A");
    }
}
