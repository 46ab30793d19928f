//! `--expose PORT[-PORT][/PROTOCOL]`: ports on which the container says it listens. Nothing is opened by it.

use crate::error::{Error, Result};
use crate::options::ports::{self, PortWish, Protocol};

/// Each port apart, as `80/tcp`.
pub fn parse(text: &str) -> Result<Vec<String>> {
    Ok(ports(text)?.iter().map(|port| format!("{}/{}", port.container, port.protocol)).collect())
}

/// The same as ports to be published wherever there is room.
pub fn ports(text: &str) -> Result<Vec<PortWish>> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = Protocol::of(protocol).ok_or_else(|| Error::usage(format!("{protocol:?} is no protocol")).hint("tcp, udp or sctp"))?;
    let (first, last) = ports::range(ports)?;
    Ok((first..=last).map(|container| PortWish { address: None, host: None, container, protocol }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_spelt_out() {
        assert_eq!(parse("80").unwrap(), ["80/tcp"]);
        assert_eq!(parse("53/UDP").unwrap(), ["53/udp"]);
        assert_eq!(parse("8000-8002/sctp").unwrap(), ["8000/sctp", "8001/sctp", "8002/sctp"]);
        assert_eq!(parse("1-65535").unwrap().len(), 65_535);
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in ["", "0", "65536", "-1", "+1", "80/", "80/icmp", "9-8", "1-", "-", "80:80", "80/tcp/udp", " 80"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
