//! Whose files are, where the users of a container are others outside: an archive names those inside.

use crate::error::{Error, Result};
use crate::image::entries;
use crate::options::IdMap;

type Attribute = (Vec<u8>, Vec<u8>);

const CAPABILITY: &[u8] = b"security.capability";
/// vfs_ns_cap_data of linux/capability.h: the third form ends with the number of the root who gave it, the second is for any.
const SECOND: (u8, usize) = (2, 20);
const THIRD: (u8, usize) = (3, 24);

/// As the container sees a file of its own. Who is nobody in there is nobody in the archive.
pub fn seen_inside(map: &IdMap, owner: (u32, u32), attributes: &mut [Attribute]) -> (u32, u32) {
    const NOBODY: u32 = 65_534;
    for (name, value) in attributes.iter_mut() {
        if name == CAPABILITY && value.len() == THIRD.1 && value[3] == THIRD.0 {
            value.truncate(SECOND.1);
            value[3] = SECOND.0;
        }
    }
    let (uid, gid) = map.inside(owner.0, owner.1);
    (uid.unwrap_or(NOBODY), gid.unwrap_or(NOBODY))
}

/// As the host must say it, so that the container sees what the archive says.
pub fn meant_outside(map: &IdMap, entry: &mut entries::Entry) -> Result<()> {
    let nobody = |error: Error| error.hint("copy without -a, or create the container with a larger --userns auto:size=…");
    (entry.uid, entry.gid) = given_outside(map, (entry.uid, entry.gid), &mut entry.attributes).map_err(nobody)?;
    Ok(())
}

/// The same of a file that is there.
pub fn given_outside(map: &IdMap, (uid, gid): (u32, u32), attributes: &mut [Attribute]) -> Result<(u32, u32)> {
    let (Some(user), Some(group)) = map.outside(uid, gid) else {
        return Err(
            Error::conflict(format!("user {uid} or group {gid} is nobody in the container")).because("it has not so many ids of its own")
        );
    };
    let root = map.outside(0, 0).0.unwrap_or_default();
    for (name, value) in attributes {
        if name == CAPABILITY && value.len() == SECOND.1 && value[3] == SECOND.0 {
            value[3] = THIRD.0;
            value.extend(root.to_le_bytes());
        }
    }
    Ok((user, group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(uid: u32, gid: u32, attributes: Vec<Attribute>) -> entries::Entry {
        let (what, name, link, mode, modified) = (entries::What::File, Vec::new(), Vec::new(), 0, Default::default());
        entries::Entry { what, name, link, mode, uid, gid, modified, device: (0, 0), size: 0, pieces: None, attributes }
    }

    #[test]
    fn there_and_back_again() {
        let map = IdMap { uids: vec![(0, 500_000, 10)], gids: vec![(0, 600_000, 10)] };
        let second = (CAPABILITY.to_vec(), [&[1, 0, 0, 2][..], &[7; 16]].concat());
        let mut entry = entry(3, 4, vec![second.clone()]);
        meant_outside(&map, &mut entry).unwrap();
        assert_eq!((entry.uid, entry.gid), (500_003, 600_004));
        assert_eq!(entry.attributes[0].1[20..], 500_000_u32.to_le_bytes());
        assert_eq!(seen_inside(&map, (entry.uid, entry.gid), &mut entry.attributes), (3, 4));
        assert_eq!(entry.attributes, [second]);
        assert_eq!(seen_inside(&map, (0, 600_000), &mut []), (65_534, 0));
        assert!(meant_outside(&map, &mut self::entry(10, 0, Vec::new())).is_err());
    }
}
