//! `--network`, `--pid`, `--ipc` and `--uts`: of which kernel objects the container gets its own, and which it shares with the host.

use super::Network;
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

/// For `--pid` and `--uts`: whether it is the host's.
pub fn parse_shared(text: &str) -> Result<bool> {
    match text {
        "" | "private" => Ok(false),
        "host" => Ok(true),
        _ if text.starts_with("container:") => {
            Err(Error::cannot_keep("sharing the namespace of another container is not built yet").hint("use host, or leave the flag out"))
        }
        _ => Err(Error::usage(format!("{text:?} is no namespace")).hint("use host, or leave the flag out")),
    }
}

/// For `--ipc`: whether it is the host's.
pub fn parse_ipc(text: &str) -> Result<bool> {
    match text {
        "none" | "shareable" => Err(Error::cannot_keep(format!("--ipc {text} is not built yet")).hint("use host or private")),
        _ => parse_shared(text),
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
        assert!(parse_shared("host").unwrap() && !parse_shared("").unwrap());
        assert_eq!(parse_shared("container:x").unwrap_err().kind(), Kind::CannotKeep);
        assert_eq!(parse_shared("hots").unwrap_err().kind(), Kind::Usage);
        assert_eq!(parse_ipc("none").unwrap_err().kind(), Kind::CannotKeep);
        assert!(!parse_ipc("private").unwrap());
    }
}
