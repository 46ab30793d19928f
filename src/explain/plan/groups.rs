//! The control group: where it lies, what it limits, and which devices may be opened in it.

use super::{Deed, Subject, nothing, quote};
use crate::paths::control_group;
use crate::runtime::cgroup::{Present, Wanted};
use crate::sys::mount;
use oci_spec::runtime::LinuxResources;
use std::path::Path;

/// Why this container has none; `None`: it has one.
fn hindrance(subject: &Subject) -> Option<&'static str> {
    match mount::cgroup2() {
        None => Some("this host has no cgroup v2 mounted"),
        Some(_) if subject.is_ordinary => Some("groups are the machine's: tare asks your systemd for one, or does without"),
        Some(_) => None,
    }
}

pub fn has_one(subject: &Subject) -> bool {
    hindrance(subject).is_none()
}

pub fn make(subject: &Subject) -> Vec<Deed> {
    if let Some(why) = hindrance(subject) {
        return nothing(why);
    }
    let record = &subject.outline.record;
    let top = mount::cgroup2().unwrap_or(Path::new("/sys/fs/cgroup"));
    let group = control_group(record.wishes.cgroup_parent.as_deref(), &record.id);
    let place = top.join(group.strip_prefix("/").unwrap_or(&group));
    let above = record.wishes.cgroup_parent.as_deref().map(|parent| parent.trim_matches('/')).unwrap_or_default();
    let parent = if above.is_empty() { top.to_owned() } else { top.join(above) };
    let mut lines = format!("groups={}\n", quote::word(&parent.display().to_string()));
    if !above.is_empty() {
        lines.push_str("mkdir -p \"$groups\"\n");
    }
    lines.push_str("group=$groups/by-hand-$$\nmkdir \"$group\"");
    let undo = "[ ! -e \"$group/cgroup.kill\" ] || echo 1 >\"$group/cgroup.kill\"\nwhile [ -d \"$group\" ] && ! rmdir \"$group\" 2>/dev/null; do sleep 0.1; done";
    vec![Deed::new(format!("make group {}", place.display())).lines(lines).undo(undo)]
}

pub fn limit(subject: &Subject) -> Vec<Deed> {
    let resources = subject.outline.spec.linux().as_ref().and_then(|linux| linux.resources().as_ref());
    let wanted = resources.and_then(|resources| Wanted::from(resources, &Present::default()).ok()).unwrap_or_default();
    let files: Vec<(String, String)> = wanted.files.iter().cloned().chain(rates(resources)).collect();
    if files.is_empty() && wanted.disk_weights.is_empty() {
        return nothing("no limit was asked for");
    }
    if let Some(why) = hindrance(subject) {
        return nothing(why);
    }
    let mut controllers = wanted.controllers;
    if files.iter().any(|(file, _)| file == "io.max") && !controllers.iter().any(|name| name == "io") {
        controllers.push("io".to_owned());
    }
    let top = mount::cgroup2().map(|top| std::fs::read_to_string(top.join("cgroup.controllers")).unwrap_or_default()).unwrap_or_default();
    if let Some(missing) = controllers.iter().find(|wanted| !top.split_whitespace().any(|have| have == *wanted)) {
        return vec![
            Deed::new(format!(
                "refuse the run: this host has no controller {missing} in cgroup v2, which would be needed to limit {}",
                files.iter().map(|(file, value)| format!("{file} = {value}")).collect::<Vec<_>>().join(", ")
            ))
            .cannot(format!("this host has no controller {missing} in cgroup v2, so tare refuses such a run here, and says what helps")),
        ];
    }
    let lines: Vec<String> = controllers.iter().map(|controller| format!("switch_on {controller}")).collect();
    let mut deeds = vec![
        Deed::new(format!("let the groups below have the controllers: {}", controllers.join(", "))).lines(lines.join("\n")).undo(
            "[ ! -e \"$work/controllers\" ] || sort -r \"$work/controllers\" |\n    while read -r place word; do echo \"$word\" >\"$place/cgroup.subtree_control\"; done",
        ),
    ];
    for (file, value) in files {
        let lines = format!("echo {} >\"$group/{file}\"", quote::word(&value));
        deeds.push(Deed::new(format!("{file} = {value}{}", meaning(&file))).clear(lines));
    }
    for (_, weight) in wanted.disk_weights {
        deeds.push(Deed::new(format!("weight {weight} at the disks")).cannot("which file it goes to depends on the disk's scheduler"));
    }
    deeds
}

/// What a file of a group says, for somebody who sees it for the first time.
fn meaning(file: &str) -> &'static str {
    match file {
        "memory.max" => ": bytes of memory, at most",
        "memory.swap.max" => ": bytes of swap beside it",
        "memory.low" => ": bytes that are left to it when there is little",
        "cpu.max" => ": microseconds of processor time in each period of microseconds",
        "cpu.weight" => ": its share where others want the processors, too (100 is everybody's)",
        "cpuset.cpus" => ": only these processors",
        "cpuset.mems" => ": only these nodes of memory",
        "pids.max" => ": processes, at most",
        "io.max" => ": of the disk with these numbers",
        _ => "",
    }
}

/// As the kernel's io.max wants them: the numbers of the disk, and a word for each rate.
fn rates(resources: Option<&LinuxResources>) -> Vec<(String, String)> {
    let Some(block_io) = resources.and_then(|resources| resources.block_io().as_ref()) else { return Vec::new() };
    let kinds = [
        ("rbps", block_io.throttle_read_bps_device()),
        ("wbps", block_io.throttle_write_bps_device()),
        ("riops", block_io.throttle_read_iops_device()),
        ("wiops", block_io.throttle_write_iops_device()),
    ];
    let all = kinds.into_iter().flat_map(|(word, rates)| rates.iter().flatten().map(move |rate| (word, rate)));
    all.map(|(word, rate)| ("io.max".to_owned(), format!("{}:{} {word}={}", rate.major(), rate.minor(), rate.rate()))).collect()
}

pub fn guard_devices(subject: &Subject) -> Vec<Deed> {
    if let Some(why) = hindrance(subject) {
        return nothing(why);
    }
    let resources = subject.outline.spec.linux().as_ref().and_then(|linux| linux.resources().as_ref());
    let rules = resources.and_then(|resources| resources.devices().clone()).unwrap_or_default();
    let allowed: Vec<String> = rules.iter().filter(|rule| rule.allow()).map(ToString::to_string).collect();
    let allows_all = rules.len() == 1 || allowed.iter().any(|rule| rule.starts_with("a *:*"));
    let words = match allows_all {
        true => "load a program for the kernel into the group, which allows every device".to_owned(),
        false => format!(
            "load a program for the kernel into the group, which allows {} and no other device (c, b: characters, blocks; its numbers; to read, write, make)",
            allowed.join(", ")
        ),
    };
    vec![
        Deed::new(words)
            .cannot("the program is eBPF, and no tool of every host loads one; what keeps disks away here is that /dev has none"),
    ]
}
