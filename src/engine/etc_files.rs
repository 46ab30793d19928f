//! The three files of /etc that belong to a container and not to its image: hosts, hostname, resolv.conf.

use crate::error::Result;
use crate::options::Network;
use crate::paths::ContainerPaths;
use crate::record::Container;
use crate::store;
use std::path::Path;

const LOCAL_HOSTS: &str =
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

/// On tmpfs, made anew at every start: after a reboot they are gone, and the host's name servers may have changed.
pub fn write(container: &Container, paths: &ContainerPaths) -> Result<()> {
    let hosts = match &container.wishes.network {
        Network::Host => std::fs::read_to_string("/etc/hosts").unwrap_or_else(|_| LOCAL_HOSTS.to_owned()),
        Network::None | Network::Container(_) => LOCAL_HOSTS.to_owned(),
    };
    store::write_readable(&paths.etc("hosts"), hosts.as_bytes())?;
    store::write_readable(&paths.etc("hostname"), format!("{}\n", container.hostname).as_bytes())?;
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).ok();
    let servers = resolv_conf(&read("/etc/resolv.conf").unwrap_or_default(), || read("/run/systemd/resolve/resolv.conf"));
    store::write_readable(&paths.etc("resolv.conf"), servers.as_bytes())
}

/// A resolver on the host's loopback cannot be reached from another network namespace: its upstream servers take its place.
fn resolv_conf(host: &str, upstream: impl Fn() -> Option<String>) -> String {
    let servers = |text: &str| {
        text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).map(|rest| rest.trim().to_owned()).collect::<Vec<_>>()
    };
    let is_loopback = |server: &String| server.starts_with("127.") || server == "::1";
    let found = servers(host);
    if found.is_empty() || !found.iter().any(is_loopback) {
        return host.to_owned();
    }
    match upstream() {
        Some(text) if !servers(&text).is_empty() && !servers(&text).iter().any(is_loopback) => text,
        _ => {
            let keep = |line: &&str| !line.trim().strip_prefix("nameserver").is_some_and(|rest| is_loopback(&rest.trim().to_owned()));
            host.lines().filter(keep).map(|line| format!("{line}\n")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_resolver_is_kept_as_it_is() {
        assert_eq!(resolv_conf("nameserver 10.0.0.1\n", || None), "nameserver 10.0.0.1\n");
        assert_eq!(resolv_conf("", || None), "");
    }

    #[test]
    fn a_stub_on_loopback_is_replaced_by_its_upstream() {
        let stub = "nameserver 127.0.0.53\noptions edns0\n";
        assert_eq!(resolv_conf(stub, || Some("nameserver 9.9.9.9\n".into())), "nameserver 9.9.9.9\n");
        assert_eq!(resolv_conf(stub, || None), "options edns0\n");
        assert_eq!(resolv_conf("nameserver ::1\nnameserver 10.0.0.1\n", || None), "nameserver 10.0.0.1\n");
    }
}
