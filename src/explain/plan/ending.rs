//! The last stretch: streams, limits of the process, the directory, the command.

use super::{Deed, Subject, namespaces, nothing, quote};
use crate::sys::identity;
use oci_spec::runtime::LinuxNamespaceType;

pub fn terminal(subject: &Subject) -> Vec<Deed> {
    match subject.outline.record.wishes.terminal {
        true => vec![
            Deed::new("open a new terminal in the container's /dev/pts, and give the other end to the monitor")
                .cannot("the command gets the terminal that this script runs in"),
        ],
        false => {
            let input = if subject.outline.record.wishes.interactive { "your input comes by a third" } else { "its input is /dev/null" };
            vec![
                Deed::new(format!("make pipes for its output and its errors, whose far ends the monitor has; {input}"))
                    .cannot("the command writes to where this script does"),
            ]
        }
    }
}

pub fn reaper(subject: &Subject) -> Vec<Deed> {
    let why = "the reaper is a small program in a sealed file in memory; here the command itself is pid 1: \
               Ctrl-C does not end it unless it wants to (1 in cgroup.kill of its group does), and nobody reaps its orphans";
    match subject.outline.record.reaper {
        true if namespaces::has(subject, LinuxNamespaceType::Pid) => {
            vec![Deed::new("fork; pid 1 executes the reaper, and the command waits until it is there").cannot(why)]
        }
        true => vec![Deed::new("fork; the first process executes the reaper, which is not pid 1 here: that is the host's").cannot(why)],
        false => nothing("the command itself is pid 1"),
    }
}

pub fn limits(subject: &Subject) -> Vec<Deed> {
    let person = &subject.runtime.person;
    let text = |limit: u64| if limit == u64::MAX { "unlimited".to_owned() } else { limit.to_string() };
    let set = |(resource, soft, hard): &(u32, u64, u64)| {
        let name = identity::rlimit_name(*resource);
        let (soft, hard) = (text(*soft), text(*hard));
        Deed::new(format!("{name}: {soft}, and at most {hard}")).clear(format!("prlimit --pid $$ --{name}={soft}:{hard}"))
    };
    let mut deeds: Vec<Deed> = person.limits.iter().map(set).collect();
    if let Some(score) = person.oom_score_adj {
        deeds.push(Deed::new(format!("oom_score_adj: {score}")).clear(format!("echo {score} >/proc/self/oom_score_adj")));
    }
    if deeds.is_empty() { nothing("--ulimit was not asked for: it has those of its parent") } else { deeds }
}

pub fn enter_directory(subject: &Subject) -> Vec<Deed> {
    let cwd = subject.runtime.person.cwd.display().to_string();
    let told = Deed::new(format!("go to {cwd}"));
    match cwd.as_str() {
        "/" => vec![told.cannot("capsh does that with its chroot")],
        _ => vec![
            Deed::new(format!("make {cwd} if it is not there")).clear(format!("mkdir -p \"$(within {})\"", quote::word(&cwd))),
            told.cannot("capsh stays in /, so a shell of the image goes there, see below"),
        ],
    }
}

pub fn execute(subject: &Subject) -> Vec<Deed> {
    let args = subject.outline.spec.process().as_ref().and_then(|process| process.args().as_deref()).unwrap_or_default();
    let env = subject.outline.spec.process().as_ref().and_then(|process| process.env().as_deref()).unwrap_or_default();
    let Some((program, words)) = args.split_first() else { return Vec::new() };
    let mut lines = find_program(program, env);
    lines.push_str("\nexec env -i \\\n");
    let has_home = env.iter().any(|variable| variable.strip_prefix("HOME=").is_some_and(|home| !home.is_empty()));
    for variable in env.iter().filter(|variable| has_home || !variable.starts_with("HOME=")) {
        lines.push_str(&format!("    {} \\\n", quote::word(variable)));
    }
    if !has_home {
        lines.push_str("    HOME=\"${home:-/}\" \\\n");
    }
    lines.push_str(&format!("    \"$capsh\" --chroot=. \"$@\" {}", command(subject, words)));
    vec![
        Deed::new("leave no descriptor open but the streams").lines("# Others that your shell has open go along.\nexec 9<&-"),
        Deed::new(format!("its environment: {}{}", env.join(" "), if has_home { "" } else { " HOME=…" })),
        Deed::new(format!("execute {}", args.iter().map(|word| quote::word(word)).collect::<Vec<_>>().join(" "))).lines(lines),
    ]
}

/// Where the container's own PATH leads.
fn find_program(program: &str, env: &[String]) -> String {
    if program.contains('/') {
        return format!("program={}", quote::word(program));
    }
    let path = env.iter().rev().find_map(|variable| variable.strip_prefix("PATH=")).unwrap_or("/bin:/usr/bin");
    let directories: Vec<String> = path.split(':').filter(|dir| !dir.is_empty()).map(quote::word).collect();
    let name = quote::word(program);
    format!(
        "program=\nfor directory in {}; do\n    [ -z \"$program\" ] && [ -x \"$(within \"$directory\"/{name})\" ] && program=$directory/{name}\ndone\n[ \"$program\" ] || {{ echo \"there is no {} in the container\" >&2; exit 127; }}",
        directories.join(" "),
        quote::inside(program)
    )
}

fn command(subject: &Subject, words: &[String]) -> String {
    let words: String = words.iter().map(|word| format!(" {}", quote::word(word))).collect();
    match subject.runtime.person.cwd.display().to_string().as_str() {
        "/" => format!("--shell=\"$program\" --{words}"),
        cwd => format!(
            "--shell=/bin/sh -- \\\n        -c 'cd \"$0\" && unset PWD OLDPWD SHLVL && exec \"$@\"' {} \"$program\"{words}",
            quote::word(cwd)
        ),
    }
}
