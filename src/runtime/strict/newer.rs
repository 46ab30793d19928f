//! config.json in the library's types, and the few words of the specification that these are too old for.

use crate::error::{Error, Result};
use crate::sys::{Errno, file};
use oci_spec::runtime::Spec;
use serde_json::Value;
use std::path::Path;

/// Engines write some hundred kilobytes; more is an attack or a mistake.
pub const LONGEST_CONFIG: u64 = 16 << 20;

/// Words that the library refuses, and were taken out before it saw them, or passes over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newer {
    /// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`
    pub waits_killable: bool,
    pub rdt: NewerRdt,
}

/// Of `linux.intelRdt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewerRdt {
    pub schemata: Vec<String>,
    pub enable_monitoring: bool,
}

/// Machines that no program of ours can be of: a filter may name them without effect.
const FOREIGN: [&str; 6] =
    ["SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB"];

pub fn parse(text: &[u8]) -> serde_json::Result<(Spec, Newer)> {
    // Nearly always there is nothing to take out.
    let refused = match serde_json::from_slice(text) {
        Ok(spec) => {
            let rdt = if has_rdt(&spec) { rdt(&serde_json::from_slice(text)?) } else { NewerRdt::default() };
            return Ok((spec, Newer { rdt, ..Newer::default() }));
        }
        Err(refused) => refused,
    };
    let mut value: Value = serde_json::from_slice(text)?;
    let Some(seccomp) = value.pointer_mut("/linux/seccomp") else { return Err(refused) };
    let mut take = |list: &str, words: &[&str]| {
        let Some(list) = seccomp.get_mut(list).and_then(Value::as_array_mut) else { return false };
        let before = list.len();
        list.retain(|word| !word.as_str().is_some_and(|word| words.contains(&word)));
        list.len() < before
    };
    let waits_killable = take("flags", &["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]);
    let foreign = take("architectures", &FOREIGN);
    if !waits_killable && !foreign {
        return Err(refused);
    }
    let rdt = rdt(&value);
    Ok((serde_json::from_value(value)?, Newer { waits_killable, rdt }))
}

fn has_rdt(spec: &Spec) -> bool {
    spec.linux().as_ref().is_some_and(|linux| linux.intel_rdt().is_some())
}

/// Drafts of the specification have one text, and its edition 1.3 a list.
fn rdt(config: &Value) -> NewerRdt {
    let wish = &config["linux"]["intelRdt"];
    let texts = match &wish["schemata"] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    NewerRdt {
        schemata: texts.into_iter().map(str::to_owned).collect(),
        enable_monitoring: wish["enableMonitoring"].as_bool().unwrap_or(false),
    }
}

/// `None`: there is no such file.
pub fn read(path: &Path) -> Result<Option<(Spec, Newer)>> {
    match file::read_bounded(path, LONGEST_CONFIG) {
        Ok(text) => parse(&text).map(Some).map_err(|e| Error::damaged(format!("{} is damaged", path.display())).because(e)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Error::from_errno(format!("cannot read {}", path.display()), errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(seccomp: &str) -> serde_json::Result<(Spec, Newer)> {
        parse(format!(r#"{{"ociVersion":"1.3.0","linux":{{"seccomp":{seccomp}}}}}"#).as_bytes())
    }

    #[test]
    fn what_the_library_does_not_know_is_taken_out_and_noted() {
        let waiting = r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#;
        let (spec, newer) = with(waiting).unwrap();
        let flags = spec.linux().as_ref().unwrap().seccomp().as_ref().unwrap().flags().as_ref().unwrap().len();
        assert_eq!((flags, newer.waits_killable), (1, true));
        let foreign = r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_PARISC","SCMP_ARCH_X86"]}"#;
        assert_eq!(with(foreign).unwrap().1, Newer::default());
    }

    #[test]
    fn what_the_library_passes_over_is_noted() {
        for schemata in [r#"["L3:0=f"]"#, r#""L3:0=f""#] {
            let text = format!(r#"{{"ociVersion":"1.3.0","linux":{{"intelRdt":{{"enableMonitoring":true,"schemata":{schemata}}}}}}}"#);
            let rdt = NewerRdt { schemata: vec!["L3:0=f".into()], enable_monitoring: true };
            assert_eq!(parse(text.as_bytes()).unwrap().1.rdt, rdt);
        }
    }

    #[test]
    fn what_nobody_knows_is_an_error_by_name() {
        for (seccomp, name) in [
            (r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_FAST"]}"#, "FLAG_FAST"),
            (r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_PARISC","SCMP_ARCH_VAX"]}"#, "SCMP_ARCH_VAX"),
            (r#"{"defaultAction":"SCMP_ACT_MAYBE"}"#, "SCMP_ACT_MAYBE"),
        ] {
            let error = with(seccomp).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        for text in ["{", "3", "\"x\"", "[1]", r#"{"linux":3}"#, r#"{"linux":{"seccomp":[]}}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
