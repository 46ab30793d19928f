//! Reads a tar archive entry by entry, each with all that its long-name, PAX and sparse records say about it.
//!
//! The tar crate knows the shape of the headers. Its own iterator is not used for layers: it ends a PAX record at the first
//! newline, which cuts binary attributes such as security.capability in two, and reads records of any length into memory.

mod fields;
mod sparse;

use crate::error::{Error, Result};
use crate::image::digest::shown;
use crate::image::pax;
use crate::sys::beneath::Moment;
use fields::{agree, device, field, id, kind_of, short_name, stored_size, until_zero};
use std::io::{BufRead, Read};
use tar::Header;

const BLOCK: u64 = 512;
/// Longer long-name and PAX records are hostile: Linux takes no attribute above 64 KiB and no path above 4 KiB.
const LONGEST_RECORD: u64 = 1 << 20;
/// In a row; a stream of nothing else would never end.
const MOST_GLOBAL: usize = 1000;
/// Behind the end marker. Tapes and tools fill up their last block, which nobody makes longer than this.
const MOST_ZEROS: u64 = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    File,
    HardLink,
    Symlink,
    Character,
    Block,
    Directory,
    Fifo,
}

/// A piece of a sparse file: where it belongs and how long it is. What lies between pieces reads as zeros.
pub type Piece = (u64, u64);

#[derive(Clone, Debug)]
pub struct Entry {
    pub what: What,
    /// As it is in the archive: nothing about it has been checked.
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub modified: Moment,
    pub device: (u32, u32),
    /// How long the file becomes.
    pub size: u64,
    pub pieces: Option<Vec<Piece>>,
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The archive. After `next` it is also the reader of that entry's data.
pub struct Entries<R> {
    source: R,
    /// Of the current entry's data, and the zeros behind it.
    left: u64,
    padding: u64,
    count: u64,
}

impl<R: Read> Entries<R> {
    pub fn new(source: R) -> Self {
        Entries { source, left: 0, padding: 0, count: 0 }
    }

    pub fn source(&self) -> &R {
        &self.source
    }

    /// Leaves out the current entry's data, where the source can move on without reading.
    pub fn pass_over(&mut self, advance: impl FnOnce(&mut R, u64)) {
        advance(&mut self.source, self.left + self.padding);
        (self.left, self.padding) = (0, 0);
    }

    /// How many bytes lie before the next header.
    pub fn until_next(&self) -> u64 {
        self.left + self.padding
    }

    /// How many bytes of the current entry's data are stored.
    pub fn stored(&self) -> u64 {
        self.left
    }

    /// The next entry, or `None` at the end; what follows the end must be zeros.
    pub fn next(&mut self) -> Result<Option<Entry>> {
        let (mut long_name, mut long_link, mut records) = (None, None, None);
        let mut global = 0;
        loop {
            let Some(header) = self.header()? else {
                return match (long_name, long_link, records) {
                    (None, None, None) => Ok(None),
                    _ => Err(damaged("the archive ends after a record that describes a further entry")),
                };
            };
            let size = field("size", &header.as_old().size)?;
            let size = u64::try_from(size).map_err(|_| damaged(format!("an entry has the negative size {size}")))?;
            let kind = header.as_old().linkflag[0];
            let once = |seen: bool| if seen { Err(damaged("two records of one kind describe the same entry")) } else { Ok(()) };
            match kind {
                b'L' => {
                    once(long_name.is_some())?;
                    long_name = Some(until_zero(&self.record(size)?).to_vec());
                }
                b'K' => {
                    once(long_link.is_some())?;
                    long_link = Some(until_zero(&self.record(size)?).to_vec());
                }
                b'x' | b'X' => {
                    once(records.is_some())?;
                    records = Some(pax::parse(&self.record(size)?)?);
                }
                // What is said of all entries that follow: comments of git, mostly. Other engines pass over it, too.
                b'g' if global == MOST_GLOBAL => return Err(damaged("the archive says something of all entries over and over")),
                b'g' => {
                    global += 1;
                    self.record(size)?;
                }
                _ => return self.entry(&header, kind, size, long_name, long_link, records.unwrap_or_default()).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        kind: u8,
        size: u64,
        name: Option<Vec<u8>>,
        link: Option<Vec<u8>>,
        pax: pax::Records,
    ) -> Result<Entry> {
        let old = header.as_old();
        let name = agree("name", name, pax.path.clone())?.unwrap_or_else(|| short_name(header));
        let link = agree("link", link, pax.link.clone())?.unwrap_or_else(|| until_zero(&old.linkname).to_vec());
        let what = kind_of(kind, &name)?;
        let size = stored_size(what, size, pax.size, &name)?;
        self.left = size;
        self.padding = (BLOCK - size % BLOCK) % BLOCK;
        let mut entry = Entry {
            what,
            link,
            mode: (field("mode", &old.mode)? & 0o7777) as u32,
            uid: pax.uid.map_or_else(|| id("owner", &old.uid), Ok)?,
            gid: pax.gid.map_or_else(|| id("group", &old.gid), Ok)?,
            modified: pax.modified.map_or_else(|| field("time", &old.mtime).map(|seconds| (seconds, 0)), Ok)?,
            device: device(header)?,
            size,
            pieces: None,
            attributes: pax.attributes,
            name: pax.sparse_name.unwrap_or(name),
        };
        self.sparse(&mut entry, header, kind, pax.sparse)?;
        Ok(entry)
    }

    /// A record's data, which is short or hostile.
    fn record(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > LONGEST_RECORD {
            return Err(damaged(format!("a record about an entry is {size} bytes long")));
        }
        let mut data = vec![0; size as usize];
        self.source.read_exact(&mut data).map_err(broken)?;
        self.left = 0;
        self.padding = (BLOCK - size % BLOCK) % BLOCK;
        Ok(data)
    }

    /// Passes over what is left of the current entry and reads the next header; `None` at the end.
    fn header(&mut self) -> Result<Option<Header>> {
        self.skip()?;
        let mut header = Header::new_old();
        if !self.block(header.as_mut_bytes())? {
            return Ok(None);
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            self.nothing_follows()?;
            return Ok(None);
        }
        self.count += 1;
        let bytes = header.as_bytes();
        let sum: i64 = bytes[..148].iter().chain(&bytes[156..]).map(|byte| i64::from(*byte)).sum::<i64>() + 8 * 32;
        if field("checksum", &header.as_old().cksum)? != sum {
            return Err(damaged(format!("the checksum of header {} is wrong", self.count)).hint("is this a tar archive, and whole?"));
        }
        Ok(Some(header))
    }

    fn skip(&mut self) -> Result<()> {
        let mut skip = self.left + self.padding;
        let mut buffer = [0; 8192];
        while skip > 0 {
            let most = buffer.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
            match self.source.read(&mut buffer[..most]) {
                Ok(0) => return Err(damaged("the archive is cut in the middle of an entry")),
                Ok(count) => skip -= count as u64,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(e)),
            }
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    /// A whole block, or false at the end of the stream. An archive may end without its end marker.
    fn block(&mut self, block: &mut [u8]) -> Result<bool> {
        let mut have = 0;
        while have < block.len() {
            match self.source.read(&mut block[have..]) {
                Ok(0) if have == 0 => return Ok(false),
                Ok(0) => return Err(damaged("the archive is cut in the middle of a header")),
                Ok(count) => have += count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(e)),
            }
        }
        Ok(true)
    }

    /// Entries behind the end marker are seen by some tools and not by others: that is how one archive shows two faces.
    fn nothing_follows(&mut self) -> Result<()> {
        let mut buffer = [0; 8192];
        let mut zeros = 0;
        while zeros < MOST_ZEROS {
            match self.source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) if buffer[..count].iter().all(|byte| *byte == 0) => zeros += count as u64,
                Ok(_) => return Err(damaged("something follows the end of the archive")),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(e)),
            }
        }
        Err(damaged("zeros without end follow the archive").hint("is this a tar archive?"))
    }
}

impl<R: BufRead> Entries<R> {
    /// The next bytes of the current entry's data, from where they lie; they are taken with `consume`.
    pub fn piece(&mut self, most: u64) -> std::io::Result<&[u8]> {
        let most = usize::try_from(most.min(self.left)).unwrap_or(usize::MAX);
        match self.source.fill_buf()? {
            [] => Err(std::io::ErrorKind::UnexpectedEof.into()),
            piece => Ok(&piece[..most.min(piece.len())]),
        }
    }

    pub fn consume(&mut self, count: usize) {
        self.source.consume(count);
        self.left -= count as u64;
    }
}

/// The data of the current entry, as it is stored.
impl<R: Read> Read for Entries<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.source.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

pub fn damaged(cause: impl Into<String>) -> Error {
    Error::damaged(cause)
}

/// A stream that cannot be read: cut, or its compression is broken.
pub fn broken(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged("the data is cut short"),
        _ => match error.raw_os_error() {
            Some(number) => Error::from_errno("cannot read", crate::sys::Errno::from_raw(number)),
            None => damaged(format!("the data cannot be unpacked: {error}")),
        },
    }
}

pub fn shown_bytes(name: &[u8]) -> String {
    shown(&String::from_utf8_lossy(&name[..name.len().min(400)]))
}
