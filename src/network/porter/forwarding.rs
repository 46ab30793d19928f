//! Questions for names that are not ours: one name server after the other is asked, and what the first good one says goes back as
//! it is, with all that was said about lengths and trust.
//!
//! Each time from a new socket, under a new random number, so that a stranger would have to guess both (RFC 5452). A server that is
//! slow may still answer when the next one has been asked already.

use super::message::{self, Question, Verdict};
use super::resolver::Back;
use super::watching::{Kind, Seat, Watching};
use crate::sys::epoll::Wanted;
use crate::sys::{Errno, file, inet, socket};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

pub struct Forwarding {
    pub upstream: Vec<SocketAddr>,
    pub forwards: bool,
    /// The oldest first.
    pending: BTreeMap<u64, Pending>,
}

/// What came of a question.
pub struct Outcome {
    pub back: Back,
    pub reply: Vec<u8>,
}

struct Pending {
    back: Back,
    asked: Vec<u8>,
    question: Question,
    tries: Vec<Try>,
    /// How often a server was taken, also one that could not be asked.
    turns: usize,
    /// When the next one is asked, or we give up.
    next: Instant,
}

/// One server that has been asked.
struct Try {
    seat: Seat,
    id: u16,
    stream: Option<Stream>,
    is_over: bool,
}

/// By TCP a message has its length before it.
struct Stream {
    to_send: Vec<u8>,
    got: Vec<u8>,
}

const MOST: usize = 256;
/// All of them together are over before a client gives up, which is after five seconds: resolv.conf(5). The number of a try has
/// room for two bits.
const TRIES: usize = 3;
const PATIENCE: Duration = Duration::from_millis(1600);

impl Forwarding {
    pub fn new(upstream: Vec<SocketAddr>, forwards: bool) -> Forwarding {
        Forwarding { upstream, forwards, pending: BTreeMap::new() }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.next).min()
    }

    /// An error is the answer.
    pub fn begin(&mut self, asked: &[u8], question: &Question, back: Back, watching: &mut Watching) -> Result<(), Verdict> {
        if !self.forwards {
            return Err(Verdict::NoSuchName);
        }
        // Whoever asks so much waits for the newest ones.
        if self.pending.len() >= MOST {
            self.pending.pop_first();
        }
        let question = question.clone();
        let mut pending = Pending { back, asked: asked.to_vec(), question, tries: Vec::new(), turns: 0, next: Instant::now() };
        let key = watching.key();
        if !pending.ask_next(key, &self.upstream, watching) {
            return Err(Verdict::Failed);
        }
        self.pending.insert(key, pending);
        Ok(())
    }

    /// A server has answered, or can be spoken to.
    pub fn hear(&mut self, try_key: u64, watching: &mut Watching) -> Option<Outcome> {
        let (key, number) = (try_key >> 2, (try_key & 3) as usize);
        let pending = self.pending.get_mut(&key)?;
        let heard = pending.tries.get_mut(number)?.hear(&pending.asked, &pending.question, watching);
        let worthless = match heard {
            Ok(None) => return None,
            Ok(Some(reply)) if !message::is_worthless(&reply) => return self.end(key, reply),
            Ok(Some(reply)) => Some(reply),
            Err(_) => None,
        };
        pending.tries[number].end(watching);
        if pending.turns < self.upstream.len().min(TRIES) && pending.ask_next(key, &self.upstream, watching) {
            return None;
        }
        if pending.tries.iter().any(|one| !one.is_over) {
            return None;
        }
        let reply = worthless.unwrap_or_else(|| pending.failed());
        self.end(key, reply)
    }

    fn end(&mut self, key: u64, mut reply: Vec<u8>) -> Option<Outcome> {
        let pending = self.pending.remove(&key)?;
        message::set_id(&mut reply, pending.question.id);
        Some(Outcome { back: pending.back, reply })
    }

    pub fn look_at_the_clock(&mut self, now: Instant, watching: &mut Watching) -> Vec<Outcome> {
        let late: Vec<u64> = self.pending.iter().filter(|(_, pending)| pending.next <= now).map(|(key, _)| *key).collect();
        let mut outcomes = Vec::new();
        for key in late {
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            if !pending.ask_next(key, &self.upstream, watching) {
                let reply = pending.failed();
                outcomes.extend(self.end(key, reply));
            }
        }
        outcomes
    }
}

impl Pending {
    /// False: nobody is left.
    fn ask_next(&mut self, key: u64, upstream: &[SocketAddr], watching: &mut Watching) -> bool {
        while self.turns < TRIES && !upstream.is_empty() {
            let server = upstream[self.turns % upstream.len()];
            self.turns += 1;
            let number = key << 2 | self.tries.len() as u64;
            if let Ok(one) = Try::begin(&self.asked, self.back, server, number, watching) {
                self.tries.push(one);
                self.next = Instant::now() + PATIENCE;
                return true;
            }
        }
        false
    }

    fn failed(&self) -> Vec<u8> {
        message::reply(&self.asked, &self.question, Verdict::Failed, &[], self.question.room_in_datagram())
    }
}

impl Try {
    fn begin(asked: &[u8], back: Back, server: SocketAddr, number: u64, watching: &Watching) -> Result<Try, Errno> {
        let id = u16::from_ne_bytes(file::random_bytes()?);
        let mut query = asked.to_vec();
        message::set_id(&mut query, id);
        let (socket, stream, wanted) = match back {
            Back::Datagram(_) => {
                let socket = inet::connect_udp(server, None)?;
                socket::send_now(socket.as_fd(), &query)?;
                (socket, None, Wanted::READ)
            }
            Back::Stream(_) => {
                let bytes = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
                (inet::connect_tcp(server, None)?, Some(Stream { to_send: bytes, got: Vec::new() }), Wanted::WRITE)
            }
        };
        let mut seat = Seat::new(socket, Kind::Server, number);
        seat.want(watching, wanted)?;
        Ok(Try { seat, id, stream, is_over: false })
    }

    /// A whole reply to the question, if there is one by now. An error: from this server comes nothing.
    fn hear(&mut self, asked: &[u8], question: &Question, watching: &mut Watching) -> Result<Option<Vec<u8>>, Errno> {
        let mut buffer = watching.take_buffer();
        let heard = match &mut self.stream {
            Some(stream) => stream.go_on(&mut self.seat, &mut buffer, watching),
            None => socket::receive_now(self.seat.fd(), &mut buffer).map(|length| Some(buffer[..length].to_vec())),
        };
        watching.give_back(buffer);
        match heard {
            Ok(Some(reply)) if question.is_answered_by(asked, self.id, &reply) => Ok(Some(reply)),
            // By UDP it may come from anybody who has guessed the port, and the true one may follow.
            Ok(Some(_)) if self.stream.is_none() => Ok(None),
            Ok(Some(_)) => Err(Errno::EPROTO),
            Ok(None) | Err(Errno::EAGAIN) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn end(&mut self, watching: &Watching) {
        self.is_over = true;
        let _ = self.seat.want(watching, Wanted::default());
    }
}

impl Stream {
    fn go_on(&mut self, seat: &mut Seat, buffer: &mut [u8], watching: &Watching) -> Result<Option<Vec<u8>>, Errno> {
        if !self.to_send.is_empty() {
            inet::outcome(seat.fd())?;
            let sent = socket::send_now(seat.fd(), &self.to_send)?;
            self.to_send.drain(..sent);
            seat.want(watching, if self.to_send.is_empty() { Wanted::READ } else { Wanted::WRITE })?;
            return Ok(None);
        }
        match socket::receive_now(seat.fd(), buffer)? {
            0 => return Err(Errno::ECONNRESET),
            count => self.got.extend_from_slice(&buffer[..count]),
        }
        let [high, low, rest @ ..] = &self.got[..] else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        Ok(rest.get(..length).map(<[u8]>::to_vec))
    }
}
