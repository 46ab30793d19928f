//! What a header says of an entry, and which of several that say it counts.

use super::{What, damaged, shown_bytes};
use crate::error::Result;
use tar::Header;

/// Two records that say the same thing may both be there; two that say different things may not.
pub fn agree(what: &str, long: Option<Vec<u8>>, pax: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match (long, pax) {
        (Some(long), Some(pax)) if long != pax => Err(damaged(format!("two records give an entry a different {what}"))),
        (long, pax) => Ok(pax.or(long)),
    }
}

/// PAX overrules the header where a number does not fit there; where it does, both must say the same.
pub fn stored_size(what: What, header: u64, pax: Option<u64>, name: &[u8]) -> Result<u64> {
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

pub fn kind_of(kind: u8, name: &[u8]) -> Result<What> {
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

pub fn short_name(header: &Header) -> Vec<u8> {
    let name = until_zero(&header.as_old().name);
    match header.as_ustar().map(|ustar| until_zero(&ustar.prefix)) {
        Some(prefix) if !prefix.is_empty() => [prefix, b"/", name].concat(),
        _ => name.to_vec(),
    }
}

pub fn device(header: &Header) -> Result<(u32, u32)> {
    let number = |bytes: &[u8; 8]| u32::try_from(field("device number", bytes)?).map_err(|_| damaged("a device number is out of range"));
    match (header.as_ustar(), header.as_gnu()) {
        (Some(ustar), _) => Ok((number(&ustar.dev_major)?, number(&ustar.dev_minor)?)),
        (_, Some(gnu)) => Ok((number(&gnu.dev_major)?, number(&gnu.dev_minor)?)),
        _ => Ok((0, 0)),
    }
}

pub fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

pub fn positive(what: &str, bytes: &[u8]) -> Result<u64> {
    u64::try_from(field(what, bytes)?).map_err(|_| damaged(format!("a negative {what}")))
}

pub fn id(what: &str, bytes: &[u8]) -> Result<u32> {
    // 4294967295 means "leave as it is" to chown(2), so it is no owner.
    u32::try_from(field(what, bytes)?).ok().filter(|id| *id != u32::MAX).ok_or_else(|| damaged(format!("an {what} is out of range")))
}

/// A number of a header: octal digits, or with the highest bit set a big-endian number of either sign (GNU).
pub fn field(what: &str, bytes: &[u8]) -> Result<i64> {
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
