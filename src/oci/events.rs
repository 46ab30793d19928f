//! `events`: what a container uses, once or again and again, and what the kernel did to it for want of memory. JSON lines.

use crate::error::{Context as _, Error, Result};
use crate::oci::{Context, id, id_argument};
use crate::runtime::cgroup::Group;
use crate::runtime::cgroup::usage::Usage;
use crate::runtime::strict::shelf::{Kept, Status};
use crate::sys::poll::Changes;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// The group changes when the container ends; should it have been somebody's move to another group, we look ourselves.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

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
    let group = group_of(&kept)?;
    let changes = Changes::of(&[group.path()]).with_context(|| format!("cannot watch {}", group.path().display()))?;
    let (mut killed, mut due) = (group.out_of_memory_kills(), Instant::now());
    loop {
        // Looked at before the kills are counted: what ended it is told, too.
        let has_ended = kept.status(&context.shelf) == Status::Stopped;
        let now = group.out_of_memory_kills();
        if now > killed {
            killed = now;
            println!("{}", json!({ "type": "oom", "id": kept.id }));
        }
        if has_ended {
            return Ok(0);
        }
        if Instant::now() >= due {
            println!("{}", stats(&kept)?);
            due += interval;
        }
        changes.wait(due.saturating_duration_since(Instant::now()).min(LONGEST_WAIT).as_millis() as i32);
    }
}

fn group_of(kept: &Kept) -> Result<Group> {
    kept.group().ok_or_else(|| Error::cannot_keep("cannot tell what it uses").because("it has no control group"))
}

/// In the shape of runc, which engines read.
fn stats(kept: &Kept) -> Result<Value> {
    let usage = Usage::read(&group_of(kept)?);
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
            "pids": { "current": usage.processes, "limit": if usage.processes_limit == u64::MAX { 0 } else { usage.processes_limit } },
            "hugetlb": usage.huge_pages.iter().map(|(size, pages)| {
                (size.clone(), json!({ "usage": pages.now, "failcnt": pages.refused }))
            }).collect::<Map<_, _>>(),
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
