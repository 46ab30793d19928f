//! The column PORTS: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 53/udp`. Ports that follow each other are one range.

use crate::options::exposed;
use crate::options::ports::Protocol;
use crate::record::network::Published;
use std::net::IpAddr;

/// What is reached on this host, and what is only said to be listened on.
pub fn text(published: &[Published], exposed: &[String]) -> String {
    let mut runs: Vec<Run> = published.iter().map(|port| Run::of(Some((port.address, port.host)), port.container, port.protocol)).collect();
    let is_published = |number, protocol| published.iter().any(|port| (port.container, port.protocol) == (number, protocol));
    let silent = exposed.iter().filter_map(|text| exposed::ports(text).ok()).flatten();
    let silent = silent.filter(|port| !is_published(port.container, port.protocol));
    runs.extend(silent.map(|port| Run::of(None, port.container, port.protocol)));
    runs.sort_by_key(|run| (run.protocol, run.host.map(|(address, _)| address), run.first, run.host));
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        match joined.last_mut().filter(|last| last.goes_on_with(&run)) {
            Some(last) => last.last = run.first,
            None => joined.push(run),
        }
    }
    joined.sort_by_key(|run| (run.first, run.protocol, run.host));
    joined.iter().map(Run::text).collect::<Vec<_>>().join(", ")
}

struct Run {
    first: u16,
    last: u16,
    protocol: Protocol,
    /// Where the first one is.
    host: Option<(IpAddr, u16)>,
}

impl Run {
    fn of(host: Option<(IpAddr, u16)>, number: u16, protocol: Protocol) -> Run {
        Run { first: number, last: number, protocol, host }
    }

    fn goes_on_with(&self, next: &Run) -> bool {
        let behind = u32::from(self.last - self.first) + 1;
        let follows = |one: u16, other: u16| u32::from(one) + behind == u32::from(other);
        let same_place = match (self.host, next.host) {
            (None, None) => true,
            (Some((address, host)), Some((other, next))) => address == other && follows(host, next),
            _ => false,
        };
        same_place && self.protocol == next.protocol && follows(self.first, next.first)
    }

    fn text(&self) -> String {
        let range = |first: u16| match self.last - self.first {
            0 => first.to_string(),
            more => format!("{first}-{}", first + more),
        };
        let inside = format!("{}/{}", range(self.first), self.protocol);
        match self.host {
            None => inside,
            Some((IpAddr::V4(address), host)) => format!("{address}:{}->{inside}", range(host)),
            Some((IpAddr::V6(address), host)) => format!("[{address}]:{}->{inside}", range(host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ports: &[(&str, u16, u16, Protocol)], exposed: &[&str]) -> String {
        let published: Vec<Published> = ports
            .iter()
            .map(|(address, host, container, protocol)| Published {
                address: address.parse().unwrap(),
                host: *host,
                container: *container,
                protocol: *protocol,
            })
            .collect();
        text(&published, &exposed.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn it_looks_like_docker_s() {
        use Protocol::{Tcp, Udp};
        assert_eq!(told(&[], &[]), "");
        assert_eq!(told(&[("0.0.0.0", 8080, 80, Tcp), ("::", 8080, 80, Tcp)], &["80/tcp"]), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
        assert_eq!(told(&[("127.0.0.1", 53, 53, Udp)], &["80/tcp", "53/tcp"]), "53/tcp, 127.0.0.1:53->53/udp, 80/tcp");
        let range = [("0.0.0.0", 8000, 80, Tcp), ("::", 8000, 80, Tcp), ("0.0.0.0", 8001, 81, Tcp), ("::", 8001, 81, Tcp)];
        assert_eq!(told(&range, &[]), "0.0.0.0:8000-8001->80-81/tcp, [::]:8000-8001->80-81/tcp");
        assert_eq!(
            told(&[("0.0.0.0", 8000, 80, Tcp), ("0.0.0.0", 8002, 81, Tcp)], &["90/tcp", "91/tcp", "93/tcp"]),
            "0.0.0.0:8000->80/tcp, 0.0.0.0:8002->81/tcp, 90-91/tcp, 93/tcp"
        );
        assert_eq!(told(&[("0.0.0.0", 65535, 65535, Tcp)], &["1/tcp"]), "1/tcp, 0.0.0.0:65535->65535/tcp");
    }
}
