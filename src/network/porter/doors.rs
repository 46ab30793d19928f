//! The doors are opened: published ports are bound on the host, before the container starts.

use super::rights::Room;
use super::{Door, Holder};
use crate::error::Error;
use crate::options::ports::{PortWish, Protocol};
use crate::record::network::Published;
use crate::sys::{Errno, inet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

#[derive(Default)]
pub struct Open {
    pub doors: Vec<Door>,
    /// As wished, with the ports that were free.
    pub published: Vec<Published>,
    /// For so many, as long as they are in this process.
    pub room: Option<Room>,
}

/// Why a door cannot be opened.
#[derive(Debug)]
pub enum Closed {
    Taken {
        address: IpAddr,
        port: u16,
        protocol: Protocol,
        /// `None`: nobody whom /proc tells of.
        holder: Option<Holder>,
    },
    Refused(Error),
}

/// How often another free port is tried, when one is free for one kind of addresses and not for the other.
const TRIES: usize = 100;

/// Binds every port that is wished; they lead to the container's addresses `to4` and `to6`. What came to an address of one kind goes
/// to the container's address of the same kind, if it has one, else to the other.
///
/// SCTP gets no door of ours, because not every kernel can speak it: whoever asks has it published by rules alone.
pub fn open_doors(wishes: &[PortWish], to4: Option<Ipv4Addr>, to6: Option<Ipv6Addr>) -> Result<Open, Closed> {
    // A range may be of thousands.
    let mut open = Open { room: Some(Room::for_descriptors(2 * wishes.len())), ..Open::default() };
    for wish in wishes {
        let mut tries = 0;
        let found = loop {
            tries += 1;
            match open_one(wish) {
                Err(Closed::Taken { .. }) if wish.host.is_none() && tries < TRIES => {}
                other => break other?,
            }
        };
        for (address, port, socket) in found {
            let to = match address {
                IpAddr::V4(_) => to4.map(IpAddr::from).or(to6.map(IpAddr::from)),
                IpAddr::V6(_) => to6.map(IpAddr::from).or(to4.map(IpAddr::from)),
            };
            open.published.push(Published { address, host: port, container: wish.container, protocol: wish.protocol });
            if let (Some(socket), Some(to)) = (socket, to) {
                let to = SocketAddr::new(to, wish.container);
                open.doors.push(Door { socket, protocol: wish.protocol, address, port, to });
            }
        }
    }
    Ok(open)
}

type Bound = (IpAddr, u16, Option<OwnedFd>);

/// One wish: the same port for all its addresses.
fn open_one(wish: &PortWish) -> Result<Vec<Bound>, Closed> {
    let first = wish.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let (port, socket) = bind(first, wish.host.unwrap_or(0), wish.protocol)?;
    let mut bound = vec![(first, port, socket)];
    if wish.address.is_none() {
        let second = Ipv6Addr::UNSPECIFIED.into();
        match bind(second, port, wish.protocol) {
            Ok((port, socket)) => bound.push((second, port, socket)),
            // This host has no IPv6.
            Err(Closed::Refused(error)) if matches!(error.errno(), Some(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL)) => {}
            Err(closed) => return Err(closed),
        }
    }
    Ok(bound)
}

fn bind(address: IpAddr, port: u16, protocol: Protocol) -> Result<(u16, Option<OwnedFd>), Closed> {
    let at = SocketAddr::new(address, port);
    let socket = match protocol {
        Protocol::Tcp => inet::listen_tcp(at),
        Protocol::Udp => inet::bind_udp(at),
        Protocol::Sctp => return Ok((port, None)),
    };
    let socket = socket.map_err(|errno| match errno {
        Errno::EADDRINUSE => Closed::Taken { address, port, protocol, holder: Holder::of(protocol, port) },
        Errno::EADDRNOTAVAIL => {
            let error = Error::from_errno(format!("cannot publish port {port}/{protocol} on {address}"), errno);
            Closed::Refused(error.hint("the address must be one of this host's: `ip address` shows them"))
        }
        Errno::EACCES => {
            let error = Error::from_errno(format!("cannot publish port {port}/{protocol} on {address}"), errno);
            let error = error.because("the low ports of this host are for root");
            Closed::Refused(error.hint(format!("sudo sysctl net.ipv4.ip_unprivileged_port_start={port}, or take a port from 1024 on")))
        }
        _ => Closed::Refused(Error::from_errno(format!("cannot publish port {port}/{protocol} on {address}"), errno)),
    })?;
    let port = inet::own_address(socket.as_fd()).map_or(port, |own| own.port());
    Ok((port, Some(socket)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(address: Option<&str>, host: Option<u16>, protocol: Protocol) -> PortWish {
        PortWish { address: address.map(|address| address.parse().unwrap()), host, container: 80, protocol }
    }

    const TO4: Option<Ipv4Addr> = Some(Ipv4Addr::new(10, 207, 0, 2));

    #[test]
    fn any_free_port_is_the_same_for_both_kinds_of_addresses() {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let open = open_doors(&[wish(None, None, protocol)], TO4, None).unwrap();
            let ports: Vec<u16> = open.published.iter().map(|published| published.host).collect();
            assert!(!ports.is_empty() && ports[0] != 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
            // Without an IPv6 address in the container both lead to the one it has.
            assert!(open.doors.iter().all(|door| door.to == "10.207.0.2:80".parse().unwrap() && door.port == ports[0]));
            assert_eq!(open.doors.len(), open.published.len());
        }
    }

    #[test]
    fn a_port_in_use_names_who_has_it() {
        let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = theirs.local_addr().unwrap().port();
        let closed = open_doors(&[wish(None, Some(port), Protocol::Tcp)], TO4, None).err().unwrap();
        let Closed::Taken { holder: Some(holder), .. } = &closed else { panic!("{closed:?}") };
        assert_eq!(holder.pid, std::process::id() as i32);
        // The other protocol has ports of its own, and so has another address.
        open_doors(&[wish(None, Some(port), Protocol::Udp)], TO4, None).unwrap();
        open_doors(&[wish(Some("127.0.0.9"), Some(port), Protocol::Tcp)], TO4, None).unwrap();
    }

    #[test]
    fn an_address_of_somebody_else_is_refused() {
        let closed = open_doors(&[wish(Some("192.0.2.7"), Some(8080), Protocol::Tcp)], TO4, None).err();
        let Some(Closed::Refused(error)) = closed else { panic!("{closed:?}") };
        assert!(error.to_string().contains("192.0.2.7") && error.hint_text().is_some(), "{error}");
    }
}
