//! Who the command is, and what it may.

use super::{Deed, Subject, nothing, quote};
use crate::options::Seccomp;
use crate::spec::capabilities;
use crate::sys::user_namespace;

pub fn find_user(subject: &Subject) -> Vec<Deed> {
    let (user, group) = wish(subject);
    let further = &subject.outline.record.wishes.groups;
    let mut told = format!("look for user {user} in the container's /etc/passwd, and for his groups in /etc/group");
    if let Some(group) = group {
        told = format!("look for user {user} in the container's /etc/passwd, and for group {group} in /etc/group");
    }
    if !further.is_empty() {
        told.push_str(&format!("; add {}", further.join(", ")));
    }
    vec![Deed::new(told).lines(script(user, group, further))]
}

/// User and group, as they were typed or as the image says.
fn wish<'a>(subject: &'a Subject) -> (&'a str, Option<&'a str>) {
    let typed = subject.outline.record.user.as_str();
    let (user, group) = typed.split_once(':').map_or((typed, None), |(user, group)| (user, Some(group)));
    (if user.is_empty() { "0" } else { user }, group)
}

/// By name before by number: what the image calls somebody wins.
fn script(user: &str, group: Option<&str>, further: &[String]) -> String {
    let mut lines = format!(
        "user={}\n\
         passwd=$(within /etc/passwd) group_file=$(within /etc/group)\n\
         [ -f \"$passwd\" ] || passwd=/dev/null\n\
         [ -f \"$group_file\" ] || group_file=/dev/null\n\
         line=$(awk -F: -v who=\"$user\" '$1 == who {{ print; exit }}' \"$passwd\")\n\
         [ \"$line\" ] || line=$(awk -F: -v who=\"$user\" '$3 == who {{ print; exit }}' \"$passwd\")\n\
         [ \"$line\" ] || line=$user:x:$user:0::/\n\
         name=$(echo \"$line\" | cut -d: -f1) uid=$(echo \"$line\" | cut -d: -f3)\n\
         gid=$(echo \"$line\" | cut -d: -f4) home=$(echo \"$line\" | cut -d: -f6)",
        quote::word(user)
    );
    match group {
        Some(group) => lines.push_str(&format!("\ngid={}\ngroups=$gid", group_number(group))),
        None => lines.push_str(
            "\ngroups=$gid$(awk -F: -v who=\"$name\" -v own=\"$gid\" \\\n    '$3 != own && index(\",\" $4 \",\", \",\" who \",\") { printf \",%s\", $3 }' \"$group_file\")",
        ),
    }
    for group in further {
        lines.push_str(&format!("\ngroups=$groups,{}", group_number(group)));
    }
    lines
}

fn group_number(group: &str) -> String {
    format!("$(awk -F: -v what={} '$1 == what {{ n = $3 }} END {{ print n == \"\" ? what : n }}' \"$group_file\")", quote::word(group))
}

/// Without `CAP_`, as `--cap-add` takes them.
fn names(mask: u64) -> Vec<&'static str> {
    capabilities::of_mask(mask).map(|name| name.strip_prefix("CAP_").unwrap_or(name)).collect()
}

pub fn bound(subject: &Subject) -> Vec<Deed> {
    let kept = subject.runtime.person.capabilities.bounding;
    let lost = names(capabilities::EVERY & known_here() & !kept);
    let told = match lost.len() {
        0 => Deed::new("keep every capability within reach"),
        _ if kept == 0 => Deed::new("keep no capability within reach"),
        _ => Deed::new(format!("keep within reach: {}", names(kept).join(", "))),
    };
    if lost.is_empty() {
        return vec![told.lines("set --")];
    }
    let mut lines =
        "# capsh changes this process one word after the other, and executes the command at the end; here its words begin.".to_owned();
    for (number, few) in lost.chunks(5).enumerate() {
        let few: Vec<String> = few.iter().map(|name| format!("cap_{}", name.to_ascii_lowercase())).collect();
        lines.push_str(&format!("\ndrop={}{}", if number == 0 { "" } else { "$drop," }, few.join(",")));
    }
    lines.push_str("\nset -- --drop=\"$drop\"");
    vec![told.lines(lines)]
}

/// Older kernels know fewer.
fn known_here() -> u64 {
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok().and_then(|text| text.trim().parse::<u32>().ok());
    last.and_then(|last| 1u64.checked_shl(last + 1)).map_or(u64::MAX, |above| above - 1)
}

pub fn filter(subject: &Subject) -> Vec<Deed> {
    let wishes = &subject.outline.record.wishes;
    let mut deeds = Vec::new();
    if wishes.no_new_privileges {
        deeds.push(Deed::new("no_new_privs: no setuid program makes it more than it is").lines("set -- \"$@\" --no-new-privs"));
    }
    let why = "a filter is a program for the kernel, and no tool of every host loads one; here all calls stay open";
    match &wishes.seccomp {
        _ if wishes.privileged => deeds.push(Deed::new("no filter: --privileged")),
        Seccomp::Unconfined => deeds.push(Deed::new("no filter: seccomp=unconfined")),
        Seccomp::Default => {
            deeds.push(Deed::new("load the usual filter: a call that is not in its table is answered with EPERM").cannot(why))
        }
        Seccomp::Profile(_) => deeds.push(Deed::new("load the filter of the profile that was named").cannot(why)),
    }
    deeds
}

pub fn become_user(subject: &Subject) -> Vec<Deed> {
    let (user, group) = wish(subject);
    let group = group.map(|group| format!(", group {group}")).unwrap_or_default();
    // Whom the machine's root has given no ids may not change his groups: user_namespaces(7).
    let groups = if user_namespace::groups_are_fixed() { "" } else { " --groups=\"$groups\"" };
    vec![
        Deed::new(format!("setgroups, setresgid, setresuid: user {user}{group}"))
            .lines(format!("set -- \"$@\"{groups} --gid=\"$gid\" --uid=\"$uid\"")),
    ]
}

pub fn drop_capabilities(subject: &Subject) -> Vec<Deed> {
    let (user, _) = wish(subject);
    let kept = subject.runtime.person.capabilities.effective;
    match user {
        "0" | "root" if kept == 0 => nothing("none is left"),
        "0" | "root" => vec![
            Deed::new(format!("capset: {} in hand, none inheritable or ambient", names(kept).join(", ")))
                .lines("# Root gets at exec what is within its reach.\nset -- --inh= \"$@\""),
        ],
        _ => vec![
            Deed::new(format!("capset: none in hand, as {user} is not root"))
                .lines("# At exec whoever is not root loses what was in hand.\nset -- --inh= \"$@\""),
        ],
    }
}
