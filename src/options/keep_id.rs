//! The maps of `--userns keep-id` and `nomap`, for an ordinary user who is root, number 0, of a namespace with further ids.

use super::IdMap;
use super::user_namespaces::{Range, UserNamespace};

/// Users, or groups, of the namespace that the container's is made in.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// Who the user is outside.
    pub own: u32,
    /// With himself.
    pub count: u32,
}

/// `None`: it is no matter of an ordinary user's.
pub fn map(wish: &UserNamespace, users: Around, groups: Around) -> Option<IdMap> {
    match wish {
        UserNamespace::KeepId { uid, gid } => {
            Some(IdMap { uids: kept(uid.unwrap_or(users.own), users.count), gids: kept(gid.unwrap_or(groups.own), groups.count) })
        }
        UserNamespace::Nomap => Some(IdMap { uids: without_own(users.count), gids: without_own(groups.count) }),
        UserNamespace::Mapped(map) => Some(map.clone()),
        _ => None,
    }
}

/// The user has this number, and the further ids stand in their order around it.
fn kept(number: u32, count: u32) -> Vec<Range> {
    let further = count - 1;
    let below = number.min(further);
    let all = [(0, 1, below), (number, 0, 1), (number.saturating_add(1), below + 1, further - below)];
    all.into_iter().filter(|(_, _, count)| *count > 0).collect()
}

fn without_own(count: u32) -> Vec<Range> {
    vec![(0, 1, count - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_keeps_his_number_and_everybody_else_has_one() {
        assert_eq!(kept(1000, 65_537), [(0, 1, 1000), (1000, 0, 1), (1001, 1001, 64_536)]);
        assert_eq!(kept(0, 65_537), [(0, 0, 1), (1, 1, 65_536)]);
        assert_eq!(kept(65_536, 65_537), [(0, 1, 65_536), (65_536, 0, 1)]);
        assert_eq!(kept(700_000, 65_537), [(0, 1, 65_536), (700_000, 0, 1)]);
        assert_eq!(without_own(65_537), [(0, 1, 65_536)]);
    }
}
