//! The files that an image's layers give, one by one and laid over each other, as lines that can be compared and read.

use crate::common::archive::sha256;
use std::collections::BTreeMap;
use std::io::Read;
use tar::{Archive, EntryType};

/// What each path is: `file 0644 0:0 "hello\n" 2020-02-02 02:02:02`, with times only where the build did not make them.
pub type Tree = BTreeMap<String, String>;

/// What one layer holds, with whiteouts under their own names. `fresh`: since when times are the build's own.
pub fn of_layer(tar: &[u8], fresh: u64) -> Tree {
    let mut tree = Tree::new();
    let mut archive = Archive::new(tar);
    for entry in archive.entries().expect("a layer") {
        let mut entry = entry.expect("an entry");
        let path = absolute(&entry.path_bytes());
        if path == "/" {
            continue; // Not every builder has an entry for the root itself.
        }
        if path.rsplit('/').next().is_some_and(|name| name.starts_with(".wh.")) {
            tree.insert(path, "removed".into());
            continue;
        }
        let line = describe(&mut entry, fresh);
        if entry.header().entry_type() == EntryType::Link {
            let target = absolute(&entry.link_name_bytes().expect("a target"));
            // Which name is the file and which the link is the builder's choice, the sorted first is ours.
            let line = tree.get(&target).cloned().unwrap_or_else(|| "link to nothing".into());
            tree.insert(path, line);
        } else {
            tree.insert(path, line);
        }
    }
    tree
}

/// What a layer says that was not so below it. Directories above a change are in every layer, with a time of the build; who makes
/// mount points for a command has more of them than others (runc touches /etc), who does not has none.
pub fn news(mut layer: Tree, below: &Tree) -> Tree {
    let untimed =
        |line: &str| line.rsplit_once(' ').filter(|(_, last)| last.ends_with('Z')).map_or(line.to_owned(), |(line, _)| line.to_owned());
    layer.retain(|path, line| {
        let is_old = below.get(path).is_some_and(|old| old == line || untimed(old) == *line);
        !(is_old && line.starts_with("directory"))
    });
    layer
}

/// Lays a layer over what is below it.
pub fn lay(over: &mut Tree, layer: &Tree) {
    let below = |tree: &mut Tree, dir: &str| {
        let prefix = format!("{}/", dir.trim_end_matches('/'));
        tree.retain(|path, _| !path.starts_with(&prefix));
    };
    for path in layer.keys() {
        let (dir, name) = path.rsplit_once('/').expect("an absolute path");
        match name.strip_prefix(".wh.") {
            Some(".wh..opq") => below(over, dir),
            Some(gone) => {
                over.remove(&format!("{dir}/{gone}"));
                below(over, &format!("{dir}/{gone}"));
            }
            None => {}
        }
    }
    for (path, line) in layer.iter().filter(|(path, _)| !path.rsplit('/').next().is_some_and(|name| name.starts_with(".wh."))) {
        if !line.starts_with("directory") {
            below(over, path);
        }
        over.insert(path.clone(), line.clone());
    }
}

fn absolute(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let text = text.trim_start_matches("./").trim_matches('/');
    if text == "." { "/".into() } else { format!("/{text}") }
}

fn describe(entry: &mut tar::Entry<'_, &[u8]>, fresh: u64) -> String {
    let mut extended = BTreeMap::new();
    if let Ok(Some(records)) = entry.pax_extensions() {
        for record in records.flatten() {
            if let Some(name) = record.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) {
                extended.insert(name.to_owned(), readable(record.value_bytes()));
            }
        }
    }
    let header = entry.header().clone();
    let device = || format!(" {}:{}", header.device_major().ok().flatten().unwrap_or(0), header.device_minor().ok().flatten().unwrap_or(0));
    let target = || format!(" -> {}", String::from_utf8_lossy(&entry.link_name_bytes().expect("a target")));
    let (kind, mut what) = match header.entry_type() {
        EntryType::Directory => ("directory", String::new()),
        EntryType::Symlink => ("symlink", target()),
        EntryType::Char => ("char", device()),
        EntryType::Block => ("block", device()),
        EntryType::Fifo => ("fifo", String::new()),
        _ => ("file", String::new()),
    };
    if kind == "file" {
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("a file of a layer");
        what = format!(" {}", readable(&content));
    }
    let mut line = format!("{kind} {:04o} {}:{}{what}", header.mode().unwrap_or(0) & 0o7777, uid(entry), gid(entry));
    if kind == "symlink" {
        line = line.replacen(" 0777", "", 1);
    }
    for (name, value) in extended {
        line += &format!(" {name}={value}");
    }
    let time = header.mtime().unwrap_or(0);
    if time < fresh {
        line += &format!(" {}", tare::time::rfc3339(time * 1_000_000_000));
    }
    line
}

fn uid(entry: &tar::Entry<'_, &[u8]>) -> u64 {
    entry.header().uid().unwrap_or(u64::MAX)
}

fn gid(entry: &tar::Entry<'_, &[u8]>) -> u64 {
    entry.header().gid().unwrap_or(u64::MAX)
}

/// Short text as it is, anything else by its digest.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= 200 && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') => format!("{text:?}"),
        _ => format!("{} bytes {}", bytes.len(), &sha256(bytes)[..12]),
    }
}
