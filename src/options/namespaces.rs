//! `--network`, `--pid`, `--ipc` and `--uts`: of which kernel objects the container gets its own, and which it shares with the host.

use super::{Ipc, Network, Pid};
use crate::error::{Error, Result};

pub fn parse_network(text: &str) -> Result<Network> {
    match text {
        "none" => Ok(Network::None),
        "host" => Ok(Network::Host),
        "" => Err(Error::usage("the name of the network is empty")),
        _ if text.starts_with("container:") => Err(not_yet("sharing the network of another container")),
        "bridge" | "default" => Err(not_yet("the bridge network")),
        name => Err(not_yet(&format!("the network {name}"))),
    }
}

fn not_yet(what: &str) -> Error {
    Error::cannot_keep(format!("{what} is not built yet")).hint("use --network none (loopback only) or --network host")
}

pub fn parse_pid(text: &str) -> Result<Pid> {
    match text {
        "" | "private" => Ok(Pid::Own),
        "host" => Ok(Pid::Host),
        _ => Err(other(text)),
    }
}

pub fn parse_ipc(text: &str) -> Result<Ipc> {
    match text {
        "" | "private" => Ok(Ipc::Private),
        "host" => Ok(Ipc::Host),
        "none" | "shareable" => Err(Error::cannot_keep(format!("--ipc {text} is not built yet")).hint("use host or private")),
        _ => Err(other(text)),
    }
}

/// For `--uts`: whether it is the host's.
pub fn parse_uts(text: &str) -> Result<bool> {
    match text {
        "" | "private" => Ok(false),
        "host" => Ok(true),
        _ => Err(other(text)),
    }
}

fn other(text: &str) -> Error {
    match text.starts_with("container:") {
        true => Error::cannot_keep("sharing the namespace of another container is not built yet").hint("use host, or leave the flag out"),
        false => Error::usage(format!("{text:?} is no namespace")).hint("use host, or leave the flag out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn only_none_and_host_are_networks_so_far() {
        assert_eq!(parse_network("none").unwrap(), Network::None);
        assert_eq!(parse_network("host").unwrap(), Network::Host);
        for text in ["bridge", "default", "container:web", "backend"] {
            let error = parse_network(text).unwrap_err();
            assert_eq!(error.kind(), Kind::CannotKeep, "{text}");
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn namespaces_are_ours_or_the_host_s() {
        assert_eq!((parse_pid("host").unwrap(), parse_pid("").unwrap()), (Pid::Host, Pid::Own));
        assert!(parse_uts("host").unwrap() && !parse_uts("").unwrap());
        assert_eq!(parse_pid("container:x").unwrap_err().kind(), Kind::CannotKeep);
        assert_eq!(parse_pid("hots").unwrap_err().kind(), Kind::Usage);
        assert_eq!(parse_ipc("none").unwrap_err().kind(), Kind::CannotKeep);
        assert_eq!(parse_ipc("private").unwrap(), Ipc::Private);
    }
}
