//! What one entry of an archive says of itself: the block of a header, and the records of PAX before it.

use tar::Header;

/// What fits into a header; more goes into a record before it.
const LONGEST_NAME: usize = 100;
const LARGEST_ID: u32 = 0o7_777_777;
const LARGEST_SIZE: u64 = 0o77_777_777_777;

/// What one entry says of itself.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub kind: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: i64,
    pub size: u64,
    pub link: Vec<u8>,
    pub device: (u32, u32),
    /// Names and values of extended attributes.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What does not fit into a header, in the words of PAX; empty if all does.
pub fn records(called: &[u8], entry: &Entry) -> Vec<u8> {
    let mut text = Vec::new();
    if called.len() > LONGEST_NAME || !called.is_ascii() {
        record(&mut text, b"path", called);
    }
    if entry.link.len() > LONGEST_NAME || !entry.link.is_ascii() {
        record(&mut text, b"linkpath", &entry.link);
    }
    for (key, id) in [(b"uid", entry.uid), (b"gid", entry.gid)].into_iter().filter(|(_, id)| *id > LARGEST_ID) {
        record(&mut text, key, id.to_string().as_bytes());
    }
    if entry.size > LARGEST_SIZE {
        record(&mut text, b"size", entry.size.to_string().as_bytes());
    }
    if entry.modified < 0 || entry.modified as u64 > LARGEST_SIZE {
        record(&mut text, b"mtime", entry.modified.to_string().as_bytes());
    }
    for (name, value) in &entry.attributes {
        record(&mut text, &[b"SCHILY.xattr.", &name[..]].concat(), value);
    }
    text
}

/// The block itself.
pub fn header(called: &[u8], entry: &Entry) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().linkflag = [entry.kind];
    copy_cut(&mut header.as_old_mut().name, called);
    copy_cut(&mut header.as_old_mut().linkname, &entry.link);
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.min(LARGEST_ID).into());
    header.set_gid(entry.gid.min(LARGEST_ID).into());
    // Where a record says it, the header says nothing.
    header.set_size(if entry.size > LARGEST_SIZE { 0 } else { entry.size });
    header.set_mtime(u64::try_from(entry.modified).unwrap_or(0).min(LARGEST_SIZE));
    if matches!(entry.kind, b'3' | b'4') {
        // A ustar header has the fields.
        let _ = header.set_device_major(entry.device.0);
        let _ = header.set_device_minor(entry.device.1);
    }
    header.set_cksum();
    header
}

fn copy_cut(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn record(text: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    text.extend_from_slice(length.to_string().as_bytes());
    text.extend([b" ", key, b"=", value, b"\n"].concat());
}
