//! The namespaces: which are the container's own, and what it is called in them.

use super::{Deed, Shell, Subject, groups, nothing, quote};
use crate::options::ClockOffsets;
use crate::sys::user_namespace::{self, Range};
use oci_spec::runtime::LinuxNamespaceType as Type;

/// In the order in which `unshare` and people name them.
const KINDS: [(Type, &str, &str); 7] = [
    (Type::Mount, "mount", "its own mounts"),
    (Type::Uts, "uts", "its own host name"),
    (Type::Ipc, "ipc", "its own shared memory and message queues"),
    (Type::Network, "net", "its own interfaces, addresses and ports"),
    (Type::Pid, "pid", "its own processes, numbered from 1"),
    (Type::Cgroup, "cgroup", "its own group as the top of all groups"),
    (Type::Time, "time", "its own clocks since the machine's start"),
];

pub fn has(subject: &Subject, kind: Type) -> bool {
    let all = subject.outline.spec.linux().as_ref().and_then(|linux| linux.namespaces().as_ref());
    all.into_iter().flatten().any(|namespace| namespace.typ() == kind)
}

pub fn make(subject: &Subject) -> Vec<Deed> {
    let own = |kind: &&(Type, &str, &str)| has(subject, kind.0);
    let names: Vec<&str> = KINDS.iter().filter(own).map(|(_, name, _)| *name).collect();
    let mut words = vec!["unshare".to_owned()];
    words.extend(names.iter().map(|name| format!("--{name}")));
    words.extend(clocks(&subject.outline.record.wishes.clocks));
    // Without a word it would make all mounts private, and that is a step of its own.
    words.push("--propagation=unchanged".to_owned());
    if has(subject, Type::Pid) || has(subject, Type::Time) {
        words.push("--fork".to_owned());
    }
    let into_group = if groups::has_one(subject) { "in_group " } else { "" };
    let input = if subject.outline.record.wishes.interactive { "" } else { " </dev/null" };
    let lines = format!("{into_group}{} \\\n    sh -eu /dev/fd/9 9<<'INSIDE'{input} || status=$?", words.join(" "));
    // A view of groups is of the one where the process is, so it comes when it is there: step 12.
    let at_birth = |kind: &&(Type, &str, &str)| own(kind) && kind.0 != Type::Cgroup;
    let mut deeds: Vec<Deed> =
        KINDS.iter().filter(at_birth).map(|(_, name, means)| Deed::new(format!("a new {name} namespace: {means}"))).collect();
    let shared = KINDS.iter().filter(|kind| !has(subject, kind.0) && kind.0 != Type::Time);
    deeds.extend(shared.map(|(_, name, means)| {
        Deed::new(format!(
            "the {name} namespace of the host stays: {}",
            means.replace("its own", "the same").replace(", numbered from 1", "")
        ))
    }));
    deeds.push(Deed::new("clone3 makes the process in all of them at once, and in its group").lines(format!(
        "# A shell makes them one call later, and moves into the group before. Up to INSIDE, all is done in there.\n{lines}"
    )));
    deeds
}

/// Whole seconds, as unshare(1) takes them.
fn clocks(wish: &ClockOffsets) -> Vec<String> {
    let all = [("monotonic", wish.monotonic), ("boottime", wish.boottime)];
    all.into_iter().filter(|(_, offset)| *offset != 0).map(|(name, offset)| format!("--{name}={}", offset / 1_000_000_000)).collect()
}

pub fn map_users(subject: &Subject) -> Vec<Deed> {
    match subject.is_ordinary {
        true => vec![become_root()],
        false => nothing("its users are the host's: root in here is root out there, with fewer powers"),
    }
}

/// An ordinary user is root in a namespace of his, and there does all the rest. tare has done that before its first step.
fn become_root() -> Deed {
    let (users, groups) = user_namespace::own_maps().unwrap_or_default();
    // As unshare(1) has wanted it from the first: outside, inside, count. Newer ones take that, too.
    let option = |name: &str, map: &[Range]| -> String {
        let further = map.iter().filter(|(inside, ..)| *inside != 0);
        further.map(|(inside, outside, count)| format!(" --map-{name}={outside},{inside},{count}")).collect()
    };
    let options = option("users", &users) + &option("groups", &groups);
    let told = users.iter().map(|(inside, outside, count)| format!("{count} from {outside} on are {inside} and so on in here"));
    let words = format!("you are root of a user namespace: of the host's users, {}", told.collect::<Vec<_>>().join(", "));
    Deed {
        shell: Shell::First(format!("[ \"${{1-}}\" = as-root ] || exec unshare --user --map-root-user{options} sh \"$0\" as-root")),
        ..Deed::new(words)
    }
}

pub fn own_group_view(subject: &Subject) -> Vec<Deed> {
    match has(subject, Type::Cgroup) {
        true => vec![
            Deed::new("unshare the cgroup namespace, now that the process is in its group")
                .cannot("it was among the words of unshare above"),
        ],
        false => nothing("--cgroupns host: it sees all groups"),
    }
}

pub fn name_host(subject: &Subject) -> Vec<Deed> {
    let spec = &subject.outline.spec;
    let mut deeds = Vec::new();
    if let (Some(name), true) = (spec.hostname(), has(subject, Type::Uts)) {
        // The file in /proc/sys is the machine's root's.
        let line = match subject.is_ordinary {
            true => format!("hostname {}", quote::word(name)),
            false => format!("echo {} >/proc/sys/kernel/hostname", quote::word(name)),
        };
        deeds.push(Deed::new(format!("sethostname {name}")).clear(line));
    }
    if let (Some(name), true) = (spec.domainname(), has(subject, Type::Uts)) {
        deeds.push(Deed::new(format!("setdomainname {name}")).clear(match subject.is_ordinary {
            true => format!("domainname {}", quote::word(name)),
            false => format!("echo {} >/proc/sys/kernel/domainname", quote::word(name)),
        }));
    }
    if deeds.is_empty() {
        return nothing("it is called like the host");
    }
    deeds
}
