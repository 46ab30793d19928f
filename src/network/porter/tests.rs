//! The whole porter on loopback, in a thread: strangers on one side, what stands for the container on the other.

use super::message::{A, AAAA, PTR};
use super::serve::Porter;
use super::*;
use crate::sys::{file, inet, socket};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Ends with the test.
struct AtWork {
    end: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    directory: PathBuf,
}

impl AtWork {
    fn with(word: &str, duties: impl FnOnce(&std::path::Path) -> Duties) -> AtWork {
        let directory = std::env::temp_dir().join(format!("tare-porter-{word}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (until, end) = file::pipe().unwrap();
        let porter = Porter::new(duties(&directory), until, 1024).unwrap();
        let thread = thread::spawn(move || porter.run().unwrap());
        AtWork { end: Some(end), thread: Some(thread), directory }
    }
    fn name(&self, name: &str, id: &str, addresses: &str) {
        std::fs::create_dir_all(self.directory.join(name)).unwrap();
        std::fs::write(self.directory.join(name).join(id), addresses).unwrap();
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().unwrap().join();
        file::remove_tree(&self.directory).unwrap();
        assert!(ended.is_ok() || thread::panicking(), "the porter has panicked");
    }
}

fn any() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn door(protocol: Protocol, to: SocketAddr) -> Door {
    let socket = match protocol {
        Protocol::Udp => inet::bind_udp(any()).unwrap(),
        _ => inet::listen_tcp(any()).unwrap(),
    };
    let at = inet::own_address(socket.as_fd()).unwrap();
    Door { socket, protocol, address: at.ip(), port: at.port(), to }
}

/// A porter with one door.
fn relay(word: &str, protocol: Protocol, to: SocketAddr) -> (AtWork, SocketAddr) {
    let door = door(protocol, to);
    let at = SocketAddr::new(door.address, door.port);
    (AtWork::with(word, |_| Duties { doors: vec![door], ..Duties::default() }), at)
}

/// What somebody says with nothing in his way, and what he hears until the end.
fn exchange(at: SocketAddr, words: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).unwrap();
    let (mut writer, owned) = (stream.try_clone().unwrap(), words.to_vec());
    let saying = thread::spawn(move || {
        writer.write_all(&owned).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    saying.join().unwrap();
    heard
}

/// Says everything back, and its end when it has heard the end.
fn echo(listener: TcpListener) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            let mut reading = stream.try_clone().unwrap();
            let _ = std::io::copy(&mut reading, &mut &stream);
            let _ = stream.shutdown(Shutdown::Write);
        });
    }
}

#[test]
fn megabytes_pass_in_both_directions_and_the_end_does_too() {
    let listener = TcpListener::bind(any()).unwrap();
    let (_porter, at) = relay("megabytes", Protocol::Tcp, listener.local_addr().unwrap());
    thread::spawn(|| echo(listener));
    let words: Vec<u8> = (0..20_000_000u32).map(|n| (n ^ n >> 8 ^ n >> 16) as u8).collect();
    assert!(exchange(at, &words) == words);
    assert!(exchange(at, b"").is_empty());
}

#[test]
fn one_who_has_said_all_may_still_listen() {
    let listener = TcpListener::bind(any()).unwrap();
    let (_porter, at) = relay("half", Protocol::Tcp, listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut question = String::new();
        stream.read_to_string(&mut question).unwrap();
        write!(stream, "you said {question}").unwrap();
    });
    assert_eq!(exchange(at, b"all"), b"you said all");
}

#[test]
fn a_reader_who_sleeps_slows_his_writer_and_nobody_else() {
    let listener = TcpListener::bind(any()).unwrap();
    let (_porter, at) = relay("slow", Protocol::Tcp, listener.local_addr().unwrap());
    let slow = TcpStream::connect(at).unwrap();
    let (sleeper, _) = listener.accept().unwrap();
    slow.set_nonblocking(true).unwrap();
    let mut written = 0;
    let full = loop {
        match (&slow).write(&[7; 64 << 10]) {
            Ok(count) => written += count,
            // Until it is full for good.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(50));
                match (&slow).write(&[7; 1024]) {
                    Ok(count) => written += count,
                    Err(_) => break written,
                }
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert!(full < 64 << 20, "{full} bytes are kept by somebody");
    thread::spawn(|| echo(listener));
    assert_eq!(exchange(at, b"meanwhile"), b"meanwhile");
    slow.shutdown(Shutdown::Write).unwrap();
    let mut all = Vec::new();
    (&sleeper).read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), full);
}

#[test]
fn a_reset_is_passed_on_and_so_is_a_port_where_nobody_listens() {
    let listener = TcpListener::bind(any()).unwrap();
    let (_porter, at) = relay("reset", Protocol::Tcp, listener.local_addr().unwrap());
    let mut client = TcpStream::connect(at).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    inet::reset_at_close(theirs.as_fd());
    drop(theirs);
    assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let client = TcpStream::connect(at).unwrap();
    let (mut theirs, _) = listener.accept().unwrap();
    inet::reset_at_close(client.as_fd());
    drop(client);
    assert_eq!(theirs.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    drop(listener);
    let mut client = TcpStream::connect(at).unwrap();
    assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn when_too_many_have_come_the_most_silent_goes() {
    let listener = TcpListener::bind(any()).unwrap();
    // With 1024 descriptors there is room for 256.
    let (_porter, at) = relay("crowd", Protocol::Tcp, listener.local_addr().unwrap());
    thread::spawn(|| echo(listener));
    let mut streams: Vec<TcpStream> = Vec::new();
    for number in 0..300u32 {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(&number.to_be_bytes()).unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        streams.push(stream);
        // The first one is never silent for long.
        streams[0].write_all(b"here").unwrap();
        streams[0].read_exact(&mut [0; 4]).unwrap();
    }
    assert!(streams[1].read(&mut [0; 8]).is_err(), "the second was silent for longest");
    streams[299].write_all(b"here").unwrap();
    streams[299].read_exact(&mut [0; 4]).unwrap();
}

#[test]
fn datagrams_find_to_the_container_and_back_to_each_client() {
    let container = UdpSocket::bind(any()).unwrap();
    let (_porter, at) = relay("datagrams", Protocol::Udp, container.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let mut peers = std::collections::BTreeSet::new();
        let mut buffer = vec![0; 70_000];
        for _ in 0..6 {
            let (length, peer) = container.recv_from(&mut buffer).unwrap();
            peers.insert(peer);
            container.send_to(&buffer[..length], peer).unwrap();
        }
        peers.len()
    });
    let clients: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind(any()).unwrap()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.connect(at).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        for word in [vec![], vec![number as u8; 60_000]] {
            client.send(&word).unwrap();
            let mut buffer = vec![1; 70_000];
            let length = client.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..length], word);
        }
    }
    assert_eq!(answering.join().unwrap(), 3, "each client is one peer to the container");
}

#[test]
fn doors_are_opened_and_closed_while_it_works() {
    let listener = TcpListener::bind(any()).unwrap();
    let to = listener.local_addr().unwrap();
    thread::spawn(|| echo(listener));
    let porter = AtWork::with("control", |directory| Duties {
        control: Some(socket::listen(&directory.join("control")).unwrap()),
        ..Duties::default()
    });
    let path = porter.directory.join("control");
    let Door { socket, protocol, address, port, to } = door(Protocol::Tcp, to);
    tell(&path, &Word::OpenDoor(DoorWord { protocol, address, port, to }), &[socket.as_fd()]).unwrap();
    drop(socket);
    assert_eq!(exchange((address, port).into(), b"hello"), b"hello");
    let close = Word::CloseDoor { protocol, address, port };
    tell(&path, &close, &[]).unwrap();
    assert_eq!(TcpStream::connect((address, port)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(tell(&path, &close, &[]).unwrap_err().to_string().ends_with("is not published"));
    let without = Word::AddPlace { network: "back".to_owned() };
    assert!(tell(&path, &without, &[]).unwrap_err().to_string().ends_with("a descriptor is missing"));
}

/// A resolver on a free port, whose names lie in the porter's directory.
fn resolver(word: &str, upstream: Vec<SocketAddr>, forwards: bool) -> (AtWork, SocketAddr) {
    let (udp, tcp) = loop {
        let tcp = inet::listen_tcp(any()).unwrap();
        if let Ok(udp) = inet::bind_udp(inet::own_address(tcp.as_fd()).unwrap()) {
            break (udp, tcp);
        }
    };
    let at = inet::own_address(udp.as_fd()).unwrap();
    let porter = AtWork::with(word, |directory| {
        let places = vec![Place::new("back", file::open_dir(directory).unwrap())];
        Duties { names: Some(NameDuty { udp, tcp, places, upstream, forwards }), ..Duties::default() }
    });
    (porter, at)
}

fn by_udp(at: SocketAddr, message: &[u8]) -> Vec<u8> {
    let client = UdpSocket::bind(any()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.send_to(message, at).unwrap();
    let mut buffer = vec![0; 70_000];
    let (length, _) = client.recv_from(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

fn by_tcp(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    stream.write_all(&[&(message.len() as u16).to_be_bytes()[..], message].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut reply).unwrap();
    reply
}

/// The verdict, and how many records.
fn summary(reply: &[u8]) -> (u8, u16) {
    (reply[3] & 15, u16::from_be_bytes([reply[6], reply[7]]))
}

use super::message::tests::ask;

#[test]
fn neighbours_are_known_by_both_protocols_and_nobody_else_is_asked() {
    let (porter, at) = resolver("neighbours", Vec::new(), false);
    porter.name("db", "1111", "10.0.0.2\nfd00::2\n");
    porter.name("old", "2222", "10.0.0.3\n");
    assert_eq!(summary(&by_udp(at, &ask("DB", A))), (0, 1));
    assert_eq!(summary(&by_udp(at, &ask("db.back", AAAA))), (0, 1));
    assert_eq!(summary(&by_udp(at, &ask("old", AAAA))), (0, 0), "it is there, but has no such address");
    assert_eq!(summary(&by_udp(at, &ask("old", 15))), (0, 0));
    assert_eq!(summary(&by_udp(at, &ask("2.0.0.10.in-addr.arpa", PTR))), (0, 1));
    assert_eq!(summary(&by_udp(at, &ask("nobody", A))), (3, 0));
    let mut stream = TcpStream::connect(at).unwrap();
    assert_eq!(summary(&by_tcp(&mut stream, &ask("db", A))), (0, 1));
    for number in 0..100 {
        porter.name("many", &format!("{number}"), &format!("10.0.1.{number}\n"));
    }
    let short = by_udp(at, &ask("many", A));
    assert!(short.len() <= 512 && short[2] & 2 != 0, "it says that this is not all");
    assert_eq!(summary(&by_tcp(&mut stream, &ask("many", A))), (0, 100));
    let firsts: std::collections::BTreeSet<Vec<u8>> = (0..20).map(|_| by_tcp(&mut stream, &ask("many", A))[22..38].to_vec()).collect();
    assert!(firsts.len() > 10, "not everybody gets the same one first");
    std::fs::remove_file(porter.directory.join("old/2222")).unwrap();
    assert_eq!(summary(&by_udp(at, &ask("old", A))), (3, 0), "gone with its container");
}

/// A name server that answers as `reply` says; `None`: not at all.
fn server(reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Clone + 'static) -> SocketAddr {
    let (udp, tcp) = loop {
        let tcp = TcpListener::bind(any()).unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let at = udp.local_addr().unwrap();
    let again = reply.clone();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = udp.recv_from(&mut buffer) {
            if let Some(reply) = reply(&buffer[..length]) {
                udp.send_to(&reply, peer).unwrap();
            }
        }
    });
    thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut question).unwrap();
            if let Some(reply) = again(&question) {
                stream.write_all(&(reply.len() as u16).to_be_bytes()).unwrap();
                stream.write_all(&reply).unwrap();
            }
        }
    });
    at
}

fn saying(verdict: u8, tail: usize) -> impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Clone + 'static {
    move |question: &[u8]| {
        let mut reply = question.to_vec();
        reply[2] |= 0x80;
        reply[3] = verdict;
        reply.extend(vec![0xee; tail]);
        Some(reply)
    }
}

#[test]
fn what_is_not_ours_is_asked_elsewhere_and_comes_back_as_it_is() {
    let (_porter, at) = resolver("elsewhere", vec![server(saying(0, 60))], true);
    let question = ask("example.org", A);
    let reply = by_udp(at, &question);
    assert_eq!((&reply[..2], reply.len()), (&question[..2], question.len() + 60));
    let mut stream = TcpStream::connect(at).unwrap();
    for _ in 0..3 {
        assert_eq!(by_tcp(&mut stream, &question).len(), question.len() + 60);
    }
    let (_porter, at) = resolver("far", vec![server(saying(3, 0))], true);
    assert_eq!(summary(&by_udp(at, &ask("nobody", A))).0, 3);
}

#[test]
fn a_server_that_fails_lies_or_is_silent_is_followed_by_the_next() {
    let nobody = UdpSocket::bind(any()).unwrap().local_addr().unwrap();
    let good = server(saying(0, 8));
    for (word, bad) in [("refused", nobody), ("failing", server(saying(2, 0))), ("silent", server(|_: &[u8]| None))] {
        let (_porter, at) = resolver(word, vec![bad, good], true);
        assert_eq!(by_udp(at, &ask("example.org", A)).len(), ask("example.org", A).len() + 8, "{word}");
    }
    // Another question's answer, and another number's: both are nobody's.
    let liar = |question: &[u8]| {
        let mut reply = saying(0, 8)(question)?;
        reply[0] ^= 1;
        Some(reply)
    };
    let (_porter, at) = resolver("liar", vec![server(liar)], true);
    assert_eq!(summary(&by_udp(at, &ask("example.org", A))).0, 2, "nobody has answered");
    let (_porter, at) = resolver("nowhere", vec![nobody], true);
    assert_eq!(summary(&by_udp(at, &ask("example.org", A))).0, 2);
}

#[test]
fn a_hostile_container_only_harms_itself() {
    let (porter, at) = resolver("hostile", vec![server(|_: &[u8]| None)], true);
    porter.name("db", "1111", "10.0.0.2\n");
    let client = UdpSocket::bind(any()).unwrap();
    for number in 0..2000u32 {
        let _ = client.send_to(&ask(&format!("x{number}.org"), A), at);
        let _ = client.send_to(&vec![number as u8; (number % 600) as usize], at);
    }
    let idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(at).unwrap()).collect();
    for stream in &idle {
        let _ = (&*stream).write_all(&[0xff; 64]);
    }
    assert_eq!(summary(&by_udp(at, &ask("db", A))), (0, 1));
    assert_eq!(summary(&by_tcp(&mut TcpStream::connect(at).unwrap(), &ask("db", A))), (0, 1));
}
