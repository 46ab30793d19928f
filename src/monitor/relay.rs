//! The user's side of a process that has no monitor: `exec` is its parent and stays with it to the end, or until the user leaves.

use super::detach_keys::DetachKeys;
use super::near::{Event, Near, PASSED_ON, catch};
use super::protocol::Stream;
use crate::error::{Context, Error, Result};
use crate::sys::poll::{Watched, has_input, poll};
use crate::sys::{file, process, signal, terminal};
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Stays with a child that has our own streams; signals to us are passed on to it, because it has a session of its own and
/// hears none of ours. Returns its exit code.
pub fn await_child(pid: i32, pidfd: BorrowedFd) -> Result<i32> {
    let signals = catch(PASSED_ON)?;
    loop {
        let mut watched = [Watched::new(signals.as_fd(), true, false), Watched::new(pidfd, true, false)];
        poll(&mut watched, None).context("cannot wait for the command")?;
        while let Some(number) = signals.next() {
            let _ = signal::send(pidfd, number);
        }
        if watched[1].is_ready() {
            return end_of(pid);
        }
    }
}

/// How it ended between the user and the command.
pub enum Left {
    Ended(i32),
    /// The user has left. The command's terminal hangs up when nobody holds its other side any more.
    Detached(Behind),
}

/// Stays between our terminal and a child's, given by its master, until the child ends or the user types the detach keys.
pub fn relay_terminal(master: OwnedFd, pid: i32, pidfd: OwnedFd, interactive: bool, detach_keys: &[u8]) -> Result<Left> {
    let near = Near::ours(true, interactive, false)?;
    file::set_nonblocking(master.as_fd()).context("cannot use the command's terminal")?;
    match Relay::new(near, master, pidfd, detach_keys).until_the_end()? {
        Some(behind) => Ok(Left::Detached(behind)),
        None => end_of(pid).map(Left::Ended),
    }
}

/// What is needed to stay with a command whose user has left.
pub struct Behind {
    master: Option<OwnedFd>,
    child: OwnedFd,
}

impl Behind {
    /// The other side of its terminal, and what tells its end.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.master.iter().chain([&self.child]).map(AsFd::as_fd)
    }

    /// Takes what the command writes, so that it never waits for a reader, and shows it to nobody, until it ends.
    pub fn stay(mut self) {
        let mut buffer = [0; PIECE];
        loop {
            let master = self.master.as_ref().map_or_else(Watched::never, |fd| Watched::new(fd.as_fd(), true, false));
            let mut watched = [master, Watched::new(self.child.as_fd(), true, false)];
            if poll(&mut watched, None).is_err() || watched[1].is_ready() {
                return;
            }
            let read = self.master.as_ref().filter(|_| watched[0].is_ready()).map(|master| file::read(master.as_fd(), &mut buffer));
            if matches!(read, Some(Ok(0) | Err(Errno::EIO))) {
                self.master = None;
            }
        }
    }
}

fn end_of(pid: i32) -> Result<i32> {
    process::wait(pid).map(process::WaitStatus::code).context("cannot wait for the command")
}

struct Relay {
    near: Near,
    keys: DetachKeys,
    has_left: bool,
    /// `None`: nobody is on the other side any more.
    master: Option<OwnedFd>,
    child: OwnedFd,
    /// From the user, not yet taken by the child's terminal.
    typed: Vec<u8>,
    /// From the child, not yet taken by the user's.
    shown: Vec<u8>,
    has_ended: bool,
}

const PIECE: usize = 16 << 10;

impl Relay {
    fn new(near: Near, master: OwnedFd, child: OwnedFd, detach_keys: &[u8]) -> Self {
        let keys = DetachKeys::new(if near.is_raw() { detach_keys } else { &[] });
        let (typed, shown) = (Vec::new(), Vec::new());
        Relay { near, keys, has_left: false, master: Some(master), child, typed, shown, has_ended: false }
    }

    /// `Some`: the user has left before. Our terminal is as it was when this returns.
    fn until_the_end(mut self) -> Result<Option<Behind>> {
        self.follow_size();
        loop {
            if self.has_left {
                self.write_to_child();
                return Ok(Some(Behind { master: self.master, child: self.child }));
            }
            let nothing_left = self.shown.is_empty() && !self.master.as_ref().is_some_and(|master| has_input(master.as_fd()));
            if self.has_ended && nothing_left {
                return Ok(None);
            }
            self.turn()?;
        }
    }

    fn follow_size(&self) {
        if let (Some(master), Some(size)) = (&self.master, self.near.size()) {
            let _ = terminal::set_size(master.as_fd(), size);
        }
    }

    fn turn(&mut self) -> Result<()> {
        let (has_room, has_typed) = (self.shown.is_empty(), !self.typed.is_empty());
        let mut watched = [
            self.near.signals().map_or_else(Watched::never, |fd| Watched::new(fd, true, false)),
            self.master
                .as_ref()
                .filter(|_| has_room || has_typed)
                .map_or_else(Watched::never, |fd| Watched::new(fd.as_fd(), has_room, has_typed)),
            if has_room { Watched::never() } else { self.near.watch_output(Stream::Stdout) },
            self.near.input.as_ref().filter(|_| !has_typed).map_or_else(Watched::never, |fd| Watched::new(fd.as_fd(), true, false)),
            if self.has_ended { Watched::never() } else { Watched::new(self.child.as_fd(), true, false) },
        ];
        poll(&mut watched, None).context("cannot wait for the command")?;
        if watched[0].is_ready() {
            self.heed_signals()?;
        }
        if watched[2].is_ready() {
            self.show()?;
        }
        if watched[3].is_ready() {
            self.take_typed();
        }
        if watched[1].is_ready() {
            self.write_to_child();
            self.read_from_child();
        }
        self.has_ended |= watched[4].is_ready();
        Ok(())
    }

    fn heed_signals(&mut self) -> Result<()> {
        while let Some(event) = self.near.next_event() {
            match event {
                Event::Resized(_) => self.follow_size(),
                Event::PassOn(number) => drop(signal::send(self.child.as_fd(), number)),
                Event::Die(number) => return Err(self.near.die_of(number)),
            }
        }
        Ok(())
    }

    fn show(&mut self) -> Result<()> {
        match self.near.write(Stream::Stdout, &self.shown) {
            Ok(count) => drop(self.shown.drain(..count)),
            // Nobody reads: the command goes on, as it would on a terminal that nobody looks at.
            Err(Errno::EPIPE) => self.shown.clear(),
            Err(e) => return Err(Error::from_errno("cannot write to stdout", e)),
        }
        Ok(())
    }

    fn take_typed(&mut self) {
        let mut buffer = [0; PIECE];
        if let Some(count) = self.near.read(&mut buffer) {
            self.has_left = self.keys.feed(&buffer[..count], &mut self.typed);
            self.write_to_child();
        }
    }

    fn write_to_child(&mut self) {
        let Some(master) = &self.master else { return self.typed.clear() };
        if !self.typed.is_empty() {
            match file::write(master.as_fd(), &self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(Errno::EAGAIN) => {}
                Err(_) => self.typed.clear(),
            }
        }
    }

    /// EIO: the last process on the other side has closed it.
    fn read_from_child(&mut self) {
        let Some(master) = &self.master else { return };
        if !self.shown.is_empty() {
            return;
        }
        let mut buffer = [0; PIECE];
        match file::read(master.as_fd(), &mut buffer) {
            Ok(count @ 1..) => self.shown.extend_from_slice(&buffer[..count]),
            Err(Errno::EAGAIN) => {}
            Ok(0) | Err(_) => self.master = None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::zombie_processes, reason = "the relay itself waits for them")]

    use super::*;
    use std::process::{Command, Stdio};

    fn child(script: &str, streams: [Stdio; 3]) -> (i32, OwnedFd) {
        let [input, output, error] = streams;
        let child = Command::new("sh").args(["-c", script]).stdin(input).stdout(output).stderr(error).spawn().unwrap();
        let pid = child.id() as i32;
        (pid, process::pidfd_of(pid).unwrap())
    }

    #[test]
    fn a_child_s_code_is_ours_and_so_is_the_signal_it_died_of() {
        let null = || [Stdio::null(), Stdio::null(), Stdio::null()];
        let (pid, pidfd) = child("exit 42", null());
        assert_eq!(await_child(pid, pidfd.as_fd()).unwrap(), 42);
        let (pid, pidfd) = child("kill -9 $$", null());
        assert_eq!(await_child(pid, pidfd.as_fd()).unwrap(), 137);
    }

    #[test]
    fn what_a_child_writes_on_its_terminal_last_is_shown_whole() {
        let (master, peer) = crate::sys::pty::open(std::path::Path::new("/dev/pts/ptmx")).unwrap();
        let side = || Stdio::from(peer.try_clone().unwrap());
        let (pid, pidfd) = child("read x; echo got $x; head -c 30000 /dev/zero | tr '\\0' y; echo end; exit 7", [side(), side(), side()]);
        drop(peer);
        file::set_nonblocking(master.as_fd()).unwrap();
        let ((typed, type_end), (seen, seen_end)) = (file::pipe().unwrap(), file::pipe().unwrap());
        let near = Near::new(Some(typed), [seen_end.try_clone().unwrap(), seen_end], true, false).unwrap();
        file::write_all(type_end.as_fd(), b"word\n").unwrap();
        let reader = std::thread::spawn(move || std::io::read_to_string(std::fs::File::from(seen)).unwrap());
        assert!(Relay::new(near, master, pidfd, &[16, 17]).until_the_end().unwrap().is_none());
        let text = reader.join().unwrap();
        assert!(text.contains("got word") && text.ends_with("end\r\n"), "{}", &text[..40]);
        assert_eq!(text.matches('y').count(), 30_000);
        assert_eq!(end_of(pid).unwrap(), 7);
    }
}
