//! The records that PAX archives put before an entry: `LENGTH KEY=VALUE` lines, whose values may hold any byte.

use crate::error::Result;
use crate::image::entries::{Piece, damaged};
use crate::sys::beneath::Moment;

#[derive(Debug, Default)]
pub struct Records {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub modified: Option<Moment>,
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// The true name of a sparse file; `path` is then one for tools that do not know sparse files.
    pub sparse_name: Option<Vec<u8>>,
    pub sparse: Sparse,
}

#[derive(Debug, Default)]
pub struct Sparse {
    /// How long the file becomes; `None`: it is not sparse.
    pub size: Option<u64>,
    pub pieces: Vec<Piece>,
    /// The pieces are listed before the data (version 1.0).
    pub before_data: bool,
}

pub fn parse(mut text: &[u8]) -> Result<Records> {
    let mut records = Records::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    let mut offset = None;
    while !text.is_empty() {
        let (key, value, rest) = record(text).ok_or_else(|| damaged("a PAX record is malformed"))?;
        text = rest;
        // Version 0.0 of sparse files lists its pieces by repeating these two.
        match key {
            b"GNU.sparse.offset" => {
                offset = Some(number("a PAX record", value)?);
                continue;
            }
            b"GNU.sparse.numbytes" => {
                let offset = offset.take().ok_or_else(|| damaged("a sparse file's map is malformed"))?;
                records.sparse.pieces.push((offset, number("a PAX record", value)?));
                continue;
            }
            _ => {}
        }
        if seen.contains(&key) {
            return Err(damaged("two PAX records of one entry contradict each other"));
        }
        // Few keys are known, so that a long list of them costs no time squared.
        if take(&mut records, key, value)? {
            seen.push(key);
        }
        if seen.len() > 4096 {
            return Err(damaged("an entry has too many PAX records"));
        }
    }
    Ok(records)
}

/// Takes over what is known; false: it is of no concern here.
fn take(records: &mut Records, key: &[u8], value: &[u8]) -> Result<bool> {
    let what = "a PAX record";
    let id = |value| {
        number(what, value)
            .and_then(|id| u32::try_from(id).ok().filter(|id| *id != u32::MAX).ok_or_else(|| damaged("an owner is out of range")))
    };
    match key {
        b"path" => records.path = Some(text(value)?),
        b"linkpath" => records.link = Some(text(value)?),
        b"size" => records.size = Some(number(what, value)?),
        b"uid" => records.uid = Some(id(value)?),
        b"gid" => records.gid = Some(id(value)?),
        b"mtime" => records.modified = Some(moment(value)?),
        b"GNU.sparse.name" => records.sparse_name = Some(text(value)?),
        b"GNU.sparse.realsize" | b"GNU.sparse.size" => records.sparse.size = Some(number(what, value)?),
        b"GNU.sparse.major" => records.sparse.before_data = value == b"1",
        b"GNU.sparse.map" => {
            let numbers: Vec<u64> = value.split(|byte| *byte == b',').map(|part| number(what, part)).collect::<Result<_>>()?;
            records.sparse.pieces.extend(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        }
        _ => match key.strip_prefix(b"SCHILY.xattr.") {
            Some(name) if !name.is_empty() && !name.contains(&0) => records.attributes.push((name.to_vec(), value.to_vec())),
            _ => match key.strip_prefix(b"LIBARCHIVE.xattr.") {
                Some(name) => return libarchive(records, name, value),
                None => return Ok(false),
            },
        },
    }
    Ok(true)
}

/// libarchive writes attributes a second time: the name as in a web address, the value in base64.
fn libarchive(records: &mut Records, name: &[u8], value: &[u8]) -> Result<bool> {
    let (Some(name), Some(value)) = (percent_decoded(name), base64(value)) else {
        return Err(damaged("a PAX record's attribute is malformed"));
    };
    if name.is_empty() || name.contains(&0) {
        return Err(damaged("a PAX record's attribute is malformed"));
    }
    if !records.attributes.iter().any(|(have, _)| *have == name) {
        records.attributes.push((name, value));
    }
    Ok(true)
}

fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().take(12).position(|byte| *byte == b' ')?;
    let length: usize =
        std::str::from_utf8(&text[..space]).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let line = text.get(..length)?;
    let body = line.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    (equals > 0).then(|| (&body[..equals], &body[equals + 1..], &text[length..]))
}

fn text(value: &[u8]) -> Result<Vec<u8>> {
    if value.is_empty() || value.contains(&0) { Err(damaged("a PAX record gives an impossible name")) } else { Ok(value.to_vec()) }
}

pub fn number(what: &str, digits: &[u8]) -> Result<u64> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| damaged(format!("{what} holds no number where one belongs")))
}

/// `-1.25` is three quarters of a second after second -2.
fn moment(value: &[u8]) -> Result<Moment> {
    let wrong = || damaged("a PAX record's time is no number");
    let text = std::str::from_utf8(value).map_err(|_| wrong())?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds = i64::try_from(number("a PAX record", whole.as_bytes())?).map_err(|_| wrong())?;
    let nanoseconds: u32 = format!("{fraction:0<9.9}").parse().map_err(|_| wrong())?;
    Ok(match (negative, nanoseconds) {
        (false, _) => (seconds, nanoseconds),
        (true, 0) => (-seconds, 0),
        (true, _) => (-seconds - 1, 1_000_000_000 - nanoseconds),
    })
}

fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        out.push((digit(bytes.next())? * 16 + digit(bytes.next())?) as u8);
    }
    Some(out)
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &str, value: &[u8]) -> Vec<u8> {
        let mut length = key.len() + value.len() + 3;
        length += length.to_string().len();
        if length.to_string().len() + key.len() + value.len() + 3 != length {
            length += 1;
        }
        [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
    }

    #[test]
    fn a_value_may_hold_newlines_and_equal_signs() {
        let value = b"\x01\n=\x00\n2";
        let records = parse(&[line("SCHILY.xattr.security.capability", value), line("mtime", b"1.5")].concat()).unwrap();
        assert_eq!(records.attributes, [(b"security.capability".to_vec(), value.to_vec())]);
        assert_eq!(records.modified, Some((1, 500_000_000)));
    }

    #[test]
    fn times_before_1970_keep_their_order() {
        assert_eq!(moment(b"-1.25").unwrap(), (-2, 750_000_000));
        assert_eq!(moment(b"-3").unwrap(), (-3, 0));
        assert_eq!(moment(b"1700000000.123456789123").unwrap(), (1_700_000_000, 123_456_789));
        assert!(moment(b"1e9").is_err() && moment(b"").is_err() && moment(b"1.-5").is_err());
    }

    #[test]
    fn contradictions_and_malformed_lines_are_refused() {
        assert!(parse(&[line("path", b"a"), line("path", b"b")].concat()).is_err());
        for wrong in [&b"5 a=b"[..], b"99 path=a\n", b"6 path=a\n", b"x path=a\n", b"+9 path=a\n", b"\n"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        for (key, value) in
            [("size", &b"-1"[..]), ("size", b"99999999999999999999"), ("uid", b"4294967295"), ("path", b"a\0b"), ("path", b"")]
        {
            assert!(parse(&line(key, value)).is_err(), "{key}");
        }
    }

    #[test]
    fn libarchive_s_attributes_are_understood() {
        let records = parse(&line("LIBARCHIVE.xattr.user.a%20b", b"aGVsbG8")).unwrap();
        assert_eq!(records.attributes, [(b"user.a b".to_vec(), b"hello".to_vec())]);
    }

    #[test]
    fn pieces_of_both_old_kinds() {
        let old = [
            line("GNU.sparse.offset", b"0"),
            line("GNU.sparse.numbytes", b"5"),
            line("GNU.sparse.offset", b"10"),
            line("GNU.sparse.numbytes", b"1"),
        ];
        assert_eq!(parse(&old.concat()).unwrap().sparse.pieces, [(0, 5), (10, 1)]);
        assert_eq!(parse(&line("GNU.sparse.map", b"0,5,10,1")).unwrap().sparse.pieces, [(0, 5), (10, 1)]);
    }
}
