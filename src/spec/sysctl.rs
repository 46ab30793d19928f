//! Which settings of /proc/sys belong to a namespace, and so can be a container's own; all others are the whole machine's.

/// The namespace that a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Network,
    /// System V objects and message queues (ipc_namespaces(7)).
    Ipc,
    /// Host and domain name (uts_namespaces(7)).
    Names,
}

/// Settings of ipc/ipc_sysctl.c, which each ipc namespace has of its own.
const IPC: &[&str] = &[
    "kernel.auto_msgmni",
    "kernel.msg_next_id",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.sem_next_id",
    "kernel.shm_next_id",
    "kernel.shm_rmid_forced",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
];

/// `None`: it is the machine's, or no name of a setting. `name` is written with dots, as `dotted` makes it.
pub fn owner(name: &str) -> Option<Owner> {
    if IPC.contains(&name) || name.starts_with("fs.mqueue.") {
        return Some(Owner::Ipc);
    }
    match name {
        "kernel.hostname" | "kernel.domainname" => Some(Owner::Names),
        _ if name.starts_with("net.") => Some(Owner::Network),
        _ => None,
    }
}

/// The one way to write it: parts with dots between. sysctl(8) also takes slashes, and then a dot belongs to its part
/// (`net/ipv4/conf/eth0.100/rp_filter`); it is written as a slash here, as there. `None`: not a name, or one that climbs.
pub fn dotted(name: &str) -> Option<String> {
    let exchange = |letter: char| match letter {
        '/' => '.',
        '.' => '/',
        other => other,
    };
    let with_slashes = name.find(['/', '.']).is_some_and(|at| name[at..].starts_with('/'));
    let name: String = if with_slashes { name.chars().map(exchange).collect() } else { name.to_owned() };
    let is_part = |part: &str| !part.is_empty() && part != "/" && !part.contains("//") && part.bytes().all(|byte| byte.is_ascii_graphic());
    (name.contains('.') && name.split('.').all(is_part)).then_some(name)
}

/// Below /proc/sys, from a name with dots.
pub fn path(dotted: &str) -> String {
    let exchange = |letter: char| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    dotted.chars().map(exchange).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_settings_belong_to_a_namespace() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", Some(Owner::Network)),
            ("kernel.shmmax", Some(Owner::Ipc)),
            ("kernel.sem", Some(Owner::Ipc)),
            ("fs.mqueue.msg_max", Some(Owner::Ipc)),
            ("kernel.domainname", Some(Owner::Names)),
            ("kernel.panic", None),
            ("kernel.core_pattern", None),
            ("kernel.shmmaxx", None),
            ("fs.file-max", None),
            ("vm.swappiness", None),
            ("netx.y", None),
        ] {
            assert_eq!(owner(name), expected, "{name}");
        }
    }

    #[test]
    fn dots_and_slashes_change_places() {
        assert_eq!(dotted("net.ipv4.ip_forward").as_deref(), Some("net.ipv4.ip_forward"));
        assert_eq!(dotted("net/ipv4/conf/eth0.100/rp_filter").as_deref(), Some("net.ipv4.conf.eth0/100.rp_filter"));
        assert_eq!(path("net.ipv4.conf.eth0/100.rp_filter"), "net/ipv4/conf/eth0.100/rp_filter");
    }

    #[test]
    fn cve_2025_52881_no_name_climbs() {
        for name in ["", "net", "net.", ".net.x", "net..x", "net/../kernel/panic", "net.//.kernel", "net. x", "net.a\nb", "/etc/passwd"] {
            let climbs = |name: &str| path(name).split('/').any(|part| matches!(part, "" | "." | ".."));
            assert!(dotted(name).is_none_or(|name| !climbs(&name)), "{name:?} became {:?}", dotted(name));
        }
        assert_eq!(dotted("net/../x"), None);
        assert_eq!(dotted("net.//.x"), None);
    }
}
