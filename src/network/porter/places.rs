//! Who is called what, looked up at the moment when somebody asks: `RUN/network/NET/name/NAME/ID` holds the addresses of container
//! ID, which is called NAME there. Nothing is remembered, so a name is gone with its container.

use crate::sys::beneath::Directory;
use crate::sys::file;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The names of one network.
pub struct Place {
    pub network: String,
    directory: Directory,
}

/// More containers of one name are not told; that many addresses fit into no answer.
const MOST_OF_ONE_NAME: usize = 2000;
/// A file holds an address of each kind, one a line.
const LONGEST_FILE: u64 = 4096;

impl Place {
    /// `directory` is the network's directory of names.
    pub fn new(network: &str, directory: OwnedFd) -> Place {
        Place { network: network.to_owned(), directory: Directory::of(directory) }
    }

    pub fn descriptor(&self) -> i32 {
        self.directory.as_fd().as_raw_fd()
    }

    /// The addresses of all who are called so; empty: nobody is.
    fn of(&self, name: &str) -> BTreeSet<IpAddr> {
        match Some(name).filter(|name| !name.is_empty() && !name.starts_with('.')) {
            Some(name) => self.in_directory(name.as_bytes()),
            None => BTreeSet::new(),
        }
    }

    fn in_directory(&self, name: &[u8]) -> BTreeSet<IpAddr> {
        let Ok(directory) = self.directory.directory(name) else { return BTreeSet::new() };
        let files = directory.file_names().unwrap_or_default();
        let texts = files.iter().take(MOST_OF_ONE_NAME).filter_map(|file| read(&directory, file));
        texts.flat_map(|text| text.lines().filter_map(|line| line.trim().parse().ok()).collect::<Vec<IpAddr>>()).collect()
    }
}

fn read(directory: &Directory, name: &[u8]) -> Option<String> {
    String::from_utf8(file::read_bounded_from(directory.open_to_read(name).ok()?, LONGEST_FILE).ok()?).ok()
}

/// The addresses of a name in any of the places, in which it may also be called NAME.NETWORK; empty: nobody is called so.
pub fn addresses(places: &[Place], name: &str) -> BTreeSet<IpAddr> {
    let mut found: BTreeSet<IpAddr> = places.iter().flat_map(|place| place.of(name)).collect();
    if found.is_empty() {
        for place in places {
            let network = place.network.to_ascii_lowercase();
            if let Some(short) = name.strip_suffix(network.as_str()).and_then(|short| short.strip_suffix('.')) {
                found.extend(place.of(short));
            }
        }
    }
    found
}

/// What an address is called: `NAME.NETWORK`. The short id, which everybody has, is not told beside a name that somebody chose.
pub fn names(places: &[Place], address: IpAddr) -> Vec<String> {
    let mut found = Vec::new();
    for place in places {
        let all = place.directory.file_names().unwrap_or_default();
        for name in all.iter().filter(|name| !name.starts_with(b".")) {
            if place.in_directory(name).contains(&address) {
                found.push((is_id(name), format!("{}.{}", String::from_utf8_lossy(name), place.network)));
            }
        }
    }
    found.sort();
    let chosen = found.iter().filter(|(is_id, _)| !is_id).count();
    found.into_iter().take(if chosen > 0 { chosen } else { 1 }).map(|(_, name)| name).collect()
}

fn is_id(name: &[u8]) -> bool {
    name.len() == 12 && name.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    pub struct Names(PathBuf);

    impl Names {
        fn new(word: &str) -> Names {
            let path = std::env::temp_dir().join(format!("tare-places-{word}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Names(path)
        }
        fn add(&self, name: &str, id: &str, addresses: &str) {
            std::fs::create_dir_all(self.0.join(name)).unwrap();
            std::fs::write(self.0.join(name).join(id), addresses).unwrap();
        }
        fn place(&self, network: &str) -> Place {
            Place::new(network, file::open_dir(&self.0).unwrap())
        }
    }

    impl Drop for Names {
        fn drop(&mut self) {
            file::remove_tree(&self.0).unwrap();
        }
    }

    fn found(places: &[Place], name: &str) -> Vec<String> {
        addresses(places, name).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn a_name_is_what_the_directory_says_at_this_moment() {
        let (one, two) = (Names::new("one"), Names::new("two"));
        one.add("db", "1111", "10.0.0.2\nfd00::2\n");
        one.add("db", "2222", "10.0.0.3\n");
        two.add("web", "3333", "10.1.0.2\nnonsense\n\n");
        let places = [one.place("Back"), two.place("front")];
        assert_eq!(found(&places, "db"), ["10.0.0.2", "10.0.0.3", "fd00::2"]);
        assert_eq!((found(&places, "web"), found(&places, "web.front")), (vec!["10.1.0.2".into()], vec!["10.1.0.2".into()]));
        assert_eq!((found(&places, "db.back").len(), found(&places, "db.front").len()), (3, 0));
        std::fs::remove_file(one.0.join("db/1111")).unwrap();
        assert_eq!(found(&places, "db"), ["10.0.0.3"]);
        std::fs::remove_file(one.0.join("db/2222")).unwrap();
        assert!(found(&places, "db").is_empty() && found(&places, "nobody").is_empty());
        for odd in ["", ".", "..", ".front", "web/3333", "../x"] {
            assert!(found(&places, odd).is_empty(), "{odd}");
        }
    }

    #[test]
    fn an_address_has_the_names_that_somebody_chose() {
        let net = Names::new("reverse");
        for name in ["db", "database", "0123456789ab"] {
            net.add(name, "1111", "10.0.0.2\n");
        }
        net.add("ba9876543210", "2222", "10.0.0.3\n");
        let places = [net.place("back")];
        let called = |address: &str| names(&places, address.parse().unwrap());
        assert_eq!(called("10.0.0.2"), ["database.back", "db.back"]);
        assert_eq!(called("10.0.0.3"), ["ba9876543210.back"]);
        assert!(called("10.0.0.4").is_empty());
    }
}
