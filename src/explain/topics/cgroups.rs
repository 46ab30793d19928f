//! Control groups.

use super::{Example, Page};
use crate::explain::live::group;
use crate::kernel;
use crate::options::sizes;
use crate::trace::Step;

const WORDS: &str = "
Namespaces say what a process sees; a control group says how much it gets.
Every process is in one group, and whatever it forks is born in the same one:
nobody gets out by forking. Groups are directories below /sys/fs/cgroup, and
their files are the whole interface: writing 67108864 to memory.max is a limit
of 64 MiB, reading memory.current tells what is used.

A group is also a sure way to end a container: one write to cgroup.kill and
every process in it is dead, even those that fork as fast as they can, and even
where it shares its pid namespace, so that killing pid 1 is no way.

What happens at a limit differs. Memory: the kernel takes back what it can,
and then kills a process of the group (\"OOM\", exit code 137). Processors: it
has to wait for the next tenth of a second. Processes: fork says EAGAIN.

tare speaks cgroup v2 only, where all controllers are in one tree. On a host
that still has them in v1, containers run, and limits are refused.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::SetLimits),
        further: "man 7 cgroups; the kernel's cgroup-v2.rst; tare stats; tare update --memory 64m NAME",
    }
}

fn live(example: &Example) -> Vec<String> {
    let Some(seen) = &example.seen else { return of_machine() };
    let Some((limits, used)) = group::of(seen) else { return example.at_rest() };
    if limits.path.is_empty() {
        return vec!["it has no group: this host has no cgroup v2, or may not make one".to_owned()];
    }
    let has = |controller: &str| limits.controllers.iter().any(|known| known == controller);
    let file = |controller: &str, name: &str, value: Option<String>| match value {
        Some(value) => format!("{name:<15} {value}"),
        None if has(controller) => format!("{name:<15} max (no limit)"),
        None => format!("{name:<15} is not there: the group has no {controller} controller"),
    };
    let processors = limits.processor.map(|(quota, period)| format!("{quota} {period} (so many of so many microseconds)"));
    vec![
        limits.path.clone(),
        file("memory", "memory.max", limits.memory.map(|bytes| format!("{bytes} ({})", sizes::memory(bytes)))),
        format!("{:<15} {}", "in use", sizes::memory(used.memory)),
        file("cpu", "cpu.max", processors),
        format!("{:<15} {:.2} seconds of processor so far", "cpu.stat", used.processor as f64 / 1e6),
        file("pids", "pids.max", limits.tasks.map(|tasks| tasks.to_string())),
        format!("{:<15} {}", "tasks now", used.tasks),
    ]
}

fn of_machine() -> Vec<String> {
    let facts = kernel::facts();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("none").to_owned();
    match facts.cgroup2 {
        None => vec!["no cgroup v2 is mounted on this host".to_owned()],
        Some(top) => {
            let controllers = if facts.controllers.is_empty() {
                "none: they are in cgroup v1 here, so limits are refused".to_owned()
            } else {
                facts.controllers.join(" ")
            };
            vec![
                format!("cgroup v2    {}", top.display()),
                format!("controllers  {controllers}"),
                format!("own group    {own} (that of this command)"),
            ]
        }
    }
}
