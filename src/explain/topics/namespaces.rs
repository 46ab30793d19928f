//! Namespaces: what makes a process a container.

use super::{Example, Page};
use crate::explain::live::namespaces::{KINDS, number};
use crate::sys::process;
use crate::trace::Step;

const WORDS: &str = "
The kernel knows no containers, only processes. Each process is in one
namespace of each kind, and sees what is in there: the processes of its pid
namespace, the mounts of its mnt namespace, the interfaces of its net
namespace. What is in another namespace is not forbidden but absent: there is
no name for it.

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
    let line = |(kind, divides): (&str, &str)| {
        let own = number(example.first, kind)?;
        let host = number(process::own_pid(), kind);
        let other = match host {
            _ if example.seen.is_none() => String::new(),
            Some(host) if host == own => "the host's own".to_owned(),
            Some(host) => format!("the host has {host}"),
            None => String::new(),
        };
        Some(format!("{kind:<7} {own}   {divides:<32} {other}").trim_end().to_owned())
    };
    KINDS.into_iter().filter_map(line).collect()
}
