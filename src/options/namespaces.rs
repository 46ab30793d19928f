//! `--network`, `--pid`, `--ipc`, `--uts` and `--cgroupns`: of which kernel objects the container gets its own, and which it shares
//! with the host or with another container.

use super::{Ipc, Network, Pid};
use crate::error::{Error, Result};
use crate::names;

pub fn parse_network(text: &str) -> Result<Network> {
    if let Some(name) = other_container(text)? {
        return Ok(Network::Container(name));
    }
    match text {
        "none" => Ok(Network::None),
        "host" => Ok(Network::Host),
        "" => Err(Error::usage("the name of the network is empty")),
        "bridge" | "default" => Ok(Network::Networks(vec![super::networks::Attachment { network: "bridge".into(), ..Default::default() }])),
        name => Err(not_yet(&format!("the network {name}"), name)),
    }
}

fn not_yet(what: &str, name: &str) -> Error {
    let meant = names::did_you_mean(name, ["none", "host", "container:NAME"]);
    Error::cannot_keep(format!("{what} is not built yet"))
        .hint(meant.unwrap_or_else(|| "use none (loopback only), host, or container:NAME".to_owned()))
}

pub fn parse_pid(text: &str) -> Result<Pid> {
    if let Some(name) = other_container(text)? {
        return Ok(Pid::Container(name));
    }
    match text {
        "" | "private" => Ok(Pid::Own),
        "host" => Ok(Pid::Host),
        _ => Err(unknown(text, &["host", "container:NAME"])),
    }
}

pub fn parse_ipc(text: &str) -> Result<Ipc> {
    if let Some(name) = other_container(text)? {
        return Ok(Ipc::Container(name));
    }
    match text {
        "" | "private" => Ok(Ipc::Private),
        "shareable" => Ok(Ipc::Shareable),
        "none" => Ok(Ipc::None),
        "host" => Ok(Ipc::Host),
        _ => Err(unknown(text, &["private", "shareable", "none", "host", "container:NAME"])),
    }
}

/// For `--uts`: whether it is the host's.
pub fn parse_uts(text: &str) -> Result<bool> {
    host_or_private(text)
}

/// For `--cgroupns`: whether it is the host's.
pub fn parse_cgroup(text: &str) -> Result<bool> {
    host_or_private(text)
}

fn host_or_private(text: &str) -> Result<bool> {
    match text {
        "" | "private" => Ok(false),
        "host" => Ok(true),
        _ => Err(unknown(text, &["host", "private"])),
    }
}

fn other_container(text: &str) -> Result<Option<String>> {
    match text.strip_prefix("container:") {
        Some("") => Err(Error::usage("no container is named").hint("write container:NAME")),
        name => Ok(name.map(str::to_owned)),
    }
}

fn unknown(text: &str, known: &[&str]) -> Error {
    Error::usage(format!("{text:?} is no namespace")).hint(names::one_of(text, known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn networks_are_none_the_host_s_or_another_container_s_so_far() {
        assert_eq!(parse_network("none").unwrap(), Network::None);
        assert_eq!(parse_network("host").unwrap(), Network::Host);
        assert_eq!(parse_network("container:web").unwrap(), Network::Container("web".into()));
        for text in ["bridge", "default", "backend"] {
            let error = parse_network(text).unwrap_err();
            assert_eq!(error.kind(), Kind::CannotKeep, "{text}");
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn namespaces_are_ours_or_somebody_else_s() {
        assert_eq!((parse_pid("host").unwrap(), parse_pid("").unwrap()), (Pid::Host, Pid::Own));
        assert!(parse_uts("host").unwrap() && !parse_uts("").unwrap());
        assert!(parse_cgroup("host").unwrap() && !parse_cgroup("private").unwrap());
        assert_eq!(parse_pid("container:x").unwrap(), Pid::Container("x".into()));
        let ipc = ["private", "shareable", "none", "host", "container:x"].map(|text| parse_ipc(text).unwrap());
        assert_eq!(ipc, [Ipc::Private, Ipc::Shareable, Ipc::None, Ipc::Host, Ipc::Container("x".into())]);
    }

    #[test]
    fn what_is_no_namespace_is_refused() {
        for kind in [parse_network("container:").unwrap_err(), parse_pid("hots").unwrap_err(), parse_pid("container:").unwrap_err()] {
            assert_eq!(kind.kind(), Kind::Usage);
        }
        assert_eq!(parse_ipc("container").unwrap_err().kind(), Kind::Usage);
        assert!(parse_uts("container:x").is_err() && parse_cgroup("container:x").is_err(), "docker has none of these");
    }
}
