//! The loop tried on real processes, without namespaces: to a monitor a container is a child with pipes.

#![allow(clippy::zombie_processes, reason = "the watch itself waits for them")]

use super::*;
use crate::monitor::log::entry;
use crate::monitor::protocol::{WINDOW, decode, encode};
use crate::sys::terminal::Size;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const ALL: Wants = Wants { stdin: true, stdout: true, stderr: true };

/// A client that keeps what it hears.
struct Peer {
    socket: OwnedFd,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    taken: usize,
    exited: Option<i32>,
    rest: Vec<u8>,
}

impl Peer {
    fn new(socket: OwnedFd) -> Self {
        Peer { socket, stdout: Vec::new(), stderr: Vec::new(), taken: 0, exited: None, rest: Vec::new() }
    }
    fn say(&self, word: &ToMonitor) {
        let mut frame = Vec::new();
        encode(word, &mut frame);
        socket::send_all(self.socket.as_fd(), &frame).unwrap();
    }
    /// Hears one chunk; false at the end.
    fn hear(&mut self) -> bool {
        let mut buffer = vec![0; 100_000];
        let count = socket::receive(self.socket.as_fd(), &mut buffer).unwrap_or(0);
        self.rest.extend_from_slice(&buffer[..count]);
        let mut at = 0;
        while let Some((word, length)) = decode::<ToClient>(&self.rest[at..]).unwrap() {
            match word {
                ToClient::Output { stream: Stream::Stdout, bytes } => self.stdout.extend_from_slice(bytes),
                ToClient::Output { stream: Stream::Stderr, bytes } => self.stderr.extend_from_slice(bytes),
                ToClient::Taken(count) => self.taken += count as usize,
                ToClient::Exited(code) => self.exited = Some(code),
                other => panic!("unexpected word {other:?}"),
            }
            at += length;
        }
        self.rest.drain(..at);
        count > 0
    }
    fn hear_all(mut self) -> Self {
        while self.hear() {}
        self
    }
    fn hear_until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.stdout).contains(text) {
            assert!(self.hear(), "the end came before {text:?}; so far {:?}", String::from_utf8_lossy(&self.stdout));
        }
    }
}

/// A watch in a thread of its own, over `sh -c script`.
struct Running {
    pid: i32,
    thread: JoinHandle<Ending>,
    at_end: Receiver<Ending>,
    directory: PathBuf,
}

fn start(name: &str, script: &str, stdin: bool, change: impl FnOnce(&mut Watch)) -> Running {
    let piped = if stdin { Stdio::piped() } else { Stdio::null() };
    let child = Command::new("sh").args(["-c", script]).stdin(piped).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id() as i32;
    let pipes = Streams::Pipes {
        stdin: child.stdin.map(OwnedFd::from),
        outputs: [Some(OwnedFd::from(child.stdout.unwrap())), Some(OwnedFd::from(child.stderr.unwrap()))],
    };
    run(name, pid, pipes, stdin, change)
}

fn run(name: &str, pid: i32, streams: Streams, stdin: bool, change: impl FnOnce(&mut Watch)) -> Running {
    let directory = std::env::temp_dir().join(format!("tare-watch-{name}-{}", std::process::id()));
    let _ = file::remove_tree(&directory);
    file::make_dirs(&directory, 0o700).unwrap();
    let mut watch = Watch {
        init: crate::sys::process::pidfd_of(pid).unwrap(),
        status: None,
        streams,
        listener: Some(socket::listen(&directory.join("attach")).unwrap()),
        first: None,
        first_wants: Wants::default(),
        early: Vec::new(),
        ends_with_first: false,
        log: Some(Keeping::at(directory.join("log"))),
        open_stdin: stdin,
        companions: Vec::new(),
    };
    change(&mut watch);
    let (tell, at_end) = channel();
    let thread = std::thread::spawn(move || super::watch(watch, &mut |ending| tell.send(*ending).unwrap()));
    Running { pid, thread, at_end, directory }
}

/// A first client for the watch, and our end of it.
fn first(wants: Wants) -> (impl FnOnce(&mut Watch), Peer) {
    let (ours, theirs) = socket::pair().unwrap();
    let change = move |watch: &mut Watch| {
        watch.first = Some(theirs);
        watch.first_wants = wants;
    };
    (change, Peer::new(ours))
}

impl Running {
    fn attach(&self, wants: Wants) -> Peer {
        let peer = Peer::new(socket::connect(&self.directory.join("attach")).unwrap());
        peer.say(&ToMonitor::Attach(wants));
        peer
    }
    fn logged(&self) -> Vec<u8> {
        let log = std::fs::read(self.directory.join("log")).unwrap_or_default();
        log.split(|byte| *byte == b'\n').filter_map(entry::parse).flat_map(|entry| entry.bytes).collect()
    }
    fn finish(self) -> Ending {
        let ending = self.thread.join().unwrap();
        assert_eq!(self.at_end.try_recv(), Ok(ending), "the end is told once");
        assert!(self.at_end.try_recv().is_err());
        file::remove_tree(&self.directory).unwrap();
        ending
    }
}

#[test]
fn output_reaches_the_first_client_and_the_log_and_so_does_the_code() {
    let (change, peer) = first(ALL);
    let running = start("plain", "echo out; echo err >&2; exit 3", false, change);
    let peer = peer.hear_all();
    assert_eq!((peer.stdout.as_slice(), peer.stderr.as_slice(), peer.exited), (&b"out\n"[..], &b"err\n"[..], Some(3)));
    running.at_end.recv_timeout(Duration::from_secs(5)).map(|ending| assert_eq!(ending.exit_code, 3)).unwrap();
    let log = String::from_utf8(running.logged()).unwrap();
    assert!(log.contains("out\n") && log.contains("err\n"), "{log}");
    running.thread.join().unwrap();
    file::remove_tree(&running.directory).unwrap();
}

#[test]
fn a_signal_s_end_is_told_as_a_shell_tells_it() {
    let (change, peer) = first(ALL);
    let running = start("signal", "echo ready; exec sleep 100", false, change);
    let mut peer = peer;
    peer.hear_until("ready");
    peer.say(&ToMonitor::Signal(libc_term()));
    assert_eq!(peer.hear_all().exited, Some(143));
    assert_eq!(running.finish().signal, Some(15));
}

fn libc_term() -> i32 {
    signal::number("TERM").unwrap()
}

#[test]
fn the_status_is_told_before_the_container_is_taken_apart() {
    let (read, write) = file::pipe().unwrap();
    let (change, peer) = first(ALL);
    let running = start("early", "echo before; exec sleep 100", false, |watch| {
        change(watch);
        watch.status = Some(read);
    });
    let mut peer = peer;
    peer.hear_until("before");
    file::write_all(write.as_fd(), &(7i32 << 8).to_le_bytes()).unwrap();
    assert_eq!(peer.hear_all().exited, Some(7));
    assert!(!running.thread.is_finished(), "pid 1 still lives");
    signal::kill(running.pid, 9).unwrap();
    assert_eq!(running.finish().exit_code, 7);
}

#[test]
fn a_reaper_that_is_killed_is_not_missed() {
    let (read, write) = file::pipe().unwrap();
    let (change, peer) = first(ALL);
    let running = start("killed", "exec sleep 100", false, |watch| {
        change(watch);
        watch.status = Some(read);
    });
    drop(write);
    signal::kill(running.pid, 9).unwrap();
    assert_eq!(peer.hear_all().exited, Some(137));
    assert_eq!(running.finish().signal, Some(9));
}

#[test]
fn input_flows_through_the_window_and_ends_with_the_first_client_s() {
    let (change, mut peer) = first(ALL);
    let running = start("input", "cat; echo done", true, change);
    let (mut sent, total, chunk) = (0, 2_000_000, [b'x'; 16 << 10]);
    while sent < total {
        while sent - peer.taken + chunk.len() > WINDOW {
            assert!(peer.hear());
        }
        peer.say(&ToMonitor::Stdin(&chunk));
        sent += chunk.len();
    }
    peer.say(&ToMonitor::StdinClosed);
    let peer = peer.hear_all();
    assert_eq!((peer.stdout.len(), peer.taken, peer.exited), (sent + 5, sent, Some(0)));
    running.finish();
}

#[test]
fn input_that_nobody_reads_does_not_stop_a_signal() {
    let (change, mut peer) = first(ALL);
    let running = start("deaf", "echo ready; exec sleep 100", true, change);
    peer.hear_until("ready");
    for _ in 0..4 {
        peer.say(&ToMonitor::Stdin(&[b'x'; WINDOW / 4]));
    }
    peer.say(&ToMonitor::Signal(9));
    assert_eq!(peer.hear_all().exited, Some(137));
    running.finish();
}

#[test]
fn a_first_client_that_vanishes_leaves_the_container_running() {
    let (change, mut peer) = first(Wants { stdin: false, ..ALL });
    let running = start("vanish", "echo one; sleep 0.2; echo two; exit 5", false, change);
    peer.hear_until("one");
    drop(peer);
    running.at_end.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(running.logged(), b"one\ntwo\n");
    assert_eq!(running.thread.join().unwrap().exit_code, 5);
    file::remove_tree(&running.directory).unwrap();
}

#[test]
fn the_input_of_a_detached_container_stays_open_for_the_next_client() {
    let running = start("detached", "cat", true, |_| ());
    for _ in 0..2 {
        let mut peer = running.attach(ALL);
        peer.say(&ToMonitor::Stdin(b"hello\n"));
        peer.hear_until("hello");
        peer.say(&ToMonitor::StdinClosed);
    }
    let peer = running.attach(ALL);
    peer.say(&ToMonitor::Signal(9));
    assert_eq!(peer.hear_all().exited, Some(137));
    running.finish();
}

#[test]
fn leaving_keeps_the_input_open_and_vanishing_ends_it() {
    let (change, peer) = first(ALL);
    let running = start("leave", "cat; echo end", true, change);
    peer.say(&ToMonitor::Detach);
    drop(peer);
    let mut second = running.attach(ALL);
    second.say(&ToMonitor::Stdin(b"still\n"));
    second.hear_until("still");
    drop(second);
    running.at_end.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(running.logged(), b"still\nend\n");
    running.thread.join().unwrap();
    file::remove_tree(&running.directory).unwrap();
}

#[test]
fn several_clients_hear_the_same_and_each_only_what_it_wants() {
    let running = start("several", "read x; echo out; echo err >&2", true, |_| ());
    let one = running.attach(Wants { stdin: false, stdout: true, stderr: false });
    let two = running.attach(ALL);
    std::thread::sleep(Duration::from_millis(100));
    two.say(&ToMonitor::Stdin(b"go\n"));
    let (one, two) = (one.hear_all(), two.hear_all());
    assert_eq!((one.stdout.as_slice(), one.stderr.as_slice(), one.exited), (&b"out\n"[..], &b""[..], Some(0)));
    assert_eq!((two.stdout.as_slice(), two.stderr.as_slice(), two.exited), (&b"out\n"[..], &b"err\n"[..], Some(0)));
    running.finish();
}

#[test]
fn a_slow_first_client_makes_the_container_wait_and_loses_nothing() {
    let (change, peer) = first(ALL);
    let running = start("slow", "head -c 20000000 /dev/zero", false, |watch| {
        change(watch);
        watch.log = None;
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.at_end.try_recv().is_err(), "the container cannot have written everything yet");
    let peer = peer.hear_all();
    assert_eq!((peer.stdout.len(), peer.exited), (20_000_000, Some(0)));
    running.finish();
}

#[test]
fn a_slow_other_client_is_dropped_and_the_container_goes_on() {
    let running = start("dropped", "read x; head -c 20000000 /dev/zero", true, |watch| watch.log = None);
    let peer = running.attach(ALL);
    peer.say(&ToMonitor::Stdin(b"go\n"));
    assert_eq!(running.at_end.recv_timeout(Duration::from_secs(20)).unwrap().exit_code, 0);
    assert_eq!(peer.hear_all().exited, None);
    running.thread.join().unwrap();
    file::remove_tree(&running.directory).unwrap();
}

#[test]
fn a_terminal_has_one_stream_a_size_and_survives_being_closed_for_a_moment() {
    let (master, peer_side) = crate::sys::pty::open(std::path::Path::new("/dev/pts/ptmx")).unwrap();
    let path = std::fs::read_link(format!("/proc/self/fd/{}", peer_side.as_raw_fd())).unwrap().display().to_string();
    let side = || Stdio::from(peer_side.try_clone().unwrap());
    let script = format!("read x; stty size; exec >/dev/null 2>&1 </dev/null; sleep 0.2; echo again >{path}");
    let child = Command::new("sh").args(["-c", &script]).stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    drop(peer_side);
    let (change, mut peer) = first(ALL);
    let running = run("terminal", child.id() as i32, Streams::Terminal(master), true, change);
    peer.say(&ToMonitor::Resize(Size { rows: 41, columns: 99 }));
    peer.say(&ToMonitor::Stdin(b"go\n"));
    peer.hear_until("41 99");
    let peer = peer.hear_all();
    assert!(peer.stdout.ends_with(b"again\r\n"), "{:?}", String::from_utf8_lossy(&peer.stdout));
    assert_eq!(peer.exited, Some(0));
    running.finish();
}
