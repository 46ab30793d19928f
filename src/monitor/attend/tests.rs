//! The user's side against a monitor that the test plays.

use super::*;
use crate::sys::terminal;
use crate::sys::{file, pty};
use std::io::Read;
use std::thread::spawn;

fn how(terminal: bool) -> How {
    How { terminal, wants: Wants { stdin: true, stdout: true, stderr: true }, sig_proxy: !terminal, detach_keys: vec![16, 17] }
}

/// What the user would see and type on.
struct User {
    typing: OwnedFd,
    screen: std::fs::File,
    errors: std::fs::File,
}

fn user() -> (Near, User) {
    let (input, output, errors) = (file::pipe().unwrap(), file::pipe().unwrap(), file::pipe().unwrap());
    let near = Near::new(Some(input.0), [output.1, errors.1], false, true).unwrap();
    (near, User { typing: input.1, screen: output.0.into(), errors: errors.0.into() })
}

fn send(monitor: &OwnedFd, words: &[ToClient]) {
    let mut frames = Vec::new();
    words.iter().for_each(|word| encode(word, &mut frames));
    socket::send_all(monitor.as_fd(), &frames).unwrap();
}

/// Everything that was said to the monitor up to the end, as text.
fn heard(monitor: &OwnedFd) -> Vec<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = socket::receive(monitor.as_fd(), &mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some((word, length)) = decode::<ToMonitor>(&bytes[at..]).unwrap() {
        words.push(format!("{word:?}"));
        at += length;
    }
    words
}

fn text(mut file: std::fs::File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn output_goes_to_its_stream_and_the_code_is_ours() {
    let (monitor, client) = socket::pair().unwrap();
    let (near, user) = user();
    send(
        &monitor,
        &[
            ToClient::Started { pid: 1 },
            ToClient::Output { stream: Stream::Stdout, bytes: b"out" },
            ToClient::Output { stream: Stream::Stdout, bytes: b"" },
            ToClient::Output { stream: Stream::Stderr, bytes: b"err" },
            ToClient::Exited(9),
        ],
    );
    let outcome = Attending::new(client, near, &how(false), true).until_the_end().unwrap();
    assert_eq!(outcome, Outcome::Exited(9));
    assert_eq!((text(user.screen), text(user.errors)), ("out".into(), "err".into()));
}

#[test]
fn much_output_arrives_whole_at_a_slow_reader() {
    let (monitor, client) = socket::pair().unwrap();
    let (near, user) = user();
    let line = "0123456789".repeat(6000);
    let expected = line.repeat(50);
    let writer = spawn(move || {
        (0..50).for_each(|_| send(&monitor, &[ToClient::Output { stream: Stream::Stdout, bytes: line.as_bytes() }]));
        send(&monitor, &[ToClient::Exited(0)]);
    });
    let attending = spawn(move || Attending::new(client, near, &how(false), true).until_the_end().unwrap());
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(text(user.screen) == expected);
    assert_eq!(attending.join().unwrap(), Outcome::Exited(0));
    writer.join().unwrap();
}

#[test]
fn what_is_typed_arrives_within_the_window_and_so_does_its_end() {
    let (monitor, client) = socket::pair().unwrap();
    let (near, user) = user();
    let typist = spawn(move || file::write_all(user.typing.as_fd(), &[b'x'; 200_000]).unwrap());
    let attending = spawn(move || Attending::new(client, near, &how(false), true).until_the_end().unwrap());
    let (mut bytes, mut buffer, mut total, mut waiting) = (Vec::new(), vec![0; 70_000], 0, 0);
    'ended: loop {
        let count = socket::receive(monitor.as_fd(), &mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..count]);
        let mut at = 0;
        while let Some((word, length)) = decode::<ToMonitor>(&bytes[at..]).unwrap() {
            match word {
                ToMonitor::Stdin(input) => waiting += input.len(),
                ToMonitor::StdinClosed => break 'ended,
                other => panic!("{other:?}"),
            }
            assert!(waiting <= WINDOW);
            at += length;
        }
        bytes.drain(..at);
        // Taken late: the client has to stop by itself.
        if waiting > WINDOW / 2 {
            send(&monitor, &[ToClient::Taken(waiting as u32)]);
            total += waiting;
            waiting = 0;
        }
    }
    assert_eq!(total + waiting, 200_000);
    send(&monitor, &[ToClient::Exited(0)]);
    attending.join().unwrap();
    typist.join().unwrap();
}

#[test]
fn a_signal_is_passed_on_once_even_while_nobody_reads_our_output() {
    let (monitor, client) = socket::pair().unwrap();
    let (near, user) = user();
    for _ in 0..4 {
        send(&monitor, &[ToClient::Output { stream: Stream::Stdout, bytes: &[b'x'; 30_000] }]);
    }
    signal::raise(signal::number("USR1").unwrap());
    let monitor_side = spawn(move || {
        let mut frame = [0; 64];
        let count = socket::receive(monitor.as_fd(), &mut frame).unwrap();
        let word = format!("{:?}", decode::<ToMonitor>(&frame[..count]).unwrap().unwrap().0);
        send(&monitor, &[ToClient::Exited(0)]);
        let reader = spawn(move || text(user.screen));
        (word, heard(&monitor), reader.join().unwrap().len())
    });
    Attending::new(client, near, &how(false), true).until_the_end().unwrap();
    let (word, more, shown) = monitor_side.join().unwrap();
    assert_eq!((word.as_str(), more.len(), shown), ("Signal(10)", 0, 120_000));
}

#[test]
fn a_closed_stdout_is_the_starter_s_sigpipe_and_makes_others_leave() {
    let output = ToClient::Output { stream: Stream::Stdout, bytes: b"more" };
    for is_starter in [true, false] {
        let (monitor, client) = socket::pair().unwrap();
        let (near, user) = user();
        drop(user.screen);
        send(&monitor, &[output, output, ToClient::Exited(141)]);
        let outcome = Attending::new(client, near, &how(false), is_starter).until_the_end().unwrap();
        let said = heard(&monitor);
        match is_starter {
            true => assert_eq!((outcome, said), (Outcome::Exited(141), vec!["Signal(13)".into()])),
            false => assert_eq!((outcome, said), (Outcome::Detached, vec!["Detach".into()])),
        }
    }
}

#[test]
fn a_lost_monitor_and_a_failed_start_are_told() {
    let (monitor, client) = socket::pair().unwrap();
    let (near, _user) = user();
    drop(monitor);
    assert_eq!(Attending::new(client, near, &how(false), true).until_the_end().unwrap(), Outcome::Lost);
    let (monitor, client) = socket::pair().unwrap();
    let (near, _user) = user();
    send(&monitor, &[ToClient::Failed { kind: crate::error::Kind::CannotExecute, text: "no", hint: None }]);
    let error = Attending::new(client, near, &how(false), true).until_the_end().unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::CannotExecute);
}

#[test]
fn on_a_terminal_keys_are_raw_the_size_follows_and_the_keys_to_leave_work() {
    let (screen, peer) = pty::open(std::path::Path::new("/dev/pts/ptmx")).unwrap();
    terminal::set_size(screen.as_fd(), Size { rows: 11, columns: 22 }).unwrap();
    let side = || peer.try_clone().unwrap();
    let near = Near::new(Some(side()), [side(), side()], true, false).unwrap();
    assert!(terminal::is_raw(peer.as_fd()));
    let (monitor, client) = socket::pair().unwrap();
    let attending = Attending::new(client, near, &how(true), true);
    terminal::set_size(screen.as_fd(), Size { rows: 33, columns: 44 }).unwrap();
    signal::raise(signal::number("WINCH").unwrap());
    // ctrl-c is a key like any other here.
    file::write_all(screen.as_fd(), b"\x03ls\x10\x11lost").unwrap();
    assert_eq!(attending.until_the_end().unwrap(), Outcome::Detached);
    let said = heard(&monitor);
    assert_eq!(said.first().unwrap(), "Resize(Size { rows: 33, columns: 44 })");
    assert_eq!(said[said.len() - 2..], ["Stdin([3, 108, 115])", "Detach"]);
    assert!(!terminal::is_raw(peer.as_fd()));
}
