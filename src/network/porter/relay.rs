//! TCP through a door: what one side sends the other gets, with its end or its reset.
//!
//! Bytes are looked at, sent on, and only as many as were taken there are taken away here (`inet::peek`, `inet::discard`). So
//! nothing is ever kept by us: a connection costs two descriptors and some hundred bytes, and the kernel slows the sender down.

use super::Door;
use super::watching::{Kind, Seat, Watching};
use crate::sys::Errno;
use crate::sys::epoll::Wanted;
use crate::sys::{inet, process, socket};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// All connections through all doors of one container.
pub struct Relay {
    links: HashMap<u64, Link>,
    most: usize,
}

struct Link {
    /// The client's, the container's.
    seats: [Seat; 2],
    /// How it is with the bytes that come from each.
    ways: [Way; 2],
    is_connected: bool,
    /// When bytes moved last.
    moved: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// For more to come.
    Waits,
    /// For room on the other side.
    IsBlocked,
    /// Its end has been passed on.
    HasEnded,
}

/// Of one, before it is the next one's turn.
const PIECES_AT_ONCE: usize = 8;
const ACCEPTED_AT_ONCE: usize = 64;
/// Until somebody else may have given something back.
pub const NO_ROOM: Duration = Duration::from_millis(10);

impl Relay {
    pub fn new(most: usize) -> Relay {
        Relay { links: HashMap::new(), most }
    }

    pub fn accept(&mut self, door: &Door, watching: &mut Watching) {
        for _ in 0..ACCEPTED_AT_ONCE {
            if self.links.len() >= self.most {
                self.drop_the_most_silent();
            }
            match inet::accept(door.socket.as_fd()) {
                Ok(Some((client, peer))) => self.begin(door, client, peer, watching),
                Err(Errno::EMFILE | Errno::ENFILE) if !self.links.is_empty() => self.drop_the_most_silent(),
                Ok(None) => return,
                // The kernel has no room for one more, and will say so again at once.
                Err(_) => return process::sleep(NO_ROOM),
            }
        }
    }

    fn begin(&mut self, door: &Door, client: OwnedFd, peer: SocketAddr, watching: &mut Watching) {
        // Whoever we cannot bring further is told so by a reset, as by a port where nobody listens.
        inet::reset_at_close(client.as_fd());
        let own = inet::own_address(client.as_fd()).map_or(peer.ip(), |own| own.ip());
        let Ok(container) = inet::connect_tcp(door.to, as_client(peer.ip(), own)) else { return };
        inet::reset_at_close(container.as_fd());
        for fd in [&client, &container] {
            inet::be_quick_and_sure(fd.as_fd());
        }
        let key = watching.key();
        let seats = [Seat::new(client, Kind::Client, key), Seat::new(container, Kind::Container, key)];
        let mut link = Link { seats, ways: [Way::Waits; 2], is_connected: false, moved: Instant::now() };
        if link.seats[1].want(watching, Wanted::WRITE).is_ok() {
            self.links.insert(key, link);
        }
    }

    fn drop_the_most_silent(&mut self) {
        let key = self.links.iter().min_by_key(|(_, link)| link.moved).map(|(key, _)| *key);
        key.map(|key| self.links.remove(&key));
    }

    /// One of the two sockets is ready.
    pub fn turn(&mut self, key: u64, failed: bool, watching: &mut Watching) {
        let Some(link) = self.links.get_mut(&key) else { return };
        let mut buffer = watching.take_buffer();
        let goes_on = !failed && link.go_on(&mut buffer, watching).is_ok();
        watching.give_back(buffer);
        if !goes_on {
            // Closed with what is on its way: a reset, which is what has happened to it.
            self.links.remove(&key);
        }
    }
}

impl Link {
    /// An error: it is over, one way or the other.
    fn go_on(&mut self, buffer: &mut [u8], watching: &Watching) -> Result<(), Errno> {
        if !self.is_connected {
            inet::outcome(self.seats[1].fd())?;
            self.is_connected = true;
        }
        for from in [0, 1] {
            self.move_bytes(from, buffer)?;
        }
        if self.ways == [Way::HasEnded; 2] {
            self.seats.iter().for_each(|seat| inet::end_at_close(seat.fd()));
            return Err(Errno::ESHUTDOWN);
        }
        for (side, other) in [(0, 1), (1, 0)] {
            let wanted = Wanted { read: self.ways[side] == Way::Waits, write: self.ways[other] == Way::IsBlocked };
            self.seats[side].want(watching, wanted)?;
        }
        Ok(())
    }

    fn move_bytes(&mut self, from: usize, buffer: &mut [u8]) -> Result<(), Errno> {
        let (source, target) = (self.seats[from].fd(), self.seats[1 - from].fd());
        for _ in 0..PIECES_AT_ONCE {
            if self.ways[from] == Way::HasEnded {
                return Ok(());
            }
            let count = match inet::peek(source, buffer) {
                Ok(0) => {
                    socket::finish_sending(target)?;
                    self.ways[from] = Way::HasEnded;
                    return Ok(());
                }
                Err(Errno::EAGAIN) => {
                    self.ways[from] = Way::Waits;
                    return Ok(());
                }
                other => other?,
            };
            let sent = match socket::send_now(target, &buffer[..count]) {
                Err(Errno::EAGAIN) => 0,
                other => other?,
            };
            inet::discard(source, sent)?;
            self.moved = Instant::now();
            self.ways[from] = if sent < count { Way::IsBlocked } else { Way::Waits };
            if sent < count {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A process of this host that came to an address of the host is shown to the container as it is. Its way back leads through the host,
/// which nobody else's does for certain, and 127.0.0.1 is somebody else in there: for them the kernel chooses, and that is the gateway.
pub fn as_client(client: IpAddr, came_to: IpAddr) -> Option<IpAddr> {
    (client == came_to && !client.is_loopback()).then_some(client)
}
