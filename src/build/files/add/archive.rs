//! Archives that ADD unpacks: told by what is in them, never by their names.
//!
//! They come from people who are not asked. Names are looked up beneath the target, symlinks lead no further than it, and all that is
//! written has to fit into three quarters of the room that is left.

use crate::build::files::add::xz;
use crate::error::{Context, Error, Result};
use crate::image::compression;
use crate::image::put::{self, Owner};
use crate::sys::beneath::Directory;
use crate::sys::{file, mount};
use std::fs::File;
use std::io::{BufRead, BufReader, Chain, Cursor, ErrorKind, Read, Seek};
use std::os::fd::AsFd;

const BLOCK: usize = 512;
const BZIP2: &[u8] = b"BZh";

/// What is in a file, if that is an archive; it is copied as it is otherwise, even if it is the beginning of one.
pub fn open(file: File) -> Result<Option<impl Read>> {
    match memory(&file)? {
        Memory::Enough => {}
        Memory::Unknown => return Ok(None),
        Memory::TooMuch => {
            return Err(Error::damaged("it would take more than 256 MiB of memory to unpack it")
                .because("xz was told to look back further")
                .hint("pack it with a smaller dictionary: xz -9"));
        }
    }
    let Ok(mut source) = unpacked(file) else { return Ok(None) };
    let mut first = Vec::with_capacity(BLOCK);
    match source.by_ref().take(BLOCK as u64).read_to_end(&mut first) {
        Ok(BLOCK) if is_header(&first) => Ok(Some(Cursor::new(first).chain(source))),
        // A file that is no archive may still begin like something compressed.
        _ => Ok(None),
    }
}

/// What it takes to unpack it.
enum Memory {
    Enough,
    TooMuch,
    /// It only begins like an archive.
    Unknown,
}

fn memory(file: &File) -> Result<Memory> {
    const WHAT: &str = "cannot read it";
    let mut reader = BufReader::new(file);
    let is_xz = reader.fill_buf().context(WHAT)?.starts_with(xz::MAGIC);
    let found = if is_xz { xz::is_modest(&mut reader) } else { Ok(true) };
    reader.rewind().context(WHAT)?;
    match found {
        Ok(true) => Ok(Memory::Enough),
        Ok(false) => Ok(Memory::TooMuch),
        // Who unpacks it comes no further either.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Memory::Enough),
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(Memory::Unknown),
        Err(error) => Err(error).context(WHAT),
    }
}

fn unpacked(file: File) -> std::io::Result<Box<dyn Read>> {
    let mut source = BufReader::new(file);
    let mut first = Vec::new();
    source.by_ref().take(BLOCK as u64).read_to_end(&mut first)?;
    let is = |magic: &[u8]| first.starts_with(magic);
    let (is_xz, is_bzip2) = (is(xz::MAGIC), is(BZIP2));
    let whole: Chain<Cursor<Vec<u8>>, BufReader<File>> = Cursor::new(first).chain(source);
    Ok(match () {
        () if is_xz => Box::new(lzma_rust2::XzReader::new(whole, true)),
        () if is_bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
        () => compression::unpacked(whole)?.1,
    })
}

/// A block of a tar says itself what its bytes come to, the eight of that field counted as spaces.
fn is_header(block: &[u8]) -> bool {
    let field = &block[148..156];
    let digits: String = field.iter().map(|byte| char::from(*byte)).filter(|letter| letter.is_digit(8)).collect();
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum::<u32>() - field.iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    u32::from_str_radix(&digits, 8).is_ok_and(|said| said == sum)
}

/// Returns how many bytes it took. Links in the archive are followed as by somebody whose root `into` is.
pub fn unpack(archive: impl Read, into: Directory, chown: Option<(u32, u32)>) -> Result<u64> {
    const WHAT: &str = "cannot see how much room is free";
    let free = file::free_room(&mount::path_of(into.as_fd())).context(WHAT)?;
    let (most_bytes, most_files) = (free.bytes / 4 * 3, if free.files == 0 { u64::MAX } else { free.files / 4 * 3 });
    let (mut bytes, mut files) = (0u64, 0u64);
    let mut spend = |more: u64| {
        bytes = bytes.saturating_add(more);
        files += 1;
        if bytes > most_bytes || files > most_files {
            return Err(Error::failed("it takes more than three quarters of the room that is free").hint("remove what is not needed"));
        }
        Ok(())
    };
    let root = into.directory(b".").context("cannot open its directory")?;
    let through_links = |path: &[u8]| root.directory_inside(path);
    let owner = chown.map_or(Owner::AsPacked, |(uid, gid)| Owner::Chosen(uid, gid));
    put::put_over(archive, into, owner, &through_links, &mut spend)?;
    Ok(bytes)
}
