//! The sockets at which a container's name server is reached: 127.0.0.11, port 53, in the container's own network.
//!
//! A container may be a name server itself, which listens on port 53 of every address. That cannot be had while somebody listens
//! on port 53 of one. So the sockets are bound to other ports, and four rules in the container's network exchange the numbers on
//! the packets of loopback. No connection is tracked for that: what tracks them for other reasons sees port 53 on both ways, since
//! questions are changed behind it and answers before it.

use super::NAME_SERVER;
use crate::sys::netlink::Netlink;
use crate::sys::netlink::nftables::expressions::{Base, Expressions, Meta, Register};
use crate::sys::netlink::nftables::objects::{Hook, OUTPUT, POSTROUTING, Table};
use crate::sys::netlink::nftables::{Batch, Family, Refused};
use crate::sys::{Errno, inet};
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, OwnedFd};

const PORT: u16 = 53;

/// In the network namespace that we are in: UDP, TCP. A kernel without rules gives port 53 itself.
pub fn listen_for_names() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (udp, tcp) = inet::udp_and_tcp_early(SocketAddrV4::new(NAME_SERVER, 0))?;
    let ports = [inet::own_address(udp.as_fd())?.port(), inet::own_address(tcp.as_fd())?.port()];
    match exchange(ports) {
        Ok(()) => Ok((udp, tcp)),
        Err(_) => inet::udp_and_tcp_early(SocketAddrV4::new(NAME_SERVER, PORT)),
    }
}

/// Number of the protocol, offset of the checksum in its header.
const UDP: (u8, u32) = (17, 6);
const TCP: (u8, u32) = (6, 16);

/// Offsets in the headers.
const FROM_ADDRESS: u32 = 12;
const TO_ADDRESS: u32 = 16;
const FROM_PORT: u32 = 0;
const TO_PORT: u32 = 2;

fn exchange(ports: [u16; 2]) -> Result<(), Refused> {
    let table = Table { family: Family::V4, name: "tare".to_owned() };
    let mut batch = Batch::default();
    // What an earlier porter of this container had said goes with its table.
    batch.extend([table.make(), table.remove(), table.make()]);
    let hook = |place, priority| Some(Hook { kind: "filter", place, priority });
    batch.extend([table.chain("answers", hook(OUTPUT, -400)), table.chain("questions", hook(POSTROUTING, 300))]);
    for (port, protocol) in ports.into_iter().zip([UDP, TCP]) {
        batch.push(table.rule("answers", "the container's name server", &change(protocol, FROM_ADDRESS, FROM_PORT, port, PORT)));
        batch.push(table.rule("questions", "the container's name server", &change(protocol, TO_ADDRESS, TO_PORT, PORT, port)));
    }
    Netlink::open_netfilter()?.commit(&batch)
}

/// On packets that have our address there.
fn change((protocol, checksum): (u8, u32), address_at: u32, port_at: u32, before: u16, after: u16) -> Expressions {
    let first = Register(0);
    let ours = Expressions::new().load_bytes(Base::Network, address_at, 4, first).is(first, &NAME_SERVER.octets());
    let ours = ours.load(Meta::Protocol, first).is(first, &[protocol]);
    let ours = ours.load_bytes(Base::Transport, port_at, 2, first).is(first, &before.to_be_bytes());
    ours.put(&after.to_be_bytes(), first).store_bytes(Base::Transport, port_at, 2, first, checksum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{namespace, unshare};
    use crate::sys::{network, poll, socket};
    use std::net::{TcpStream, UdpSocket};

    /// In a thread, whose network namespace is its own and goes with it.
    #[test]
    fn port_53_is_reached_and_stays_free_for_others() {
        let alone = || {
            if unshare(namespace::NET).is_err() {
                return;
            }
            // Before loopback is there, as in a container that builds its world.
            let (udp, tcp) = listen_for_names().unwrap();
            network::loopback_up().unwrap();
            // And again, as for a successor.
            drop((udp, tcp));
            let (udp, tcp) = listen_for_names().unwrap();
            let _others = (UdpSocket::bind("0.0.0.0:53").unwrap(), inet::listen_tcp(([0; 4], 53).into()).unwrap());
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.connect((NAME_SERVER, PORT)).unwrap();
            client.send(b"question").unwrap();
            assert!(poll::poll(&mut [poll::Watched::new(udp.as_fd(), true, false)], Some(20_000)).unwrap());
            let arrived = inet::receive_from(udp.as_fd(), &mut [0; 16]).unwrap();
            assert_eq!((arrived.length, arrived.from), (8, client.local_addr().unwrap()));
            inet::send_to(udp.as_fd(), b"answer", arrived.from, None).unwrap();
            let mut buffer = [0; 16];
            assert_eq!(client.recv(&mut buffer).unwrap(), 6);
            let client = TcpStream::connect((NAME_SERVER, PORT)).unwrap();
            let (server, peer) = inet::accept(tcp.as_fd()).unwrap().unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            socket::send_all(server.as_fd(), b"answer").unwrap();
            assert_eq!(socket::receive(client.as_fd(), &mut buffer).unwrap(), 6);
        };
        std::thread::spawn(alone).join().unwrap();
    }
}
