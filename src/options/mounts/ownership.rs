//! `idmap`: the files of a mount keep their owners on disk, and the container sees others (mount_setattr(2), MOUNT_ATTR_IDMAP).

use crate::error::{Error, Result};
use crate::options::{IdMap, Ownership};

/// More ranges than the kernel takes since 4.15 (user_namespaces(7)) help nobody.
const MOST_RANGES: usize = 340;

/// `idmap`, or `idmap=uids=0-1000-1#5-6-10;gids=0-1000-1`: first id in the files, first id as it is seen, how many. `None`: another word.
pub fn parse_id_map(option: &str) -> Result<Option<Ownership>> {
    let ranges = match option.strip_prefix("idmap") {
        Some("") => return Ok(Some(Ownership::Exchanged)),
        Some(rest) => match rest.strip_prefix('=') {
            Some(ranges) => ranges,
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    let mut map = IdMap::default();
    for part in ranges.split(';') {
        match part.split_once('=') {
            Some(("uids", ranges)) if map.uids.is_empty() => map.uids = parse_ranges(ranges)?,
            Some(("gids", ranges)) if map.gids.is_empty() => map.gids = parse_ranges(ranges)?,
            _ => return Err(wrong(part)),
        }
    }
    // The kernel refuses a map of only one kind.
    match (map.uids.is_empty(), map.gids.is_empty()) {
        (false, false) => Ok(Some(Ownership::Mapped(map))),
        _ => Err(Error::usage("idmap maps users and groups, or neither").hint(EXAMPLE)),
    }
}

const EXAMPLE: &str = "for example idmap=uids=0-1000-1;gids=0-1000-1: what is root's in the files is seen as 1000's";

fn wrong(text: &str) -> Error {
    Error::usage(format!("{text:?} is no range of ids")).hint(EXAMPLE)
}

fn parse_ranges(text: &str) -> Result<Vec<(u32, u32, u32)>> {
    let ranges = text.split('#').map(parse_range).collect::<Result<Vec<_>>>()?;
    let overlap = |a: (u32, u32), b: (u32, u32)| a.0 < b.0 + b.1 && b.0 < a.0 + a.1;
    for (index, one) in ranges.iter().enumerate() {
        if ranges[..index].iter().any(|other| overlap((one.0, one.2), (other.0, other.2)) || overlap((one.1, one.2), (other.1, other.2))) {
            return Err(Error::usage(format!("two ranges of {text:?} overlap")));
        }
    }
    if ranges.len() > MOST_RANGES { Err(Error::usage(format!("more than {MOST_RANGES} ranges of ids"))) } else { Ok(ranges) }
}

fn parse_range(text: &str) -> Result<(u32, u32, u32)> {
    // A leading @ means in podman that the id is one of a user namespace's: containers have none.
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let [files, seen, count] = text.split('-').map(number).collect::<Vec<_>>()[..] else { return Err(wrong(text)) };
    match (files, seen, count) {
        // -1 is no id: "leave unchanged" (chown(2)).
        (Some(files), Some(seen), Some(count)) if count > 0 && files.checked_add(count).is_some() && seen.checked_add(count).is_some() => {
            Ok((files, seen, count))
        }
        _ => Err(wrong(text)),
    }
}

impl IdMap {
    /// The source's owner and the container's user stand for each other, everybody else for himself.
    pub fn exchange(owner: (u32, u32), user: (u32, u32)) -> IdMap {
        IdMap { uids: exchanged(owner.0, user.0), gids: exchanged(owner.1, user.1) }
    }
}

fn exchanged(one: u32, other: u32) -> Vec<(u32, u32, u32)> {
    let (low, high) = (one.min(other), one.max(other));
    let same = |from: u32, to: u32| (from, from, to - from);
    let all = match low == high {
        true => vec![same(0, u32::MAX)],
        false => vec![same(0, low), (low, high, 1), same(low + 1, high), (high, low, 1), same(high + 1, u32::MAX)],
    };
    all.into_iter().filter(|(_, _, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_podman_writes_them() {
        let map = IdMap { uids: vec![(0, 1, 10), (10, 11, 10)], gids: vec![(0, 100, 10)] };
        assert_eq!(parse_id_map("idmap=uids=0-1-10#10-11-10;gids=0-100-10").unwrap(), Some(Ownership::Mapped(map)));
        assert_eq!(parse_id_map("idmap").unwrap(), Some(Ownership::Exchanged));
        assert_eq!(parse_id_map("idmapped").unwrap(), None);
        assert_eq!(parse_id_map("ro").unwrap(), None);
    }

    #[test]
    fn bad_ranges_are_refused() {
        for text in [
            "",
            "uids=",
            "uids=0-1-1",
            "uids=0-1;gids=0-1-1",
            "uids=0-1-0;gids=0-1-1",
            "uids=0-1-4294967295;gids=0-1-1",
            "uids=@0-1-1;gids=0-1-1",
        ] {
            assert!(parse_id_map(&format!("idmap={text}")).is_err(), "{text}");
        }
        for text in ["uids=0-1-10#5-20-1;gids=0-0-1", "uids=0-1-10#20-5-1;gids=0-0-1", "uids=0-1-1;uids=2-3-1", "uids=+0-1-1;gids=0-1-1"] {
            assert!(parse_id_map(&format!("idmap={text}")).is_err(), "{text}");
        }
    }

    #[test]
    fn an_exchange_maps_everybody_once() {
        assert_eq!(exchanged(1000, 0), [(0, 1000, 1), (1, 1, 999), (1000, 0, 1), (1001, 1001, u32::MAX - 1001)]);
        assert_eq!(exchanged(5, 5), [(0, 0, u32::MAX)]);
        for (one, other) in [(1000, 0), (0, 1), (33, 1000), (5, 5)] {
            assert_eq!(exchanged(one, other).iter().map(|(_, _, count)| u64::from(*count)).sum::<u64>(), u64::from(u32::MAX));
        }
    }
}
