//! `events`: what a container uses, once or again and again, and what the kernel did to it for want of memory. JSON lines.

use crate::error::{Error, Result};
use crate::oci::{Context, id, id_argument};
use crate::runtime::cgroup::usage::Usage;
use crate::runtime::shelf::{Kept, Status};
use crate::sys::process;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Value, json};
use std::time::Duration;

pub fn define(command: clap::Command) -> clap::Command {
    command.args([
        id_argument(),
        Arg::new("stats").long("stats").action(ArgAction::SetTrue).help("Once, and end"),
        Arg::new("interval").long("interval").value_name("TIME").default_value("5s").help("Between two looks: 500ms, 5s, 1m"),
    ])
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let kept = context.shelf.find(id(matches))?;
    if !kept.status(&context.shelf).has_process() {
        return Err(Error::conflict(format!("container {} is not running", kept.id)));
    }
    if matches.get_flag("stats") {
        println!("{}", stats(&kept)?);
        return Ok(0);
    }
    let text = matches.get_one::<String>("interval").map_or("5s", String::as_str);
    let interval = Duration::from_nanos(crate::time::parse_duration(text)?);
    if interval.is_zero() {
        return Err(Error::usage("--interval must be longer than nothing"));
    }
    let mut killed = 0;
    while kept.status(&context.shelf) != Status::Stopped {
        println!("{}", stats(&kept)?);
        let now = kept.group().map_or(0, |group| group.out_of_memory_kills());
        if now > killed {
            killed = now;
            println!("{}", json!({ "type": "oom", "id": kept.id }));
        }
        process::sleep(interval);
    }
    Ok(0)
}

/// In the shape of runc, which engines read.
fn stats(kept: &Kept) -> Result<Value> {
    let group = kept.group().ok_or_else(|| Error::cannot_keep("cannot tell what it uses").because("it has no control group"))?;
    let usage = Usage::read(&group);
    Ok(json!({
        "type": "stats",
        "id": kept.id,
        "data": {
            "cpu": {
                "usage": { "total": usage.cpu * 1000, "kernel": usage.cpu_kernel * 1000, "user": usage.cpu_user * 1000 },
                "throttling": { "periods": usage.periods, "throttledPeriods": usage.throttled_periods, "throttledTime": usage.throttled * 1000 },
            },
            "memory": {
                "cache": usage.cache,
                "usage": { "limit": usage.memory_limit, "usage": usage.memory, "max": usage.memory_peak, "failcnt": usage.memory_failures },
                "swap": { "limit": usage.swap_limit, "usage": usage.swap },
                "raw": usage.raw_memory,
            },
            "pids": { "current": usage.processes, "limit": usage.processes_limit },
            "blkio": {
                "ioServiceBytesRecursive": usage.io.iter().flat_map(|io| [
                    json!({ "major": io.major, "minor": io.minor, "op": "Read", "value": io.bytes_read }),
                    json!({ "major": io.major, "minor": io.minor, "op": "Write", "value": io.bytes_written }),
                ]).collect::<Vec<_>>(),
                "ioServicedRecursive": usage.io.iter().flat_map(|io| [
                    json!({ "major": io.major, "minor": io.minor, "op": "Read", "value": io.reads }),
                    json!({ "major": io.major, "minor": io.minor, "op": "Write", "value": io.writes }),
                ]).collect::<Vec<_>>(),
            },
        },
    }))
}
