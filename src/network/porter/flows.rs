//! UDP through a door: each client has a socket of its own towards the container, so that the answers find back to it, from the
//! very address that it has asked. UDP has no end: whoever is silent for a while is forgotten.

use super::Door;
use super::relay::as_client;
use super::watching::{Kind, Watching};
use crate::sys::{inet, socket};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Flows {
    flows: HashMap<u64, Flow>,
    known: HashMap<Ends, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    door: u64,
    client: SocketAddr,
    /// The address of the host that the client has asked.
    asked: Option<IpAddr>,
}

struct Flow {
    ends: Ends,
    socket: OwnedFd,
    used: Instant,
    is_answered: bool,
}

/// As long as the kernel's own table of connections remembers them.
const UNANSWERED: Duration = Duration::from_secs(30);
const ANSWERED: Duration = Duration::from_secs(120);
const MOST: usize = 1024;
const AT_ONCE: usize = 64;

impl Flow {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) > if self.is_answered { ANSWERED } else { UNANSWERED }
    }
}

impl Flows {
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Something has come to a door.
    pub fn inward(&mut self, key: u64, door: &Door, watching: &mut Watching) {
        let mut buffer = watching.take_buffer();
        for _ in 0..AT_ONCE {
            let Ok(arrived) = inet::receive_from(door.socket.as_fd(), &mut buffer) else { break };
            let ends = Ends { door: key, client: arrived.from, asked: arrived.to };
            if let Some(flow) = self.flow(ends, door, watching) {
                flow.used = Instant::now();
                // Nobody listens there, or there is no room: UDP promises nothing.
                let _ = socket::send_now(flow.socket.as_fd(), &buffer[..arrived.length]);
            }
        }
        watching.give_back(buffer);
    }

    fn flow(&mut self, ends: Ends, door: &Door, watching: &mut Watching) -> Option<&mut Flow> {
        if let Some(key) = self.known.get(&ends) {
            return self.flows.get_mut(key);
        }
        if self.flows.len() >= MOST {
            let silent = self.flows.iter().min_by_key(|(_, flow)| flow.used).map(|(key, _)| *key);
            silent.into_iter().for_each(|key| self.forget(key));
        }
        let from = as_client(ends.client.ip(), ends.asked.unwrap_or(door.address));
        let socket = inet::connect_udp(door.to, from).ok()?;
        let key = watching.key();
        watching.add(socket.as_fd(), Kind::Flow, key).ok()?;
        self.known.insert(ends, key);
        Some(self.flows.entry(key).or_insert(Flow { ends, socket, used: Instant::now(), is_answered: false }))
    }

    /// The container has answered.
    pub fn outward(&mut self, key: u64, doors: &HashMap<u64, Door>, watching: &mut Watching) {
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let Some(door) = doors.get(&flow.ends.door) else { return self.forget(key) };
        let mut buffer = watching.take_buffer();
        for _ in 0..AT_ONCE {
            match socket::receive_now(flow.socket.as_fd(), &mut buffer) {
                Ok(length) => {
                    (flow.used, flow.is_answered) = (Instant::now(), true);
                    let _ = inet::send_to(door.socket.as_fd(), &buffer[..length], flow.ends.client, flow.ends.asked);
                }
                // Nothing more; or nobody listened there, which asking has taken notice of.
                Err(_) => break,
            }
        }
        watching.give_back(buffer);
    }

    pub fn forget_the_silent(&mut self) {
        let now = Instant::now();
        let over: Vec<u64> = self.flows.iter().filter(|(_, flow)| flow.is_over(now)).map(|(key, _)| *key).collect();
        over.into_iter().for_each(|key| self.forget(key));
    }

    pub fn forget_door(&mut self, door: u64) {
        let gone: Vec<u64> = self.flows.iter().filter(|(_, flow)| flow.ends.door == door).map(|(key, _)| *key).collect();
        gone.into_iter().for_each(|key| self.forget(key));
    }

    fn forget(&mut self, key: u64) {
        if let Some(flow) = self.flows.remove(&key) {
            self.known.remove(&flow.ends);
        }
    }
}
