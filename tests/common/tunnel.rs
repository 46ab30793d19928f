//! A proxy that digs tunnels (`CONNECT`): whatever name is asked for, it leads to the one place that a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct Tunnel {
    pub host: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    /// `to`: `127.0.0.1:PORT`; `None`: nobody may pass.
    pub fn start(to: Option<&str>) -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (noted, to) = (asked.clone(), to.map(str::to_owned));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, to) = (noted.clone(), to.clone());
                std::thread::spawn(move || dig(&stream, to.as_deref(), &noted));
            }
        });
        Tunnel { host, asked }
    }

    /// The head of each question.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }
}

fn dig(near: &TcpStream, to: Option<&str>, noted: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(near);
    let lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head: Vec<String> = lines.collect();
    noted.lock().ok()?.push(head.join("\n"));
    let mut answer = near;
    let Some(far) = to.and_then(|to| TcpStream::connect(to).ok()) else {
        return answer.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").ok();
    };
    answer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut from_far, mut to_near) = (far.try_clone().ok()?, near.try_clone().ok()?);
    let back = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_far, &mut to_near);
        let _ = to_near.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut reader, &mut &far);
    let _ = far.shutdown(Shutdown::Write);
    back.join().ok()
}
