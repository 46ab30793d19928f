//! `--log-driver` and `--log-opt`: where a container's output goes, how much of it is kept, and what is written beside it.

use super::{Log, LogDriver, sizes};
use crate::error::{Error, Result};
use crate::names;
use std::collections::BTreeMap;

/// How much of the output is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes of one file; `u64::MAX`: no limit.
    pub max_size: u64,
    /// Files, the one that is written among them.
    pub max_files: u32,
}

/// Bounded when nothing is said: logs that grow for ever are what fills a host's disk.
impl Default for Rotation {
    fn default() -> Self {
        Rotation { max_size: 10 << 20, max_files: 3 }
    }
}

/// Each of them is renamed when one is full.
const MOST_FILES: u32 = 1000;
const DRIVERS: &[&str] = &["json-file", "none", "passthrough"];
const OPTIONS: &[&str] = &["max-size", "max-file", "labels", "env", "tag"];

pub fn parse_driver(text: &str) -> Result<LogDriver> {
    match text {
        "json-file" => Ok(LogDriver::JsonFile),
        "none" => Ok(LogDriver::None),
        "passthrough" => Ok(LogDriver::Passthrough),
        _ => Err(Error::usage(format!("there is no log driver {text:?}")).hint(names::one_of(text, DRIVERS))),
    }
}

pub fn driver_name(driver: LogDriver) -> &'static str {
    match driver {
        LogDriver::JsonFile => "json-file",
        LogDriver::None => "none",
        LogDriver::Passthrough => "passthrough",
    }
}

/// `NAME=VALUE`, with a value that can be kept.
pub fn parse_option(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').ok_or_else(|| Error::usage("not NAME=VALUE").hint("write for example max-size=10m"))?;
    match name {
        "max-size" => max_size(value).map(drop)?,
        "max-file" => max_files(value).map(drop)?,
        "labels" | "env" => {}
        "tag" => expand(value, &|_| Some("")).map(drop)?,
        // What these say is how it is anyway.
        "mode" if value == "blocking" => {}
        "compress" if value == "false" => {}
        "mode" | "max-buffer-size" => {
            return Err(Error::cannot_keep("output is never thrown away for want of a buffer")
                .hint("leave the option out: what reads a log never makes the container wait"));
        }
        "compress" => return Err(Error::cannot_keep("full files are not compressed").hint("keep less, with max-size and max-file")),
        "labels-regex" | "env-regex" => return Err(Error::cannot_keep("names are not found by patterns").hint("name them: labels=a,b")),
        _ => return Err(Error::usage(format!("there is no log option {name:?}")).hint(names::one_of(name, OPTIONS))),
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Options are about a file that is kept.
pub fn check(log: &Log) -> Result<()> {
    match log.options.first() {
        Some((name, _)) if log.driver != LogDriver::JsonFile => {
            Err(Error::usage(format!("--log-opt {name} has no meaning with --log-driver {}", driver_name(log.driver)))
                .because("no log is kept")
                .hint("leave one of them out"))
        }
        _ => Ok(()),
    }
}

/// What the options say; they were checked when they were parsed.
pub fn rotation(log: &Log) -> Rotation {
    let usual = Rotation::default();
    Rotation {
        max_size: last(log, "max-size").and_then(|size| max_size(size).ok()).unwrap_or(usual.max_size),
        max_files: last(log, "max-file").and_then(|count| max_files(count).ok()).unwrap_or(usual.max_files),
    }
}

/// The later of two of the same name counts.
fn last<'a>(log: &'a Log, name: &str) -> Option<&'a str> {
    log.options.iter().rev().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}

fn max_size(text: &str) -> Result<u64> {
    match text {
        "-1" => Ok(u64::MAX),
        _ => match sizes::parse_bytes(text)? {
            0 => Err(Error::usage("a file of no size cannot hold anything").hint("-1 means no limit")),
            bytes => Ok(bytes),
        },
    }
}

fn max_files(text: &str) -> Result<u32> {
    let number = text.parse().ok().filter(|number| (1..=MOST_FILES).contains(number));
    number.ok_or_else(|| Error::usage(format!("{text:?} is not a number of files")).hint(format!("a number from 1 to {MOST_FILES}")))
}

/// What `labels`, `env` and `tag` choose from.
pub struct Facts<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub image: &'a str,
    pub image_id: &'a str,
    pub labels: &'a [(String, String)],
    /// `NAME=value`
    pub env: &'a [String],
}

/// What is written beside every line.
pub fn attributes(log: &Log, facts: &Facts) -> BTreeMap<String, String> {
    let mut chosen = BTreeMap::new();
    for name in last(log, "labels").into_iter().flat_map(|names| names.split(',')) {
        chosen.extend(facts.labels.iter().filter(|(have, _)| have == name).cloned());
    }
    for name in last(log, "env").into_iter().flat_map(|names| names.split(',')) {
        let found = facts.env.iter().filter_map(|variable| variable.split_once('=')).find(|(have, _)| *have == name);
        chosen.extend(found.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    if let Some(Ok(tag)) = last(log, "tag").map(|tag| expand(tag, &|field| tag_field(field, facts))) {
        chosen.insert("tag".to_owned(), tag);
    }
    chosen
}

const TAG_FIELDS: [&str; 6] = ["ID", "FullID", "Name", "ImageName", "ImageID", "ImageFullID"];

fn tag_field<'a>(field: &str, facts: &Facts<'a>) -> Option<&'a str> {
    let short = |id: &'a str| id.get(..12).unwrap_or(id);
    Some(match field {
        "ID" => short(facts.id),
        "FullID" => facts.id,
        "Name" => facts.name,
        "ImageName" => facts.image,
        "ImageID" => short(facts.image_id.trim_start_matches("sha256:")),
        "ImageFullID" => facts.image_id,
        _ => return None,
    })
}

/// Replaces `{{.Name}}` and its like.
fn expand<'a>(template: &str, value: &dyn Fn(&str) -> Option<&'a str>) -> Result<String> {
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let unknown = || {
            let known = TAG_FIELDS.map(|field| format!("{{{{.{field}}}}}")).join(", ");
            Error::usage(format!("unknown word in tag {template:?}")).hint(format!("use {known}"))
        };
        let (inside, after) = after.split_once("}}").ok_or_else(unknown)?;
        let field = inside.trim().strip_prefix('.').filter(|field| TAG_FIELDS.contains(field)).ok_or_else(unknown)?;
        text.push_str(before);
        text.push_str(value(field).unwrap_or(""));
        rest = after;
    }
    Ok(text + rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn log(options: &[&str]) -> Log {
        Log { driver: LogDriver::JsonFile, options: options.iter().map(|text| parse_option(text).unwrap()).collect() }
    }

    #[test]
    fn a_log_is_bounded_when_nothing_is_said() {
        assert_eq!(rotation(&Log::default()), Rotation { max_size: 10 << 20, max_files: 3 });
        assert_eq!(rotation(&log(&["max-size=64k", "max-file=5"])), Rotation { max_size: 64 << 10, max_files: 5 });
        assert_eq!(rotation(&log(&["max-size=1m", "max-size=-1"])).max_size, u64::MAX);
    }

    #[test]
    fn what_is_not_kept_is_refused_by_name() {
        for (text, named) in [
            ("max-size=0", "no size"),
            ("max-size=big", "big"),
            ("max-file=0", "number of files"),
            ("max-file=1001", "number of files"),
            ("path=/x", "\"path\""),
            ("tag={{.DaemonName}}", "DaemonName"),
            ("tag={{.Name", "{{.Name"),
            ("max-size", "NAME=VALUE"),
        ] {
            let error = parse_option(text).unwrap_err();
            assert!(error.kind() == Kind::Usage && error.to_string().contains(named), "{text}: {error}");
        }
        for text in ["compress=true", "mode=non-blocking", "max-buffer-size=4m", "labels-regex=^a"] {
            assert_eq!(parse_option(text).unwrap_err().kind(), Kind::CannotKeep, "{text}");
        }
        assert!(parse_option("compress=false").is_ok() && parse_option("mode=blocking").is_ok());
        for text in ["", "syslog", "JSON-file"] {
            let error = parse_driver(text).unwrap_err();
            assert!(error.hint_text().unwrap_or("").contains("json-file, none or passthrough"), "{error}");
        }
    }

    #[test]
    fn every_driver_has_a_name_that_leads_back_and_only_one_takes_options() {
        for driver in [LogDriver::JsonFile, LogDriver::None, LogDriver::Passthrough] {
            assert_eq!(parse_driver(driver_name(driver)).unwrap(), driver);
            assert_eq!(check(&Log { driver, ..log(&["max-size=1m"]) }).is_ok(), driver == LogDriver::JsonFile);
            assert!(check(&Log { driver, options: Vec::new() }).is_ok());
        }
    }

    #[test]
    fn labels_variables_and_a_tag_stand_beside_the_lines() {
        let facts = Facts {
            id: "0123456789abcdef",
            name: "web",
            image: "alpine",
            image_id: "sha256:fedcba9876543210",
            labels: &[("a".into(), "1".into()), ("b".into(), "2".into())],
            env: &["PATH=/bin".into(), "A=b=c".into()],
        };
        let chosen = attributes(&log(&["labels=b,none", "env=A", "tag={{.Name}}/{{ .ID }}:{{.ImageID}}!"]), &facts);
        let expected = [("A", "b=c"), ("b", "2"), ("tag", "web/0123456789ab:fedcba987654!")];
        assert!(chosen.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{chosen:?}");
        assert!(attributes(&Log::default(), &facts).is_empty());
    }
}
