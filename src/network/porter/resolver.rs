//! The container's name server: neighbours by name, and everything else from the host's name servers.
//!
//! A name of a neighbour is never asked elsewhere, not even for kinds of answers that we have none of: a program that looks for
//! both kinds of addresses must not be told by one server that the name is there, and by another that it is not.

use super::NameDuty;
use super::forwarding::{Forwarding, Outcome};
use super::message::{self, A, AAAA, ANY, Heard, MOST_IN_A_STREAM, Question, Record, Verdict};
use super::places::{self, Place};
use super::relay::NO_ROOM;
use super::watching::{Kind, Seat, Watching};
use crate::sys::epoll::Wanted;
use crate::sys::{Errno, inet, process, socket};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

pub struct Resolver {
    udp: OwnedFd,
    tcp: OwnedFd,
    pub places: Vec<Place>,
    pub forwarding: Forwarding,
    askers: HashMap<u64, Asker>,
    /// Where the next list of addresses begins, so that not everybody takes the same one.
    turn: usize,
}

/// To whom an answer goes.
#[derive(Clone, Copy, Debug)]
pub enum Back {
    Datagram(SocketAddr),
    Stream(u64),
}

/// One who asks by TCP; one question after the other.
struct Asker {
    seat: Seat,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// An answer is on its way from elsewhere.
    waits: bool,
    has_ended: bool,
    used: Instant,
}

const MOST_ASKERS: usize = 64;
const ASKER_IDLE: Duration = Duration::from_secs(30);
/// No honest question is longer.
const LONGEST_QUESTION: usize = 4096;
const AT_ONCE: usize = 64;

impl Resolver {
    pub fn new(duty: NameDuty, watching: &mut Watching) -> Result<Resolver, Errno> {
        watching.add(duty.udp.as_fd(), Kind::NamesByUdp, 0)?;
        watching.add(duty.tcp.as_fd(), Kind::NamesByTcp, 0)?;
        let forwarding = Forwarding::new(duty.upstream, duty.forwards);
        Ok(Resolver { udp: duty.udp, tcp: duty.tcp, places: duty.places, forwarding, askers: HashMap::new(), turn: 0 })
    }

    /// When it must be looked after though nobody comes.
    pub fn deadline(&self) -> Option<Instant> {
        let idle = self.askers.values().map(|asker| asker.used + ASKER_IDLE);
        self.forwarding.deadline().into_iter().chain(idle).min()
    }

    pub fn hear_datagrams(&mut self, watching: &mut Watching) {
        let mut buffer = watching.take_buffer();
        for _ in 0..AT_ONCE {
            let Ok(arrived) = inet::receive_from(self.udp.as_fd(), &mut buffer) else { break };
            if arrived.length <= LONGEST_QUESTION {
                self.consider(&buffer[..arrived.length], Back::Datagram(arrived.from), watching);
            }
        }
        watching.give_back(buffer);
    }

    pub fn accept(&mut self, watching: &mut Watching) {
        for _ in 0..AT_ONCE {
            let client = match inet::accept(self.tcp.as_fd()) {
                Ok(Some((client, _))) => client,
                Ok(None) => return,
                Err(_) => return process::sleep(NO_ROOM),
            };
            if self.askers.len() >= MOST_ASKERS {
                let silent = self.askers.iter().min_by_key(|(_, asker)| asker.used).map(|(key, _)| *key);
                silent.map(|key| self.askers.remove(&key));
            }
            let key = watching.key();
            let mut seat = Seat::new(client, Kind::Asker, key);
            if seat.want(watching, Wanted::READ).is_ok() {
                let asker = Asker { seat, inbox: Vec::new(), outbox: Vec::new(), waits: false, has_ended: false, used: Instant::now() };
                self.askers.insert(key, asker);
            }
        }
    }

    /// An asker has sent something, or has room.
    pub fn turn(&mut self, key: u64, watching: &mut Watching) {
        let Some(asker) = self.askers.get_mut(&key) else { return };
        if asker.hear(watching).is_err() {
            self.askers.remove(&key);
            return;
        }
        self.serve_asker(key, watching);
    }

    fn serve_asker(&mut self, key: u64, watching: &mut Watching) {
        loop {
            let Some(asker) = self.askers.get_mut(&key) else { return };
            let question = match asker.next_question() {
                Ok(question) => question,
                Err(_) => {
                    self.askers.remove(&key);
                    return;
                }
            };
            let Some(question) = question else { break };
            asker.waits = true;
            self.consider(&question, Back::Stream(key), watching);
        }
        if self.askers.get_mut(&key).is_some_and(|asker| asker.settle(watching).is_err()) {
            self.askers.remove(&key);
        }
    }

    fn consider(&mut self, asked: &[u8], back: Back, watching: &mut Watching) {
        let question = match Question::read(asked) {
            Heard::Question(question) => question,
            Heard::Wrong(reply) => return self.answer(back, &reply),
            Heard::Nothing => return self.answer(back, &[]),
        };
        let room = match back {
            Back::Datagram(_) => question.room_in_datagram(),
            Back::Stream(_) => MOST_IN_A_STREAM,
        };
        let (verdict, records) = match self.known(&question) {
            Some(records) => (Verdict::Fine, records),
            None => match self.forwarding.begin(asked, &question, back, watching) {
                Ok(()) => return,
                Err(verdict) => (verdict, Vec::new()),
            },
        };
        self.answer(back, &message::reply(asked, &question, verdict, &records, room));
    }

    /// What we know ourselves of what was asked for; `None`: it is no name of ours.
    fn known(&mut self, question: &Question) -> Option<Vec<Record>> {
        let name = question.name.as_deref().filter(|_| question.is_of_the_internet())?;
        if let Some(address) = question.address() {
            let names = places::names(&self.places, address);
            return (!names.is_empty()).then(|| names.into_iter().map(Record::Name).collect());
        }
        let all = places::addresses(&self.places, name);
        if all.is_empty() {
            return None;
        }
        let is_wanted = |address: &IpAddr| match question.kind {
            A => address.is_ipv4(),
            AAAA => address.is_ipv6(),
            ANY => true,
            _ => false,
        };
        let mut wanted: Vec<Record> = all.into_iter().filter(is_wanted).map(Record::Address).collect();
        if !wanted.is_empty() {
            self.turn = self.turn.wrapping_add(1);
            let first = self.turn % wanted.len();
            wanted.rotate_left(first);
        }
        Some(wanted)
    }

    /// No reply at all is a reply, too, to one who waits for his turn.
    fn answer(&mut self, back: Back, reply: &[u8]) {
        match back {
            // Without room it is lost, and asked for again.
            Back::Datagram(to) if !reply.is_empty() => drop(inet::send_to(self.udp.as_fd(), reply, to, None)),
            Back::Datagram(_) => {}
            Back::Stream(key) => {
                let Some(asker) = self.askers.get_mut(&key) else { return };
                asker.waits = false;
                if !reply.is_empty() {
                    asker.outbox.extend_from_slice(&(reply.len().min(MOST_IN_A_STREAM) as u16).to_be_bytes());
                    asker.outbox.extend_from_slice(&reply[..reply.len().min(MOST_IN_A_STREAM)]);
                }
            }
        }
    }

    /// A server has said something.
    pub fn hear_server(&mut self, key: u64, watching: &mut Watching) {
        if let Some(outcome) = self.forwarding.hear(key, watching) {
            self.pass_back(outcome, watching);
        }
    }

    pub fn look_at_the_clock(&mut self, watching: &mut Watching) {
        let now = Instant::now();
        for outcome in self.forwarding.look_at_the_clock(now, watching) {
            self.pass_back(outcome, watching);
        }
        self.askers.retain(|_, asker| now.duration_since(asker.used) < ASKER_IDLE);
    }

    fn pass_back(&mut self, outcome: Outcome, watching: &mut Watching) {
        self.answer(outcome.back, &outcome.reply);
        if let Back::Stream(key) = outcome.back {
            self.serve_asker(key, watching);
        }
    }
}

impl Asker {
    fn hear(&mut self, watching: &mut Watching) -> Result<(), Errno> {
        self.used = Instant::now();
        if !self.outbox.is_empty() {
            return Ok(());
        }
        let mut buffer = watching.take_buffer();
        let room = (LONGEST_QUESTION + 2).saturating_sub(self.inbox.len());
        let heard = match socket::receive_now(self.seat.fd(), &mut buffer[..room.max(1)]) {
            Ok(0) => {
                self.has_ended = true;
                Ok(())
            }
            Ok(count) => {
                self.inbox.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(errno),
        };
        watching.give_back(buffer);
        heard
    }

    /// The next whole question, if it is its turn.
    fn next_question(&mut self) -> Result<Option<Vec<u8>>, Errno> {
        let [high, low, rest @ ..] = &self.inbox[..] else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > LONGEST_QUESTION {
            return Err(Errno::EMSGSIZE);
        }
        if self.waits || !self.outbox.is_empty() || rest.len() < length {
            return Ok(None);
        }
        let question = rest[..length].to_vec();
        self.inbox.drain(..2 + length);
        Ok(Some(question))
    }

    /// Sends what fits, and chooses what to wait for. An error: nothing is left to do.
    fn settle(&mut self, watching: &Watching) -> Result<(), Errno> {
        match socket::send_now(self.seat.fd(), &self.outbox) {
            Ok(sent) => drop(self.outbox.drain(..sent)),
            Err(Errno::EAGAIN) => {}
            Err(errno) => return Err(errno),
        }
        if self.outbox.is_empty() {
            self.outbox = Vec::new();
        }
        if self.has_ended && !self.waits && self.outbox.is_empty() {
            return Err(Errno::ESHUTDOWN);
        }
        let write = !self.outbox.is_empty();
        self.seat.want(watching, Wanted { read: !write && !self.waits && !self.has_ended, write })
    }
}
