//! `tare info`: what is here, and what this machine can do for containers, with a word on what it cannot.

use crate::cli::say::say;
use crate::cli::table;
use crate::cli::template;
use crate::cli::template::Template;
use crate::cli::{Context, human};
use crate::engine::{list, networks, now, repair};
use crate::error::{Error, Result};
use crate::image::catalog;
use crate::kernel::abilities::{Ability, State, abilities};
use crate::kernel::{self, Facts};
use crate::paths::Paths;
use crate::record::{Seen, Status};
use crate::rootless::who::Who;
use crate::rootless::{self, look};
use crate::runtime::cgroup::home::Source;
use crate::sys::{identity, user_namespace};
use crate::time;
use clap::ArgMatches;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(template::flag().short('f'))
        .after_help("Examples:\n  tare info\n  tare info -f '{{range .Abilities}}{{if eq .State \"no\"}}{{println .Name}}{{end}}{{end}}'")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let format = matches.get_one::<String>("format").map(String::as_str).unwrap_or("");
    let (here, without_root) = who_looks(context);
    if without_root.is_none() {
        repair::sweep(&context.paths);
    }
    // One with several names is one image.
    let images = catalog::list(&context.paths).unwrap_or_default().into_iter().map(|image| image.id).collect::<BTreeSet<_>>().len();
    // Who may not see them can still be told what this machine can do.
    let containers = list::containers(&context.paths).unwrap_or_default();
    let mut facts = kernel::facts();
    let groups = (!user_namespace::is_initial()).then(Source::of_user);
    if let Some(groups) = &groups {
        facts.controllers = groups.controllers();
    }
    let mut abilities = abilities(&facts, context.paths.root());
    abilities.extend(here);
    abilities.extend(groups.as_ref().map(groups_of_user));
    let hindrance = without_root.map(|error| error.to_string());
    let mut value = value(&facts, &abilities, &containers, images, &context.paths);
    if let Some(warnings) = value["Warnings"].as_array_mut() {
        warnings.extend(hindrance.map(Value::from));
        warnings.extend(networks::hindrances(None).into_iter().map(Value::from));
    }
    let mut text = text(&value, format)?;
    if format.is_empty() {
        text += &table_of(&abilities);
    }
    say(&text);
    Ok(0)
}

/// Also becomes root of the user's namespace: what there is outside is looked at before, and why he cannot is told and not the end.
fn who_looks(context: &Context) -> (Vec<Ability>, Option<Error>) {
    if !rootless::is_ordinary_user() {
        return (look::of_root(), None);
    }
    let who = Who::we_are();
    let hindrance = rootless::enter(&context.paths).err();
    (look::of_user(&who, hindrance.as_ref(), context.paths.root()), hindrance)
}

fn groups_of_user(groups: &Source) -> Ability {
    const NAME: &str = "control groups";
    match groups {
        Source::Given(group) => Ability::new(look::GROUP, NAME, State::Yes, format!("below {}", group.display())),
        Source::Systemd(_) => Ability::new(look::GROUP, NAME, State::Yes, "a scope of your systemd for each container"),
        Source::Nobody(error) => {
            Ability::new(look::GROUP, NAME, State::No, error.to_string()).advice(error.hint_text().unwrap_or_default())
        }
    }
}

fn value(facts: &Facts, abilities: &[Ability], containers: &[Seen], images: usize, paths: &Paths) -> Value {
    let count = |status: Status| containers.iter().filter(|seen| seen.status == status).count();
    json!({
        "Containers": containers.len(),
        "ContainersRunning": count(Status::Running) + count(Status::Restarting),
        "ContainersPaused": count(Status::Paused),
        "ContainersStopped": containers.iter().filter(|seen| !seen.is_running()).count(),
        "Images": images,
        "Name": identity::hostname(),
        "SystemTime": time::rfc3339(now()),
        "Driver": "overlay",
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "DefaultRuntime": "tare",
        "DockerRootDir": paths.root(),
        "RunDir": paths.run(),
        "CgroupVersion": if facts.cgroup2.is_some() { "2" } else { "1" },
        "CgroupMount": facts.cgroup2,
        "CgroupControllers": facts.controllers,
        "MemoryLimit": has(facts, "memory"),
        "CPUShares": has(facts, "cpu"),
        "CPUSet": has(facts, "cpuset"),
        "CpuCfsPeriod": has(facts, "cpu"),
        "CpuCfsQuota": has(facts, "cpu"),
        "SwapLimit": abilities.iter().any(|ability| ability.name == "swap" && ability.state == State::Yes),
        "PidsLimit": has(facts, "pids"),
        "KernelVersion": facts.release,
        "OperatingSystem": operating_system(),
        "OSType": "linux",
        "Architecture": facts.architecture,
        "NCPU": facts.processors,
        "MemTotal": facts.memory,
        "SecurityOptions": facts.has_seccomp.then_some("name=seccomp,profile=builtin").into_iter().collect::<Vec<_>>(),
        "SecurityModules": facts.security_modules,
        "ServerVersion": env!("CARGO_PKG_VERSION"),
        "RootChange": if facts.root_is_initramfs { "MS_MOVE and chroot" } else { "pivot_root" },
        "Abilities": abilities.iter().map(describe).collect::<Vec<_>>(),
        "Warnings": warnings(abilities),
    })
}

/// As the machine calls its distribution (os-release(5)).
fn operating_system() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("Linux").trim_matches('"').to_owned()
}

fn has(facts: &Facts, controller: &str) -> bool {
    facts.controllers.iter().any(|known| known == controller)
}

/// What a person will run into, and what they can do about it.
fn warnings(abilities: &[Ability]) -> Vec<String> {
    let mut found = Vec::new();
    let missing = abilities.iter().filter(|ability| ability.everyday && matches!(ability.state, State::No | State::Partly));
    found.extend(missing.map(|ability| {
        let advice = if ability.advice.is_empty() { String::new() } else { format!("; {}", ability.advice) };
        format!("no {}: {}{advice}", ability.name, ability.why)
    }));
    found
}

fn describe(ability: &Ability) -> Value {
    let Ability { group, name, why, advice, .. } = ability;
    json!({ "Group": group, "Name": name, "State": word(ability.state), "Why": why, "Advice": advice })
}

fn word(state: State) -> &'static str {
    match state {
        State::Yes => "yes",
        State::Partly => "partly",
        State::No => "no",
        State::Unknown => "unknown",
    }
}

/// What can be done here, by kind; where something is missing, the next line says what helps.
fn table_of(abilities: &[Ability]) -> String {
    let mut text = String::new();
    let mut group = "";
    for (at, ability) in abilities.iter().enumerate() {
        if ability.group != group {
            group = ability.group;
            text += &format!("\n{group}\n");
        }
        text += &format!("  {}\t{}\t{}\n", ability.name, word(ability.state), ability.why);
        // Several that lack the same thing are told what helps once.
        if !ability.advice.is_empty() && abilities.get(at + 1).is_none_or(|next| next.advice != ability.advice) {
            text += &format!("\t\twhat helps: {}\n", ability.advice);
        }
    }
    table::align(&text)
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
";
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
            controllers: vec!["memory".into(), "cpu".into(), "pids".into()],
            has_seccomp: true,
            ..Facts::default()
        }
    }

    fn shown(facts: &Facts, abilities: &[Ability], format: &str) -> String {
        text(&value(facts, abilities, &[], 3, &Paths::new("/store", "/run")), format).unwrap()
    }

    #[test]
    fn the_fields_are_docker_s() {
        assert_eq!(shown(&facts(), &[], "{{.Images}} {{.NCPU}} {{.MemoryLimit}} {{.Warnings}}"), "3 2 true []\n");
        let usual = shown(&facts(), &[], "");
        assert!(
            usual.contains("Memory:       4GiB\n") && usual.contains("version 2 at /sys/fs/cgroup with memory, cpu, pids\n"),
            "{usual}"
        );
    }

    #[test]
    fn what_is_missing_is_said_with_what_helps() {
        let abilities = [
            Ability::new("Limits", "memory", State::No, "elsewhere").advice("do this").everyday(),
            Ability::new("Limits", "io", State::No, "elsewhere"),
            Ability::new("Safety", "seccomp", State::Yes, "a filter").everyday(),
        ];
        assert_eq!(shown(&facts(), &abilities, "{{range .Warnings}}{{.}}{{end}}"), "no memory: elsewhere; do this\n");
        let expected = "\nLimits\n  memory    no        elsewhere\n                      what helps: do this\n  io        no        elsewhere\n\
                        \nSafety\n  seccomp   yes       a filter\n";
        assert_eq!(table_of(&abilities), expected);
        assert_eq!(shown(&facts(), &abilities, "{{range .Abilities}}{{.Name}}={{.State}} {{end}}"), "memory=no io=no seccomp=yes \n");
    }
}
