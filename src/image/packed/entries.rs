//! Reads a tar archive entry by entry, each with all that its long-name, PAX and sparse records say about it.
//!
//! The tar crate knows the shape of the headers. Its own iterator is not used for layers: it ends a PAX record at the first
//! newline, which cuts binary attributes such as security.capability in two, and reads records of any length into memory.

use crate::error::{Error, Result};
use crate::image::digest::shown;
use crate::image::pax;
use crate::sys::beneath::Moment;
use std::io::{BufRead, Read};
use tar::{GnuExtSparseHeader, Header};

const BLOCK: u64 = 512;
/// Longer long-name and PAX records are hostile: Linux takes no attribute above 64 KiB and no path above 4 KiB.
const LONGEST_RECORD: u64 = 1 << 20;
/// In a row; a stream of nothing else would never end.
const MOST_GLOBAL: usize = 1000;
/// Behind the end marker. Tapes and tools fill up their last block, which nobody makes longer than this.
const MOST_ZEROS: u64 = 64 << 20;
/// More pieces of one sparse file than any tool makes.
const MOST_PIECES: usize = 1 << 17;

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

    /// Finds out which pieces a sparse file has: in the header and blocks behind it (old GNU), in PAX records, or before the data (PAX 1.0).
    fn sparse(&mut self, entry: &mut Entry, header: &Header, kind: u8, pax: pax::Sparse) -> Result<()> {
        let (pieces, size) = if kind == b'S' {
            let Some(gnu) = header.as_gnu() else { return Err(damaged("a sparse entry without a GNU header")) };
            let size = field("real size", &gnu.realsize)?;
            (self.old_pieces(header)?, u64::try_from(size).map_err(|_| damaged("a sparse file has a negative size"))?)
        } else if let Some(size) = pax.size {
            let pieces = if pax.before_data { self.pieces_before_data()? } else { pax.pieces };
            (pieces, size)
        } else {
            return Ok(());
        };
        if entry.what != What::File {
            return Err(damaged("a sparse entry is no file"));
        }
        check_pieces(&pieces, size, self.left)?;
        entry.size = size;
        entry.pieces = Some(pieces);
        Ok(())
    }

    fn old_pieces(&mut self, header: &Header) -> Result<Vec<Piece>> {
        let Some(gnu) = header.as_gnu() else { return Ok(Vec::new()) };
        let mut pieces = Vec::new();
        let add = |sparse: &[tar::GnuSparseHeader], pieces: &mut Vec<Piece>| {
            for piece in sparse.iter().filter(|piece| piece.offset[0] != 0 || piece.numbytes[0] != 0) {
                pieces.push((positive("sparse offset", &piece.offset)?, positive("sparse length", &piece.numbytes)?));
            }
            if pieces.len() > MOST_PIECES { Err(damaged("a sparse file has too many pieces")) } else { Ok(()) }
        };
        add(&gnu.sparse, &mut pieces)?;
        let mut more = gnu.isextended[0] != 0;
        while more {
            let mut further = GnuExtSparseHeader::new();
            // These blocks stand between header and data and are not counted in the entry's size.
            self.source.read_exact(further.as_mut_bytes()).map_err(broken)?;
            add(&further.sparse, &mut pieces)?;
            more = further.isextended[0] != 0;
        }
        Ok(pieces)
    }

    /// PAX 1.0: decimal lines (how many, then offset and length of each), filled up to a block.
    fn pieces_before_data(&mut self) -> Result<Vec<Piece>> {
        let mut numbers = Vec::new();
        let mut wanted = 1;
        let mut digits = Vec::new();
        while numbers.len() < wanted {
            let mut block = [0; BLOCK as usize];
            if self.left < BLOCK {
                return Err(damaged("the map of a sparse file is cut"));
            }
            self.read_exact(&mut block).map_err(broken)?;
            for byte in block {
                if byte != b'\n' {
                    digits.push(byte);
                    continue;
                }
                if numbers.len() < wanted {
                    numbers.push(pax::number("a sparse file's map", &digits)?);
                    wanted = 1 + 2 * usize::try_from(numbers[0])
                        .ok()
                        .filter(|count| *count <= MOST_PIECES)
                        .ok_or_else(|| damaged("a sparse file has too many pieces"))?;
                }
                digits.clear();
            }
            // Also where they are zeros: a map without an end would be read again and again, longer each time.
            if digits.len() > 64 && numbers.len() < wanted {
                return Err(damaged("the map of a sparse file is no list of numbers"));
            }
        }
        Ok(numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
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

/// Two records that say the same thing may both be there; two that say different things may not.
fn agree(what: &str, long: Option<Vec<u8>>, pax: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match (long, pax) {
        (Some(long), Some(pax)) if long != pax => Err(damaged(format!("two records give an entry a different {what}"))),
        (long, pax) => Ok(pax.or(long)),
    }
}

/// PAX overrules the header where a number does not fit there; where it does, both must say the same.
fn stored_size(what: What, header: u64, pax: Option<u64>, name: &[u8]) -> Result<u64> {
    const FITS: u64 = 1 << 33;
    match pax {
        Some(pax) if pax != header && header != 0 && pax < FITS => {
            Err(damaged(format!("header and PAX record of {} contradict each other about its size", shown_bytes(name))))
        }
        // Links and devices have no data; some tools write the size of what they lead to.
        _ if what != What::File => Ok(0),
        Some(pax) => Ok(pax),
        None => Ok(header),
    }
}

fn kind_of(kind: u8, name: &[u8]) -> Result<What> {
    Ok(match kind {
        // Before POSIX, directories were files with a slash at the end.
        0 if name.ends_with(b"/") => What::Directory,
        0 | b'0' | b'7' | b'S' => What::File,
        b'1' => What::HardLink,
        b'2' => What::Symlink,
        b'3' => What::Character,
        b'4' => What::Block,
        b'5' => What::Directory,
        b'6' => What::Fifo,
        other => return Err(damaged(format!("{} is of the unknown kind {:?}", shown_bytes(name), char::from(other)))),
    })
}

fn short_name(header: &Header) -> Vec<u8> {
    let name = until_zero(&header.as_old().name);
    match header.as_ustar().map(|ustar| until_zero(&ustar.prefix)) {
        Some(prefix) if !prefix.is_empty() => [prefix, b"/", name].concat(),
        _ => name.to_vec(),
    }
}

fn device(header: &Header) -> Result<(u32, u32)> {
    let number = |bytes: &[u8; 8]| u32::try_from(field("device number", bytes)?).map_err(|_| damaged("a device number is out of range"));
    match (header.as_ustar(), header.as_gnu()) {
        (Some(ustar), _) => Ok((number(&ustar.dev_major)?, number(&ustar.dev_minor)?)),
        (_, Some(gnu)) => Ok((number(&gnu.dev_major)?, number(&gnu.dev_minor)?)),
        _ => Ok((0, 0)),
    }
}

fn check_pieces(pieces: &[Piece], size: u64, stored: u64) -> Result<()> {
    let (mut end, mut sum) = (0u64, 0u64);
    for (offset, length) in pieces {
        if *offset < end {
            return Err(damaged("pieces of a sparse file overlap"));
        }
        end = offset
            .checked_add(*length)
            .filter(|end| *end <= size)
            .ok_or_else(|| damaged("a piece of a sparse file lies behind its end"))?;
        sum += length;
    }
    if sum == stored { Ok(()) } else { Err(damaged("the pieces of a sparse file do not make up its data")) }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn positive(what: &str, bytes: &[u8]) -> Result<u64> {
    u64::try_from(field(what, bytes)?).map_err(|_| damaged(format!("a negative {what}")))
}

fn id(what: &str, bytes: &[u8]) -> Result<u32> {
    // 4294967295 means "leave as it is" to chown(2), so it is no owner.
    u32::try_from(field(what, bytes)?).ok().filter(|id| *id != u32::MAX).ok_or_else(|| damaged(format!("an {what} is out of range")))
}

/// A number of a header: octal digits, or with the highest bit set a big-endian number of either sign (GNU).
fn field(what: &str, bytes: &[u8]) -> Result<i64> {
    let wrong = || damaged(format!("a header's {what} is no number"));
    if bytes[0] & 0x80 != 0 {
        let negative = bytes[0] & 0x40 != 0;
        let start: i128 = if negative { -1 } else { 0 };
        let first = if negative { bytes[0] } else { bytes[0] & 0x7f };
        let value = std::iter::once(&first)
            .chain(&bytes[1..])
            .try_fold(start, |value: i128, byte| value.checked_mul(256)?.checked_add(i128::from(*byte)));
        return value.and_then(|value| i64::try_from(value).ok()).ok_or_else(wrong);
    }
    let digits = until_zero(bytes).trim_ascii();
    digits
        .iter()
        .try_fold(0i64, |value, digit| match digit {
            b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
            _ => None,
        })
        .ok_or_else(wrong)
}

pub fn shown_bytes(name: &[u8]) -> String {
    shown(&String::from_utf8_lossy(&name[..name.len().min(400)]))
}
