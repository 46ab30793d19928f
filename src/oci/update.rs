//! `update`: other limits for a container that lives. All that were asked for, or none.

use crate::error::{Context as _, Error, Result};
use crate::oci::{Context, id, id_argument};
use crate::runtime::cgroup::{self, systemd};
use crate::runtime::strict::shelf::{Kept, Shelf};
use crate::store;
use crate::sys::{Errno, file};
use clap::{Arg, ArgMatches};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxResources, Spec};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

/// Far more than any description of resources has.
const LONGEST: u64 = 1 << 20;

/// An option that stands for one field.
struct Single {
    name: &'static str,
    /// Where the field is in the resources.
    field: &'static str,
    kind: Kind,
    help: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    /// With a unit, as people type it, or -1.
    Bytes,
    Text,
}

const fn single(name: &'static str, field: &'static str, kind: Kind, help: &'static str) -> Single {
    Single { name, field, kind, help }
}

const SINGLES: &[Single] = &[
    single("memory", "/memory/limit", Kind::Bytes, "Memory limit; -1: unlimited"),
    single("memory-reservation", "/memory/reservation", Kind::Bytes, "Memory that is kept for it"),
    single("memory-swap", "/memory/swap", Kind::Bytes, "Memory and swap together; -1: unlimited"),
    single("kernel-memory", "/memory/kernel", Kind::Bytes, "Not in cgroup v2; refused"),
    single("kernel-memory-tcp", "/memory/kernelTCP", Kind::Bytes, "Not in cgroup v2; refused"),
    single("cpu-share", "/cpu/shares", Kind::Number, "Weight among containers (1024 is everybody's)"),
    single("cpu-quota", "/cpu/quota", Kind::Number, "Processor time in every period; -1: unlimited"),
    single("cpu-period", "/cpu/period", Kind::Number, "The period of --cpu-quota, in microseconds"),
    single("cpu-burst", "/cpu/burst", Kind::Number, "Unused time that may be used later, in microseconds"),
    single("cpu-idle", "/cpu/idle", Kind::Number, "1: only the time that nobody else wants"),
    single("cpu-rt-period", "/cpu/realtimePeriod", Kind::Number, "Not in cgroup v2; refused"),
    single("cpu-rt-runtime", "/cpu/realtimeRuntime", Kind::Number, "Not in cgroup v2; refused"),
    single("cpuset-cpus", "/cpu/cpus", Kind::Text, "Only these processors, for example 0-2,4"),
    single("cpuset-mems", "/cpu/mems", Kind::Text, "Only these nodes of memory"),
    single("pids-limit", "/pids/limit", Kind::Number, "Processes at most; -1: unlimited"),
    single("blkio-weight", "/blockIO/weight", Kind::Number, "Weight at the disks, 10 to 1000"),
];

pub fn define(command: clap::Command) -> clap::Command {
    let value = |name: &'static str, help| Arg::new(name).long(name).value_name("VALUE").allow_hyphen_values(true).help(help);
    command
        .arg(id_argument())
        .arg(
            value("resources", "All of them as JSON, `-`: from standard input; the other options are not looked at then")
                .short('r')
                .value_name("FILE"),
        )
        .args(SINGLES.iter().map(|single| value(single.name, single.help)))
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let kept = context.shelf.find(id(matches))?;
    let _claim = context.shelf.hold(&kept)?;
    let status = kept.status(&context.shelf);
    if !status.has_process() {
        return Err(Error::conflict(format!("cannot update container {}", kept.id)).because(format!("it is {}", status.word())));
    }
    let text = match matches.get_one::<String>("resources") {
        Some(path) => read(path)?,
        None => from_options(matches)?.to_string().into_bytes(),
    };
    let mut resources: LinuxResources =
        serde_json::from_slice(&text).map_err(|e| Error::damaged("the resources make no sense").because(e))?;
    cgroup::forget_empty_pids(&mut resources, &text, "/pids/limit");
    check_devices(&context.shelf, &kept, resources.devices().as_deref().unwrap_or_default())?;
    let what = || format!("cannot update container {}", kept.id);
    let mut group = kept.group().ok_or_else(|| Error::cannot_keep(what()).because("it has no control group"))?;
    group.update(&resources).with_context(what)?;
    if !kept.scope.is_empty() {
        systemd::tell_of(&kept.scope, &group).with_context(what)?;
    }
    Ok(0)
}

fn read(path: &str) -> Result<Vec<u8>> {
    let what = || format!("cannot read {path}");
    let bytes = match path {
        "-" => read_all(std::io::stdin()),
        path => match file::read_bounded(Path::new(path), LONGEST) {
            // An engine may hand it over in a pipe.
            Err(Errno::EINVAL) => std::fs::File::open(path).and_then(read_all),
            other => return other.with_context(what),
        },
    };
    let bytes = bytes.with_context(what)?;
    match bytes.len() as u64 > LONGEST {
        true => Err(Error::damaged(what()).because(format!("it is longer than {} MiB", LONGEST >> 20))),
        false => Ok(bytes),
    }
}

fn read_all(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn from_options(matches: &ArgMatches) -> Result<Value> {
    let typed = |name: &str| matches.get_one::<String>(name).filter(|text| !text.is_empty());
    let mut resources = json!({});
    for single in SINGLES {
        let Some(text) = typed(single.name) else { continue };
        let wrong = || Error::usage(format!("--{} {text}", single.name)).because("not a number");
        let value = match single.kind {
            Kind::Text => json!(text),
            Kind::Number => json!(text.parse::<i64>().map_err(|_| wrong())?),
            Kind::Bytes => json!(bytes(text).ok_or_else(wrong)?),
        };
        let (section, field) = single.field[1..].split_once('/').unwrap_or_default();
        resources[section][field] = value;
    }
    Ok(resources)
}

/// `-1`, `1048576`, `64k`, `512m`, `2g`: powers of 1024.
fn bytes(text: &str) -> Option<i64> {
    if text == "-1" {
        return Some(-1);
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        "t" | "tb" => 40,
        _ => return None,
    };
    let number = digits.parse::<i64>().ok().filter(|number| *number >= 0)?;
    number.checked_mul(1 << shift)
}

/// Engines hand over the resources that the container has already with what they change. Its rules for devices stay.
fn check_devices(shelf: &Shelf, kept: &Kept, rules: &[LinuxDeviceCgroup]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let spec = store::read_json::<Spec>(&shelf.place(&kept.id).config())?;
    let resources = spec.as_ref().and_then(|spec| spec.linux().as_ref()?.resources().as_ref());
    match resources.and_then(|resources| resources.devices().as_deref()) == Some(rules) {
        true => Ok(()),
        false => Err(Error::cannot_keep("cannot change resources.devices").because("rules for devices are made with the container")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!((bytes("-1"), bytes("64k"), bytes("2G"), bytes("7")), (Some(-1), Some(65_536), Some(2 << 30), Some(7)));
        for bad in ["", "k", "-2", "1x", "99999999999t", "1.5g"] {
            assert_eq!(bytes(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn options_become_the_fields_that_they_stand_for() {
        let matches = define(clap::Command::new("update")).get_matches_from([
            "update",
            "--memory",
            "1m",
            "x",
            "--pids-limit",
            "-1",
            "--cpuset-cpus=0",
        ]);
        assert_eq!(from_options(&matches).unwrap(), json!({"memory": {"limit": 1 << 20}, "pids": {"limit": -1}, "cpu": {"cpus": "0"}}));
    }
}
