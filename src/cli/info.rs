//! `tare info`: what is here, and what this machine can do for containers, with a word on what it cannot.

use crate::cli::say::say;
use crate::cli::template::Template;
use crate::cli::{Context, human};
use crate::engine::list;
use crate::error::Result;
use crate::image::catalog;
use crate::kernel::{self, Facts};
use crate::paths::Paths;
use crate::record::{Seen, Status};
use clap::{Arg, ArgMatches};
use serde_json::{Value, json};

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(
        Arg::new("format")
            .short('f')
            .long("format")
            .value_name("FORMAT")
            .default_value("")
            .hide_default_value(true)
            .help("json, or a template"),
    )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let format = matches.get_one::<String>("format").map(String::as_str).unwrap_or("");
    let images = catalog::list(&context.paths).map_or(0, |images| images.len());
    let value = value(&kernel::facts(), &list::containers(&context.paths)?, images, &context.paths);
    say(&text(&value, format)?);
    Ok(0)
}

fn value(facts: &Facts, containers: &[Seen], images: usize, paths: &Paths) -> Value {
    let count = |status: Status| containers.iter().filter(|seen| seen.status == status).count();
    json!({
        "Containers": containers.len(),
        "ContainersRunning": count(Status::Running),
        "ContainersPaused": count(Status::Paused),
        "ContainersStopped": containers.len() - count(Status::Running) - count(Status::Paused),
        "Images": images,
        "Driver": "overlay",
        "DockerRootDir": paths.root(),
        "RunDir": paths.run(),
        "CgroupVersion": if facts.cgroup2.is_some() { "2" } else { "1" },
        "CgroupMount": facts.cgroup2,
        "CgroupControllers": facts.controllers,
        "MemoryLimit": has(facts, "memory"),
        "CPUShares": has(facts, "cpu"),
        "PidsLimit": has(facts, "pids"),
        "KernelVersion": facts.release,
        "OSType": "linux",
        "Architecture": facts.architecture,
        "NCPU": facts.processors,
        "MemTotal": facts.memory,
        "SecurityOptions": facts.has_seccomp.then_some("name=seccomp,profile=builtin").into_iter().collect::<Vec<_>>(),
        "SecurityModules": facts.security_modules,
        "ServerVersion": env!("CARGO_PKG_VERSION"),
        "RootChange": if facts.root_is_initramfs { "MS_MOVE and chroot" } else { "pivot_root" },
        "Warnings": warnings(facts),
    })
}

fn has(facts: &Facts, controller: &str) -> bool {
    facts.controllers.iter().any(|known| known == controller)
}

/// What a person will run into, and what they can do about it.
fn warnings(facts: &Facts) -> Vec<String> {
    let missing: Vec<&str> = ["memory", "cpu", "pids"].into_iter().filter(|controller| !has(facts, controller)).collect();
    let mut found = Vec::new();
    if !facts.is_root {
        found.push("not run as root: containers cannot be started yet without it; use sudo".to_owned());
    }
    match facts.cgroup2 {
        None => found.push("no cgroup2 is mounted: limits are refused, and the end of a container relies on pid 1 alone".to_owned()),
        Some(_) if !missing.is_empty() => {
            let why = if facts.hybrid { "; boot with systemd.unified_cgroup_hierarchy=1" } else { "" };
            found.push(format!("cgroup2 has no controller for {}: these limits are refused{why}", missing.join(", ")));
        }
        Some(_) => {}
    }
    if !facts.has_overlay {
        found.push("the kernel does not name overlay yet: it is loaded at the first start, or missing (modprobe overlay)".to_owned());
    }
    if !facts.has_seccomp {
        found.push("the kernel has no seccomp: containers need --security-opt seccomp=unconfined, and are less safe".to_owned());
    }
    found
}

fn text(value: &Value, format: &str) -> Result<String> {
    const USUAL: &str = "\
Containers:   {{.Containers}} ({{.ContainersRunning}} running, {{.ContainersPaused}} paused, {{.ContainersStopped}} stopped)
Images:       {{.Images}}
Version:      {{.ServerVersion}}
Storage:      {{.Driver}} in {{.DockerRootDir}}
State:        {{.RunDir}}
Kernel:       {{.KernelVersion}} ({{.Architecture}})
Processors:   {{.NCPU}}
Memory:       {{.Memory}}
Cgroups:      version {{.CgroupVersion}}{{with .CgroupMount}} at {{.}}{{end}}{{with .CgroupControllers}} with {{join . \", \"}}{{end}}
Security:     {{if .SecurityOptions}}seccomp{{else}}no seccomp{{end}}{{with .SecurityModules}}; kernel modules {{join . \", \"}}{{end}}
New root by:  {{.RootChange}}
{{range .Warnings}}warning: {{.}}
{{end}}";
    match format {
        "" => {
            let mut value = value.clone();
            value["Memory"] = human::memory(value["MemTotal"].as_u64().unwrap_or(0)).into();
            Template::new(USUAL)?.render(&value)
        }
        "json" => Ok(format!("{value}\n")),
        _ => Ok(Template::new(format)?.render(value)? + "\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn facts() -> Facts {
        Facts {
            release: "6.18".into(),
            architecture: "x86_64",
            processors: 2,
            memory: 4 << 30,
            is_root: true,
            cgroup2: Some(Path::new("/sys/fs/cgroup")),
            hybrid: false,
            controllers: vec!["memory".into(), "cpu".into(), "pids".into()],
            has_overlay: true,
            has_seccomp: true,
            security_modules: Vec::new(),
            root_is_initramfs: false,
        }
    }

    #[test]
    fn a_good_machine_has_no_warnings() {
        let value = value(&facts(), &[], 3, &Paths::new("/store", "/run"));
        assert_eq!(value["Warnings"], json!([]));
        assert_eq!(text(&value, "{{.Images}} {{.NCPU}} {{.MemoryLimit}}").unwrap(), "3 2 true\n");
        let shown = text(&value, "").unwrap();
        assert!(
            shown.contains("Memory:       4GiB\n") && shown.contains("version 2 at /sys/fs/cgroup with memory, cpu, pids\n"),
            "{shown}"
        );
        assert!(!shown.contains("warning"));
    }

    #[test]
    fn what_cannot_be_kept_is_said_before_it_is_asked_for() {
        let hybrid = Facts { controllers: Vec::new(), hybrid: true, cgroup2: Some(Path::new("/sys/fs/cgroup/unified")), ..facts() };
        let shown = text(&value(&hybrid, &[], 0, &Paths::new("/store", "/run")), "").unwrap();
        assert!(
            shown.contains("warning: cgroup2 has no controller for memory, cpu, pids") && shown.contains("unified_cgroup_hierarchy=1"),
            "{shown}"
        );
        let poor = Facts { cgroup2: None, has_overlay: false, has_seccomp: false, is_root: false, ..facts() };
        assert_eq!(warnings(&poor).len(), 4);
    }
}
