//! `--network`, `--pid`, `--ipc`, `--uts` and `--cgroupns`: of which kernel objects the container gets its own, and which it shares
//! with the host or with another container.

use super::{Ipc, Network, Pid, networks};
use crate::error::{Error, Result};
use crate::names;

/// One `--network`.
pub fn parse_network(text: &str) -> Result<Network> {
    if let Some(name) = other_container(text)? {
        return Ok(Network::Container(name));
    }
    match text {
        "none" => Ok(Network::None),
        "host" => Ok(Network::Host),
        names => networks::parse(names).and_then(|all| match all.iter().find(|one| ["none", "host"].contains(&one.network.as_str())) {
            Some(one) => Err(alone(&one.network)),
            None => Ok(Network::Networks(all)),
        }),
    }
}

/// All of them.
pub fn join_networks(all: Vec<Network>) -> Result<Option<Network>> {
    let mut attachments = Vec::new();
    let count = all.len();
    for one in all {
        match one {
            Network::Networks(mut more) => attachments.append(&mut more),
            only if count == 1 => return Ok(Some(only)),
            Network::None => return Err(alone("none")),
            Network::Host => return Err(alone("host")),
            Network::Container(name) => return Err(alone(&format!("container:{name}"))),
        }
    }
    Ok((count > 0).then_some(Network::Networks(attachments)))
}

fn alone(word: &str) -> Error {
    Error::usage(format!("--network {word} stands alone"))
        .because("a container with a network of its own has no other's")
        .hint("name networks only")
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
    fn networks_are_none_the_host_s_another_container_s_or_named() {
        assert_eq!(parse_network("none").unwrap(), Network::None);
        assert_eq!(parse_network("host").unwrap(), Network::Host);
        assert_eq!(parse_network("container:web").unwrap(), Network::Container("web".into()));
        assert_eq!(parse_network("backend").unwrap(), Network::Networks(vec![networks::to("backend")]));
        for wrong in ["backend,host", "name=none", "", "a b"] {
            assert_eq!(parse_network(wrong).unwrap_err().kind(), Kind::Usage, "{wrong}");
        }
    }

    #[test]
    fn several_networks_are_several_names() {
        let join = |words: &[&str]| join_networks(words.iter().map(|word| parse_network(word).unwrap()).collect());
        assert_eq!(join(&[]).unwrap(), None);
        assert_eq!(join(&["host"]).unwrap(), Some(Network::Host));
        assert_eq!(join(&["a,b", "c"]).unwrap(), Some(Network::Networks(["a", "b", "c"].map(networks::to).to_vec())));
        for wrong in [["host", "a"], ["a", "none"], ["none", "none"], ["a", "container:x"]] {
            assert!(join(&wrong).is_err(), "{wrong:?}");
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
