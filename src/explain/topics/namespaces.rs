//! Namespaces: what makes a process a container.

use super::{Example, Page};
use crate::explain::live::namespaces::{self, KINDS, Namespace, Whose, number};
use crate::sys::process;
use crate::trace::Step;

const WORDS: &str = "
The kernel knows no containers, only processes. Each process is in one
namespace of each kind, and sees what is in there: the processes of its pid
namespace, the mounts of its mnt namespace, the interfaces of its net
namespace. What is in another namespace is not forbidden but absent: there is
no name for it. Only pid and user namespaces are nested: the outer one sees
those who are in the inner, under other numbers, and never the other way round.

A new process is in its parent's namespaces, unless clone3(2) is told to make
new ones. That is all that \"starting a container\" means at heart: one call,
with a flag for each kind. A namespace lives as long as a process is in it (or
holds it open), so a container leaves none behind, however it ends.

A namespace has a number. Two processes with the same number share it: so
containers can share a network (--network container:NAME), and so a container
can be given the host's (--network host, --pid host).
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::CloneContainer),
        further: "man 7 namespaces; ls -l /proc/self/ns; tare tree NAME; lsns",
    }
}

fn live(example: &Example) -> Vec<String> {
    if example.is_at_rest() {
        return example.at_rest();
    }
    let line = |kind: &str, own: u64, divides: &str, other: &str| format!("{kind:<7} {own}   {divides:<32} {other}").trim_end().to_owned();
    let Some(seen) = &example.seen else {
        let of_this_command = |(kind, divides): (&str, &str)| Some(line(kind, number(example.first, kind)?, divides, ""));
        return KINDS.into_iter().filter_map(of_this_command).collect();
    };
    let all = namespaces::of(seen, &example.running);
    all.iter().map(|one| line(one.kind, one.number, one.divides, &others(one))).collect()
}

/// Whose it is beside the container's.
fn others(one: &Namespace) -> String {
    match (one.whose, &one.with[..]) {
        (Whose::Hosts, _) => "the host's own".to_owned(),
        (Whose::Users, _) => "yours, of all your containers".to_owned(),
        (Whose::Containers, []) => number(process::own_pid(), one.kind).map(|host| format!("the host has {host}")).unwrap_or_default(),
        (Whose::Containers, with) => format!("shared with {}", with.join(", ")),
    }
}
