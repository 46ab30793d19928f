//! The porter's life: one loop over all its sockets.

use super::control::{Control, Speaker, Wish};
use super::flows::Flows;
use super::relay::Relay;
use super::resolver::Resolver;
use super::watching::{Kind, Watching, whose};
use super::{Door, Duties, rights};
use crate::options::ports::Protocol;
use crate::sys::epoll::Ready;
use crate::sys::{Errno, file};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Gives up its rights and serves until `until` is ready: the pidfd of the container's first process, which has ended then.
pub fn serve(mut duties: Duties, until: OwnedFd) -> Result<(), Errno> {
    // It would give back what we get now.
    drop(duties.room.take());
    let descriptors = rights::give_up(duties.descriptors().len())?;
    Porter::new(duties, until, descriptors)?.run()
}

pub struct Porter {
    watching: Watching,
    doors: HashMap<u64, Door>,
    relay: Relay,
    flows: Flows,
    names: Option<Resolver>,
    control: Option<Control>,
    _until: OwnedFd,
}

/// What is kept free for everything that is no connection: flows, questions, those who command.
const OTHER_DESCRIPTORS: usize = 2048;
/// After so long without anything to do the buffer is given back.
const REST_AFTER: Duration = Duration::from_millis(100);
/// How exactly the silence of flows is measured.
const FLOWS_EVERY: Duration = Duration::from_secs(10);

impl Porter {
    pub fn new(duties: Duties, until: OwnedFd, descriptors: usize) -> Result<Porter, Errno> {
        let mut watching = Watching::new()?;
        watching.add(until.as_fd(), Kind::End, 0)?;
        let names = duties.names.map(|duty| Resolver::new(duty, &mut watching)).transpose()?;
        let control = duties.control.map(|listener| Control::new(listener, &mut watching)).transpose()?;
        let connections = descriptors.saturating_sub(OTHER_DESCRIPTORS).max(descriptors / 2) / 2;
        let (relay, flows) = (Relay::new(connections), Flows::default());
        let mut porter = Porter { watching, doors: HashMap::new(), relay, flows, names, control, _until: until };
        duties.doors.into_iter().try_for_each(|door| porter.open(door))?;
        Ok(porter)
    }

    fn open(&mut self, door: Door) -> Result<(), Errno> {
        file::set_nonblocking(door.socket.as_fd())?;
        let key = self.watching.key();
        self.watching.add(door.socket.as_fd(), Kind::Door, key)?;
        self.doors.insert(key, door);
        Ok(())
    }

    /// Until the container has ended.
    pub fn run(mut self) -> Result<(), Errno> {
        let mut ready = Vec::new();
        let mut flows_looked_at = Instant::now();
        loop {
            self.watching.wait(&mut ready, self.patience())?;
            if ready.is_empty() {
                self.watching.rest();
            }
            for one in &ready {
                if self.turn(*one) {
                    return Ok(());
                }
            }
            if let Some(names) = &mut self.names
                && names.deadline().is_some_and(|deadline| deadline <= Instant::now())
            {
                names.look_at_the_clock(&mut self.watching);
            }
            if flows_looked_at.elapsed() >= FLOWS_EVERY {
                self.flows.forget_the_silent();
                flows_looked_at = Instant::now();
            }
        }
    }

    /// How long nothing may happen before there is something to do all the same, in milliseconds; `None`: for ever.
    fn patience(&self) -> Option<i32> {
        let names = self.names.as_ref().and_then(Resolver::deadline).map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let flows = (!self.flows.is_empty()).then_some(FLOWS_EVERY);
        let rest = (!self.watching.is_at_rest()).then_some(REST_AFTER);
        // Not one too little: it would come back to find the time not over.
        names.into_iter().chain(flows).chain(rest).min().map(|time| time.as_millis() as i32 + 1)
    }

    /// One of the sockets is ready. True: it is over.
    fn turn(&mut self, ready: Ready) -> bool {
        let Some((kind, key)) = whose(ready.number) else { return false };
        let watching = &mut self.watching;
        match (kind, &mut self.names, &mut self.control) {
            (Kind::End, ..) => return true,
            (Kind::Door, ..) => match self.doors.get(&key) {
                Some(door) if door.protocol == Protocol::Udp => self.flows.inward(key, door, watching),
                Some(door) => self.relay.accept(door, watching),
                None => {}
            },
            (Kind::Client | Kind::Container, ..) => self.relay.turn(key, ready.failed, watching),
            (Kind::Flow, ..) => self.flows.outward(key, &self.doors, watching),
            (Kind::NamesByUdp, Some(names), _) => names.hear_datagrams(watching),
            (Kind::NamesByTcp, Some(names), _) => names.accept(watching),
            (Kind::Asker, Some(names), _) => names.turn(key, watching),
            (Kind::Server, Some(names), _) => names.hear_server(key, watching),
            (Kind::Control, _, Some(control)) => control.accept(watching),
            (Kind::Teller, _, Some(control)) => {
                if let Some((wish, speaker)) = control.hear(key) {
                    self.answer(wish, speaker);
                }
            }
            _ => {}
        }
        false
    }

    fn answer(&mut self, wish: Result<Wish, String>, speaker: Speaker) {
        speaker.answer(wish.and_then(|wish| self.obey(wish)));
    }

    fn obey(&mut self, wish: Wish) -> Result<(), String> {
        let in_words = |errno: Errno| errno.desc().to_owned();
        match (wish, &mut self.names) {
            (Wish::OpenDoor(door), _) => self.open(door).map_err(in_words)?,
            (Wish::CloseDoor { protocol, address, port }, _) => {
                let is_it = |door: &Door| (door.protocol, door.address, door.port) == (protocol, address, port);
                let key = self.doors.iter().find(|(_, door)| is_it(door)).map(|(key, _)| *key);
                let key = key.ok_or_else(|| format!("port {port}/{protocol} on {address} is not published"))?;
                self.doors.remove(&key);
                self.flows.forget_door(key);
            }
            (Wish::ServeNames(duty), None) => self.names = Some(Resolver::new(duty, &mut self.watching).map_err(in_words)?),
            (Wish::ServeNames(_), Some(_)) => return Err("it serves names already".to_owned()),
            (_, None) => return Err("it serves no names".to_owned()),
            (Wish::Forward { upstream, forwards }, Some(names)) => {
                (names.forwarding.upstream, names.forwarding.forwards) = (upstream, forwards);
            }
            (Wish::AddPlace(place), Some(names)) => {
                names.places.retain(|known| known.network != place.network);
                names.places.push(place);
            }
            (Wish::RemovePlace { network }, Some(names)) => names.places.retain(|known| known.network != network),
        }
        Ok(())
    }
}
