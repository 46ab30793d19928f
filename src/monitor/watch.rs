//! The monitor's loop: from the moment when the container runs until nothing of it is left.
//!
//! One thread, one poll(2), one buffer that exists only while bytes flow. In order of importance: the exit status is
//! never lost; output reaches the log and every client; input and signals reach the container; a client that is slow,
//! broken or gone never hurts the container.
//!
//! The command's status is told early: pid 1 writes it down a pipe before it exits, because the kernel needs about as
//! long to take a container apart as a client needs to tell the user. What the client waits for is done before that.

use super::clients::Client;
use super::companion::Companion;
use super::log::{self, Keeping, Log};
use super::protocol::{HEADER, Stream, ToClient, ToMonitor, Wants, output_header};
use crate::sys::poll::{Watched, has_input, poll};
use crate::sys::process::WaitStatus;
use crate::sys::signal;
use crate::sys::{file, socket, terminal};
use crate::trace::timeline;
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What the watch needs to know and takes into its keeping.
pub struct Watch {
    /// pidfd of the container's pid 1, which is our child.
    pub init: OwnedFd,
    /// Where our reaper writes the command's wait status (an i32, little endian) before it exits. `None`: pid 1 is the
    /// command itself.
    pub status: Option<OwnedFd>,
    pub streams: Streams,
    /// Where clients attach (`socket::listen`).
    pub listener: Option<OwnedFd>,
    /// The client that started the container and stays with it.
    pub first: Option<OwnedFd>,
    pub first_wants: Wants,
    /// The container is a part of what that client does, and ends when it is gone.
    pub ends_with_first: bool,
    /// Clients that came when nothing ran.
    pub early: Vec<OwnedFd>,
    /// Where output is kept; `None`: nowhere.
    pub log: Option<Keeping>,
    /// `-i`: clients may send input. A pipe stays open until the first client, if it wanted input, has no more; without
    /// such a client (`-d`) for as long as the container lives.
    pub open_stdin: bool,
    /// Who helps beside us.
    pub companions: Vec<Companion>,
}

/// The monitor's ends of the container's standard streams.
pub enum Streams {
    None,
    Pipes {
        stdin: Option<OwnedFd>,
        /// stdout, stderr; `None`: it writes to somebody else.
        outputs: [Option<OwnedFd>; 2],
    },
    /// The master of its terminal.
    Terminal(OwnedFd),
}

/// How the container's command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// 128+n for signal n.
    pub exit_code: i32,
    pub signal: Option<i32>,
    /// It is the end of pid 1 itself, without a word of the command's: a reaper was killed, or there is none.
    pub of_first_process: bool,
    /// The last signal that a client sent on.
    pub passed_on: Option<i32>,
    /// Nanoseconds since 1970.
    pub finished: u64,
}

/// The status of a pid 1 that somebody else has waited for.
const UNKNOWN: i32 = 255;
/// After so long without anything to do the buffer is given back and begun lines are logged.
const REST_AFTER: i32 = 100;
/// Most that is read after the command has ended: a process it left behind could go on writing until it is killed.
const MOST_AFTER_END: usize = 4 << 20;
/// How long clients other than the first may take to read the end.
const FAREWELL: i32 = 2_000;
/// One page of room in a pipe is enough for this: pipe(7).
const INPUT_PIECE: usize = 4096;

/// Returns when the container is gone. `at_end` is called once, when the command has ended, all its output is kept and no
/// client knows of it yet: what is written down there is true before anybody can ask.
///
/// Signals to the monitor itself wait from here on, so that a terminal's ctrl-c or a service manager's SIGTERM to a whole
/// group ends the container's processes only if it was meant for them.
pub fn watch(watch: Watch, at_end: &mut dyn FnMut(&Ending)) -> Ending {
    let _ = signal::block_all();
    let mut room = Room::new(watch);
    let end = loop {
        if let Some(end) = room.turn() {
            break end;
        }
    };
    room.drain();
    let exit_code = end.map_or(UNKNOWN, WaitStatus::code);
    let ending = Ending {
        exit_code,
        signal: end.and_then(WaitStatus::signal),
        of_first_process: room.reaped,
        passed_on: room.container.passed_on,
        finished: log::now(),
    };
    // Before anybody hears of the end: a port of it is free by then.
    room.companions.drain(..).flatten().for_each(Companion::dismiss);
    at_end(&ending);
    room.say_goodbye(exit_code);
    ending
}

/// Everything on the container's side.
struct Container {
    init: OwnedFd,
    status: Option<OwnedFd>,
    /// Pipes: stdout, stderr. A terminal has one stream.
    outputs: [Option<OwnedFd>; 2],
    stdin: Option<OwnedFd>,
    master: Option<OwnedFd>,
    /// The container's side of its terminal, held open by us too: otherwise the master is at its end whenever the
    /// container has closed it for a moment (a system with its own init does).
    _peer: Option<OwnedFd>,
    open_stdin: bool,
    /// Input ends with the client that brought it (`run -i` without `-d`).
    stdin_once: bool,
    passed_on: Option<i32>,
}

/// What poll's answer belongs to.
#[derive(Clone, Copy)]
enum Source {
    Init,
    Status,
    Output(Stream),
    Input,
    Listener,
    Client(usize),
    Companion(usize),
}

struct Room {
    container: Container,
    clients: Vec<Client>,
    listener: Option<OwnedFd>,
    log: Option<Log>,
    /// `None`: one that has ended and got no successor.
    companions: Vec<Option<Companion>>,
    /// False from the moment on when it was ended.
    ends_with_first: bool,
    /// Empty while nothing flows.
    buffer: Vec<u8>,
    watched: Vec<Watched>,
    sources: Vec<Source>,
    /// `Some` when pid 1 was waited for.
    reaped: bool,
}

/// Longer than it is used: from 128 KiB on, every C library's allocator takes and returns such a block as a mapping of
/// its own, and pages that were never touched cost nothing.
const BUFFER: usize = 192 << 10;
/// Where output is read to, so that its frame's header fits before it.
const OUTPUT_AT: usize = 8;
const OUTPUT_PIECE: usize = 64 << 10;

impl Container {
    fn new(init: OwnedFd, status: Option<OwnedFd>, streams: Streams, open_stdin: bool, stdin_once: bool) -> Self {
        let (mut outputs, mut stdin, mut master, mut peer) = ([None, None], None, None, None);
        match streams {
            Streams::None => {}
            Streams::Pipes { stdin: write, outputs: both } => {
                outputs = both;
                stdin = write.filter(|_| open_stdin);
            }
            Streams::Terminal(fd) => {
                peer = terminal::open_peer(fd.as_fd()).ok();
                master = Some(fd);
            }
        }
        // Output is read only when there is some; input has to be written in part where it does not fit.
        if let Some(fd) = stdin.as_ref().or(master.as_ref()) {
            let _ = file::set_nonblocking(fd.as_fd());
        }
        Container { init, status, outputs, stdin, master, _peer: peer, open_stdin, stdin_once, passed_on: None }
    }

    fn output(&self, stream: Stream) -> Option<BorrowedFd<'_>> {
        let of_terminal = self.master.as_ref().filter(|_| stream == Stream::Stdout);
        self.outputs[stream as usize].as_ref().or(of_terminal).map(AsFd::as_fd)
    }

    fn close_output(&mut self, stream: Stream) {
        self.outputs[stream as usize] = None;
        if stream == Stream::Stdout {
            self.master = None;
        }
    }

    fn input(&self) -> Option<BorrowedFd<'_>> {
        self.stdin.as_ref().or(self.master.as_ref().filter(|_| self.open_stdin)).map(AsFd::as_fd)
    }

    /// Gives a client's input to the container as far as it takes it. Nobody reads any more: it is as if it were taken.
    fn feed(&mut self, client: &mut Client) {
        while !client.input.is_empty() {
            let piece = &client.input[..client.input.len().min(INPUT_PIECE)];
            match self.input().map(|fd| file::write(fd, piece)) {
                Some(Ok(count)) => client.input_taken(count),
                Some(Err(Errno::EAGAIN)) => return,
                Some(Err(_)) => self.stdin = None,
                None => client.input_taken(client.input.len()),
            }
            if self.input().is_none() && !client.input.is_empty() {
                client.input_taken(client.input.len());
            }
        }
        if std::mem::take(&mut client.input_closed) && self.stdin_once {
            self.stdin = None;
        }
    }

    fn obey(&mut self, client: &mut Client, word: &ToMonitor) {
        match *word {
            ToMonitor::Attach(wants) => client.wants = wants,
            ToMonitor::Stdin(bytes) if client.wants.stdin => {
                client.keep_input(bytes);
                self.feed(client);
            }
            ToMonitor::Stdin(bytes) => client.say(&ToClient::Taken(bytes.len() as u32)),
            ToMonitor::StdinClosed => {
                client.input_closed = client.wants.stdin;
                self.feed(client);
            }
            ToMonitor::Resize(size) => {
                if let Some(master) = &self.master {
                    let _ = terminal::set_size(master.as_fd(), size);
                }
            }
            // It may have ended already; then there is nobody to tell.
            ToMonitor::Signal(number) => {
                self.passed_on = Some(number);
                let _ = signal::send(self.init.as_fd(), number);
            }
            ToMonitor::Detach => client.leave(),
            ToMonitor::Timeline => {
                let marks: Vec<u8> = timeline::packed().iter().flat_map(|mark| mark.to_le_bytes()).collect();
                client.say(&ToClient::Timeline(&marks));
            }
        }
    }

    /// The command's status as our reaper told it: `Some` if it did, else the pipe is at its end and is closed.
    fn hear_status(&mut self) -> Option<WaitStatus> {
        let status = self.status.take()?;
        let mut word = [0; 4];
        // Four bytes go through a pipe in one piece: pipe(7), PIPE_BUF.
        match file::read(status.as_fd(), &mut word) {
            Ok(4) => Some(WaitStatus(i32::from_le_bytes(word))),
            _ => None,
        }
    }
}

impl Room {
    fn new(watch: Watch) -> Self {
        let stdin_once = watch.first.is_some() && watch.first_wants.stdin;
        let container = Container::new(watch.init, watch.status, watch.streams, watch.open_stdin, stdin_once);
        let first = watch.first.into_iter().map(|socket| Client::new(socket, watch.first_wants, true));
        let clients = first.chain(watch.early.into_iter().map(|socket| Client::new(socket, Wants::default(), false))).collect();
        let (listener, log) = (watch.listener, watch.log.map(Log::new));
        Room {
            container,
            clients,
            listener,
            log,
            companions: watch.companions.into_iter().map(Some).collect(),
            ends_with_first: watch.ends_with_first,
            buffer: Vec::new(),
            watched: Vec::new(),
            sources: Vec::new(),
            reaped: false,
        }
    }

    /// Waits once and does what there is to do. `Some` when the command has ended: with its end, where it can be known.
    fn turn(&mut self) -> Option<Option<WaitStatus>> {
        self.choose();
        let is_busy = !self.buffer.is_empty() || self.log.as_ref().is_some_and(Log::holds_something);
        match poll(&mut self.watched, is_busy.then_some(REST_AFTER)) {
            Ok(true) => {}
            Ok(false) => {
                self.rest();
                return None;
            }
            // Only want of memory in the kernel is left as a reason, and that passes.
            Err(_) => return None,
        }
        let mut end = None;
        for place in 0..self.watched.len() {
            let (ready, source) = (self.watched[place], self.sources[place]);
            if !ready.is_ready() {
                continue;
            }
            match source {
                Source::Output(stream) => drop(self.pass_on(stream)),
                Source::Input => self.feed(),
                Source::Client(index) => self.serve(index, ready),
                Source::Listener => self.welcome(),
                Source::Companion(index) => self.replace(index),
                Source::Status => end = end.or(self.container.hear_status().map(Some)),
                Source::Init => end = end.or_else(|| Some(self.last_words())),
            }
        }
        self.clients.retain(|client| !client.is_finished());
        if self.ends_with_first && !self.clients.iter().any(|client| client.is_first && client.socket().is_some()) {
            self.ends_with_first = false;
            let _ = signal::send(self.container.init.as_fd(), signal::KILL);
        }
        end
    }

    /// A companion has ended. It may have seen before us that the container has: then a successor would open doors that are closed.
    fn replace(&mut self, index: usize) {
        let Some(companion) = self.companions[index].take() else { return };
        match has_input(self.container.init.as_fd()) {
            true => companion.dismiss(),
            false => self.companions[index] = companion.replace(),
        }
    }

    /// Writes the list for poll. What is not on it cannot wake us: output while the first client holds it up, input
    /// while there is none to write.
    fn choose(&mut self) {
        let Room { container, clients, watched, sources, .. } = self;
        watched.clear();
        sources.clear();
        let mut add = |fd: BorrowedFd, read: bool, write: bool, source: Source| {
            watched.push(Watched::new(fd, read, write));
            sources.push(source);
        };
        if !clients.iter().any(Client::is_holding_up) {
            for stream in [Stream::Stdout, Stream::Stderr] {
                if let Some(fd) = container.output(stream) {
                    add(fd, true, false, Source::Output(stream));
                }
            }
        }
        if let Some(fd) = container.input().filter(|_| clients.iter().any(|client| !client.input.is_empty())) {
            add(fd, false, true, Source::Input);
        }
        for (index, client) in clients.iter().enumerate() {
            if let Some(fd) = client.socket() {
                add(fd, true, client.has_mail(), Source::Client(index));
            }
        }
        if let Some(fd) = &self.listener {
            add(fd.as_fd(), true, false, Source::Listener);
        }
        for (index, companion) in self.companions.iter().enumerate() {
            if let Some(companion) = companion {
                add(companion.pidfd.as_fd(), true, false, Source::Companion(index));
            }
        }
        if let Some(fd) = &container.status {
            add(fd.as_fd(), true, false, Source::Status);
        }
        add(container.init.as_fd(), true, false, Source::Init);
    }

    /// Nothing happened for a moment: give back what only a busy monitor needs.
    fn rest(&mut self) {
        self.buffer = Vec::new();
        if let Some(log) = &mut self.log {
            log.rest();
        }
    }

    fn take_buffer(&mut self) -> Vec<u8> {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() { vec![0; BUFFER] } else { buffer }
    }

    /// Reads one piece of output and hands it to the log and the clients. 0: the stream has ended.
    fn pass_on(&mut self, stream: Stream) -> usize {
        let mut buffer = self.take_buffer();
        let read = match self.container.output(stream) {
            Some(fd) => file::read(fd, &mut buffer[OUTPUT_AT..OUTPUT_AT + OUTPUT_PIECE]),
            None => Ok(0),
        };
        match read {
            Ok(count @ 1..) => {
                if let Some(log) = &mut self.log {
                    log.append(stream, &buffer[OUTPUT_AT..OUTPUT_AT + count]);
                }
                buffer[OUTPUT_AT - HEADER..OUTPUT_AT].copy_from_slice(&output_header(stream, count));
                let frame = &buffer[OUTPUT_AT - HEADER..OUTPUT_AT + count];
                self.clients.iter_mut().filter(|client| client.wants.stream(stream)).for_each(|client| client.send(frame));
            }
            Err(Errno::EAGAIN) => {}
            // EIO is how a terminal says it.
            Ok(0) | Err(_) => self.container.close_output(stream),
        }
        self.buffer = buffer;
        read.unwrap_or(0)
    }

    fn feed(&mut self) {
        for client in &mut self.clients {
            self.container.feed(client);
        }
    }

    fn serve(&mut self, index: usize, ready: Watched) {
        let mut buffer = self.take_buffer();
        let (container, client) = (&mut self.container, &mut self.clients[index]);
        if client.has_mail() && ready.can_write() {
            client.send_mail();
        }
        if ready.can_read() {
            client.hear(&mut buffer[..OUTPUT_PIECE], &mut |client, word| container.obey(client, word));
        }
        if client.socket().is_none() {
            container.feed(client);
        }
        self.buffer = buffer;
    }

    /// They get nothing before they have said what they want.
    fn welcome(&mut self) {
        while let Some(socket) = self.listener.as_ref().and_then(|listener| socket::accept(listener.as_fd())) {
            self.clients.push(Client::new(socket, Wants::default(), false));
        }
    }

    /// Pid 1 has ended. Its reaper's word counts for more than its own status, if there was time for it.
    fn last_words(&mut self) -> Option<WaitStatus> {
        if self.container.status.as_ref().is_some_and(|status| has_input(status.as_fd()))
            && let Some(end) = self.container.hear_status()
        {
            return Some(end);
        }
        self.reaped = true;
        signal::wait(self.container.init.as_fd()).ok()
    }

    /// Takes the output that the command left in its pipes.
    fn drain(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut taken = 0;
            while taken < MOST_AFTER_END && self.container.output(stream).is_some_and(has_input) {
                taken += self.pass_on(stream).max(1);
            }
        }
        self.rest();
    }

    /// Tells everybody the end, gives them time to read it, and waits until the kernel has taken the container apart.
    fn say_goodbye(&mut self, exit_code: i32) {
        self.welcome();
        self.listener = None;
        self.clients.iter_mut().for_each(|client| client.say(&ToClient::Exited(exit_code)));
        loop {
            self.clients.retain(|client| client.socket().is_some() && client.has_mail());
            self.watched.clear();
            self.watched.extend(self.clients.iter().filter_map(Client::socket).map(|fd| Watched::new(fd, false, true)));
            let mailboxes = self.watched.len();
            if !self.reaped {
                self.watched.push(Watched::new(self.container.init.as_fd(), true, false));
            }
            if self.watched.is_empty() {
                return;
            }
            let has_others = self.clients.iter().any(|client| !client.is_first);
            match poll(&mut self.watched, has_others.then_some(FAREWELL)) {
                Ok(true) => {}
                Ok(false) => self.clients.retain(|client| client.is_first),
                Err(_) => {}
            }
            let ready: Vec<bool> = self.watched[..mailboxes].iter().map(Watched::is_ready).collect();
            self.clients.iter_mut().zip(ready).filter(|(_, ready)| *ready).for_each(|(client, _)| client.send_mail());
            if !self.reaped && self.watched.get(mailboxes).is_some_and(Watched::is_ready) {
                self.reaped = true;
                let _ = signal::wait(self.container.init.as_fd());
            }
        }
    }
}

#[cfg(test)]
mod tests;
