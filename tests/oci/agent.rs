//! A small seccomp agent for tests: it pretends some calls and lets every other one that it is asked about go on.

use serde_json::Value;
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// linux/seccomp.h
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Notification {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    architecture: u32,
    instruction: u64,
    arguments: [u64; 6],
}

#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

const RECEIVE: u64 = 0xc050_2100;
const SEND: u64 = 0xc018_2101;
const CONTINUE: u32 = 1;

#[derive(Clone, Default)]
pub struct Agent {
    /// What it was told about each process, in order.
    pub told: Arc<Mutex<Vec<Value>>>,
    /// How often it was asked, by the number of the call.
    pub asked: Arc<Mutex<BTreeMap<i64, u32>>>,
    /// How many answers came too late, because who had asked was interrupted.
    pub lost: Arc<AtomicU32>,
    /// Sent to whoever asks for a pretended call, before it is answered.
    pub signal: i32,
}

impl Agent {
    /// Answers 0 to these calls, without doing anything.
    pub fn listen(self, path: &Path, pretended: &[i64]) -> Agent {
        let listener = UnixListener::bind(path).expect("a socket");
        let (agent, pretended) = (self.clone(), pretended.to_vec());
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (agent, pretended) = (agent.clone(), pretended.clone());
                std::thread::spawn(move || agent.answer(&receive(&stream, &agent), &pretended));
            }
        });
        self
    }

    /// What it was told about the process with this number. It hears of one in its own time: who told it did not wait.
    pub fn told(&self, number: usize) -> Value {
        let told = || self.told.lock().expect("a lock").get(number).cloned();
        crate::common::eventually("the agent hears of a process", || told().is_some());
        told().expect("it was there a moment ago")
    }

    pub fn was_told_nothing(&self) -> bool {
        self.told.lock().expect("a lock").is_empty()
    }

    fn answer(&self, filter: &OwnedFd, pretended: &[i64]) {
        loop {
            let mut waiting = libc::pollfd { fd: filter.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            unsafe { libc::poll(&raw mut waiting, 1, -1) };
            if waiting.revents & libc::POLLIN == 0 {
                return;
            }
            let mut asked = Notification::default();
            if unsafe { libc::ioctl(filter.as_raw_fd(), RECEIVE as _, &raw mut asked) } < 0 {
                continue;
            }
            *self.asked.lock().expect("a lock").entry(i64::from(asked.number)).or_default() += 1;
            let pretend = pretended.contains(&i64::from(asked.number));
            if pretend && self.signal != 0 {
                unsafe { libc::kill(asked.pid as i32, self.signal) };
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            let answer = Answer { id: asked.id, value: 0, error: 0, flags: if pretend { 0 } else { CONTINUE } };
            if unsafe { libc::ioctl(filter.as_raw_fd(), SEND as _, &raw const answer) } < 0 {
                self.lost.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// One message to the connection's end: the container process state, and one descriptor.
fn receive(stream: &UnixStream, agent: &Agent) -> OwnedFd {
    let mut text = vec![0u8; 1 << 20];
    let mut control = [0u64; 16];
    let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = std::mem::size_of_val(&control) as _;
    let length = unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    assert!(length > 0, "nothing was sent");
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut &*stream, &mut rest).expect("the connection is closed");
    let header = unsafe { &*libc::CMSG_FIRSTHDR(&raw const message) };
    assert_eq!((header.cmsg_level, header.cmsg_type), (libc::SOL_SOCKET, libc::SCM_RIGHTS));
    let one = unsafe { libc::CMSG_LEN(size_of::<i32>() as u32) } as usize;
    assert_eq!(header.cmsg_len as usize, one, "one descriptor");
    let filter = unsafe { OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned()) };
    let text = [&text[..length as usize], &rest].concat();
    agent.told.lock().expect("a lock").push(serde_json::from_slice(&text).expect("JSON"));
    filter
}
