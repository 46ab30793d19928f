//! `--userns keep-id`, `nomap` and maps of an ordinary user: a user namespace in the one that all his containers live in.
//!
//! Whose the container's files are on disk depends on the map. So it is settled when the container is created, and stays.

use crate::engine::{find, size};
use crate::error::{Error, Result};
use crate::image::shifted;
use crate::options::keep_id::{self, Around};
use crate::options::user_namespaces::{Range, UserNamespace};
use crate::options::{IdMap, Wishes};
use crate::paths::Paths;
use crate::record::Container;
use crate::rootless::who;
use crate::spec::user::Newcomer;
use crate::sys::user_namespace;

/// What cannot be kept is refused.
pub fn check(wishes: &Wishes) -> Result<()> {
    let (users, groups) = around();
    let cannot = |word: &str| Error::cannot_keep(format!("cannot keep --userns{word}"));
    if users.count < 2 || groups.count < 2 {
        let id = users.own;
        return Err(cannot("").because(format!("you, user {id}, have no further ids, and all users of the container are you")).hint(
            format!(
                "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -nu {id}), end your containers, and try again"
            ),
        ));
    }
    match &wishes.user_namespace {
        UserNamespace::Auto(_) => Err(cannot(" auto")
            .because("each container would need a copy of its image whose files are its users' alone")
            .hint("take nomap, where nobody is you, or keep-id: containers with the same map share their copy")),
        UserNamespace::Mapped(map) => {
            let is_ours = |range: &&Range, around: Around| u64::from(range.1) + u64::from(range.2) <= u64::from(around.count);
            let foreign = map.uids.iter().find(|range| !is_ours(range, users)).or(map.gids.iter().find(|range| !is_ours(range, groups)));
            match foreign {
                None => Ok(()),
                Some((inside, outside, count)) => Err(Error::usage(format!("range {inside}:{outside}:{count} is not yours to give away"))
                    .because(format!("in the middle stand numbers from 0, who is you, to {}", users.count.min(groups.count) - 1))
                    .hint("0:1:65536 gives all ids but your own, for example")),
            }
        }
        _ => Ok(()),
    }
}

/// Whose its files will be on disk; `None`: whose they are inside. After `check`.
pub fn owners(paths: &Paths, wishes: &Wishes) -> Result<Option<IdMap>> {
    if user_namespace::is_initial() {
        return Ok(None);
    }
    match &wishes.user_namespace {
        UserNamespace::Host => Ok(None),
        UserNamespace::Container(id) => Ok(find::by_id(paths, id)?.and_then(|seen| seen.record.owners)),
        wish => {
            let (users, groups) = around();
            Ok(keep_id::map(wish, users, groups))
        }
    }
}

/// Whom `keep-id` chooses for the command.
pub fn user(wish: &UserNamespace) -> Option<String> {
    let UserNamespace::KeepId { uid, gid } = wish else { return None };
    let (users, groups) = around();
    Some(format!("{}:{}", uid.unwrap_or(users.own), gid.unwrap_or(groups.own)))
}

/// The same one by his name, whom the image hardly knows.
pub fn newcomer(wish: &UserNamespace) -> Option<Newcomer> {
    let UserNamespace::KeepId { uid, gid } = wish else { return None };
    let (users, groups) = around();
    let name = who::name_of(users.own)?;
    Some(Newcomer { name, uid: uid.unwrap_or(users.own), gid: gid.unwrap_or(groups.own) })
}

/// The layers with their owners are there. Called before a start, too: they may be lost while the container rests.
pub fn furnish(paths: &Paths, record: &Container, on_copy: impl Fn(u64)) -> Result<()> {
    let Some(map) = &record.owners else { return Ok(()) };
    let missing = shifted::missing(paths, &record.layers, map);
    if !missing.is_empty() {
        on_copy(size::of_layers(paths, &missing).iter().sum());
    }
    shifted::make(paths, &record.layers, map)
}

fn around() -> (Around, Around) {
    let of = |own: Option<u32>, count: u64| Around { own: own.unwrap_or_default(), count: u32::try_from(count).unwrap_or(u32::MAX) };
    (
        of(user_namespace::outside(0), user_namespace::count_of_users()),
        of(user_namespace::outside_of_group(0), user_namespace::count_of_groups()),
    )
}
