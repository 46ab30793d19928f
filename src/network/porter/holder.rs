//! Who has a port: looked for only when somebody else wanted it.

use crate::options::ports::Protocol;
use std::path::Path;

/// A process of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: i32,
    pub name: String,
}

impl Holder {
    /// The one that has this port of ours open, on whatever address; the kernel's tables tell the socket, /proc whose it is.
    pub fn of(protocol: Protocol, port: u16) -> Option<Holder> {
        let tables: [&str; 2] = match protocol {
            Protocol::Tcp => ["tcp", "tcp6"],
            Protocol::Udp => ["udp", "udp6"],
            Protocol::Sctp => return None,
        };
        let texts = tables.iter().filter_map(|table| std::fs::read_to_string(format!("/proc/self/net/{table}")).ok());
        let mut sockets: Vec<(bool, u64)> = texts.flat_map(|text| sockets_at(&text, port)).collect();
        // Those that listen stand in the way more often than those that have only come from there.
        sockets.sort();
        sockets.iter().rev().find_map(|(_, inode)| Holder::of_socket(*inode))
    }

    fn of_socket(inode: u64) -> Option<Holder> {
        let wanted = format!("socket:[{inode}]");
        let has_it = |process: &Path| {
            let mut open = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
            open.any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()))
        };
        for process in std::fs::read_dir("/proc").ok()?.flatten() {
            let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if has_it(&process.path()) {
                let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                return Some(Holder { pid, name: name.trim_end().to_owned() });
            }
        }
        None
    }
}

/// Whether it listens, and its inode: proc_net_tcp(5).
fn sockets_at(table: &str, port: u16) -> Vec<(bool, u64)> {
    const LISTENS: &str = "0A";
    const UNCONNECTED: &str = "07";
    let ending = format!(":{port:04X}");
    let read = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?.parse().ok()?);
        // One that is about to end belongs to nobody any more.
        (local.ends_with(&ending) && inode != 0).then_some((matches!(*state, LISTENS | UNCONNECTED), inode))
    };
    table.lines().skip(1).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_listens_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = Holder::of(Protocol::Tcp, port).unwrap();
        assert_eq!(holder.pid, std::process::id() as i32);
        assert!(!holder.name.is_empty());
        drop(listener);
        assert_eq!(Holder::of(Protocol::Tcp, port), None);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(Holder::of(Protocol::Udp, port).map(|holder| holder.pid), Some(std::process::id() as i32));
    }
}
