//! What a command of ours says to a porter at work: one word with descriptors on a socket that only root reaches, and one answer.

use super::watching::{Kind, Seat, Watching};
use super::{Door, NameDuty, Place};
use crate::error::{Context, Error, Result};
use crate::options::ports::Protocol;
use crate::sys::epoll::Wanted;
use crate::sys::{Errno, file, socket};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// With the door's socket.
    OpenDoor(DoorWord),
    /// Connections that have come through it stay.
    CloseDoor {
        protocol: Protocol,
        address: IpAddr,
        port: u16,
    },
    /// With the sockets for UDP and TCP, as of `listen_for_names`; places come after it.
    ServeNames {
        upstream: Vec<SocketAddr>,
        forwards: bool,
    },
    /// Whom to ask from now on.
    Forward {
        upstream: Vec<SocketAddr>,
        forwards: bool,
    },
    /// With the directory.
    AddPlace {
        network: String,
    },
    RemovePlace {
        network: String,
    },
}

/// A `Door` without its socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorWord {
    pub protocol: Protocol,
    pub address: IpAddr,
    pub port: u16,
    pub to: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Done,
    /// Why not.
    Refused(String),
}

/// A word as it is meant, with what it has brought.
pub enum Wish {
    OpenDoor(Door),
    CloseDoor { protocol: Protocol, address: IpAddr, port: u16 },
    ServeNames(NameDuty),
    Forward { upstream: Vec<SocketAddr>, forwards: bool },
    AddPlace(Place),
    RemovePlace { network: String },
}

/// Says one word to the porter that listens at `path`, and waits until it has obeyed.
pub fn tell(path: &Path, word: &Word, descriptors: &[BorrowedFd]) -> Result<()> {
    const WHAT: &str = "cannot reach the container's porter";
    let bytes = serde_json::to_vec(word).map_err(|error| Error::failed(WHAT).because(error))?;
    let porter = socket::connect(path).context(WHAT)?;
    socket::send_with(porter.as_fd(), &bytes, descriptors).context(WHAT)?;
    socket::finish_sending(porter.as_fd()).context(WHAT)?;
    let (mut answer, mut piece) = (Vec::new(), [0; 512]);
    loop {
        match socket::receive(porter.as_fd(), &mut piece).context(WHAT)? {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    match serde_json::from_slice(&answer) {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Refused(why)) => Err(Error::failed("the container's porter refuses").because(why)),
        Err(_) => Err(Error::failed(WHAT).because("it ended before it had answered")),
    }
}

/// Those who are speaking.
pub struct Control {
    listener: OwnedFd,
    tellers: HashMap<u64, Teller>,
}

struct Teller {
    seat: Seat,
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

const MOST_TELLERS: usize = 16;
const LONGEST_WORD: usize = 64 << 10;

impl Control {
    pub fn new(listener: OwnedFd, watching: &mut Watching) -> Result<Control, Errno> {
        file::set_nonblocking(listener.as_fd())?;
        watching.add(listener.as_fd(), Kind::Control, 0)?;
        Ok(Control { listener, tellers: HashMap::new() })
    }

    pub fn accept(&mut self, watching: &mut Watching) {
        while let Some(teller) = socket::accept(self.listener.as_fd()) {
            let key = watching.key();
            let mut seat = Seat::new(teller, Kind::Teller, key);
            let is_well = file::set_nonblocking(seat.fd()).and_then(|()| seat.want(watching, Wanted::READ)).is_ok();
            if is_well && self.tellers.len() < MOST_TELLERS {
                self.tellers.insert(key, Teller { seat, bytes: Vec::new(), descriptors: Vec::new() });
            }
        }
    }

    /// Somebody has said something. `Some` when he has said all.
    pub fn hear(&mut self, key: u64) -> Option<(Result<Wish, String>, Speaker)> {
        let teller = self.tellers.get_mut(&key)?;
        let mut piece = [0; 4096];
        match socket::receive_with(teller.seat.fd(), &mut piece) {
            Err(Errno::EAGAIN) => None,
            Ok((0, _)) => {
                let teller = self.tellers.remove(&key)?;
                Some((understand(&teller.bytes, teller.descriptors), Speaker(teller.seat.socket)))
            }
            Ok((count, descriptors)) if teller.bytes.len() + count <= LONGEST_WORD => {
                teller.bytes.extend_from_slice(&piece[..count]);
                teller.descriptors.extend(descriptors);
                None
            }
            _ => {
                self.tellers.remove(&key);
                None
            }
        }
    }
}

/// One who waits for an answer.
pub struct Speaker(OwnedFd);

impl Speaker {
    pub fn answer(self, result: Result<(), String>) {
        let answer = result.map_or_else(Answer::Refused, |()| Answer::Done);
        let _ = socket::send_now(self.0.as_fd(), &serde_json::to_vec(&answer).unwrap_or_default());
    }
}

fn understand(bytes: &[u8], descriptors: Vec<OwnedFd>) -> Result<Wish, String> {
    let word = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let count = descriptors.len();
    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next().ok_or_else(|| "a descriptor is missing".to_owned());
    let (wish, taken) = match word {
        Word::OpenDoor(DoorWord { protocol, address, port, to }) => {
            (Wish::OpenDoor(Door { socket: next()?, protocol, address, port, to }), 1)
        }
        Word::ServeNames { upstream, forwards } => {
            (Wish::ServeNames(NameDuty { udp: next()?, tcp: next()?, places: Vec::new(), upstream, forwards }), 2)
        }
        Word::AddPlace { network } => (Wish::AddPlace(Place::new(&network, next()?)), 1),
        Word::CloseDoor { protocol, address, port } => (Wish::CloseDoor { protocol, address, port }, 0),
        Word::Forward { upstream, forwards } => (Wish::Forward { upstream, forwards }, 0),
        Word::RemovePlace { network } => (Wish::RemovePlace { network }, 0),
    };
    if taken == count { Ok(wish) } else { Err(format!("{count} descriptors came instead of {taken}")) }
}
