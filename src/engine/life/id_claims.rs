//! Ids of the host that one container has for itself while it runs: a symlink for each range in the run directory.
//!
//! A range belongs to whoever could make its name, which only one can, and the same call says whose it is: the link leads to the
//! container's id, so nobody can be killed in between. It goes when the container's processes are gone; what killed processes leave
//! is found by the id (`release`). Nothing on disk has these ids, so the next start may get others.
//!
//! Which ids: those that /etc/subuid and /etc/subgid give to the user `tare`, where an administrator said so. Else those from
//! 2^30 on, in the middle of what systemd has set aside for containers (524288 to 1879048191, uid-gid(7)): above everything that
//! useradd gives away (up to 600100000), below what old programs take for negative. Entries of other users, `containers` of podman
//! among them, real users and the ranges that systemd-nspawn has taken are left alone in any case.

use crate::engine::repair;
use crate::error::{Context, Error, Result};
use crate::options::user_namespaces::USUAL_SIZE;
use crate::paths::{ContainerPaths, Paths};
use crate::rootless::ranges::{self, Owned};
use crate::rootless::who::{SUBGID, SUBUID};
use crate::sys::{Errno, file};
use std::path::Path;

/// What ranges are measured in.
const STEP: u32 = USUAL_SIZE;
const USUAL: Owned = (1 << 30, (7 << 28) - (1 << 30));
const OUR_USER: &str = "tare";
/// A link for each range that a container of systemd's has taken.
const NSPAWN: &str = "/run/systemd/nspawn-uid";

/// The first of as many ids as are wanted, which are nobody else's.
pub fn claim(paths: &Paths, id: &str, count: u32) -> Result<u32> {
    let field = Field::of_this_host(paths);
    let steps = count.div_ceil(STEP);
    for is_swept in [false, true] {
        if let Some(first) = try_claim(paths, &field, id, steps).context("cannot claim ids for the container")? {
            return Ok(first);
        }
        if !is_swept {
            repair::sweep(paths);
            forget_the_dead(paths);
        }
    }
    let all: u64 = field.parts.iter().map(|(_, count)| u64::from(*count)).sum();
    Err(Error::conflict(format!("no {count} ids in a row are free for the container's users"))
        .because(format!("{} ranges of {STEP} are in use, of {all} ids that tare may give away", taken(paths).len()))
        .hint(format!("end containers that nobody needs, or give user {OUR_USER} more in {SUBUID} and {SUBGID}")))
}

/// All that a container has.
pub fn release(paths: &Paths, id: &str) {
    for first in taken(paths).into_iter().filter(|first| holder(paths, *first).as_deref() == Some(id)) {
        release_one(paths, first);
    }
}

fn release_one(paths: &Paths, first: u32) {
    let _ = file::remove_file(&paths.ids().join(first.to_string()));
}

fn holder(paths: &Paths, first: u32) -> Option<String> {
    std::fs::read_link(paths.ids().join(first.to_string())).ok()?.into_os_string().into_string().ok()
}

fn forget_the_dead(paths: &Paths) {
    of_nobody(paths).into_iter().for_each(|first| release_one(paths, first));
}

/// The first ids of ranges whose containers are nowhere any more: the run directory was taken away by hand.
pub fn of_nobody(paths: &Paths) -> Vec<u32> {
    let is_there = |id: String| ContainerPaths::new(paths, &id, true).live.exists();
    taken(paths).into_iter().filter(|first| !holder(paths, *first).is_some_and(is_there)).collect()
}

fn taken(paths: &Paths) -> Vec<u32> {
    let entries = std::fs::read_dir(paths.ids()).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn try_claim(paths: &Paths, field: &Field, id: &str, steps: u32) -> Result<Option<u32>, Errno> {
    let taken = taken(paths);
    // Also of claims that were made when other ids were allowed.
    let is_free = |first: &u32| taken.iter().all(|other| other.abs_diff(*first) >= STEP);
    'places: for first in field.places(steps) {
        let all: Vec<u32> = (0..steps).map(|step| first + step * STEP).collect();
        if !all.iter().all(|one| is_free(one) && !Path::new(NSPAWN).join(one.to_string()).exists()) {
            continue;
        }
        for (number, one) in all.iter().enumerate() {
            match make_link(paths, *one, id) {
                Ok(()) => {}
                Err(Errno::EEXIST) => {
                    all[..number].iter().for_each(|ours| release_one(paths, *ours));
                    continue 'places;
                }
                Err(errno) => return Err(errno),
            }
        }
        return Ok(Some(first));
    }
    Ok(None)
}

fn make_link(paths: &Paths, first: u32, id: &str) -> Result<(), Errno> {
    let link = paths.ids().join(first.to_string());
    match file::make_symlink(id, &link) {
        Err(Errno::ENOENT) => {
            file::make_dirs(&paths.ids(), 0o755)?;
            file::make_symlink(id, &link)
        }
        other => other,
    }
}

/// The ids that are given away.
struct Field {
    parts: Vec<Owned>,
    /// What is somebody's in there.
    others: Vec<Owned>,
    /// Where the search begins: stores of different run directories know nothing of each other, and shall hardly meet.
    begin: usize,
}

impl Field {
    fn of_this_host(paths: &Paths) -> Field {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let name = paths.run().as_os_str().as_encoded_bytes();
        let begin = name.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        Field { begin, ..Field::new([&read(SUBUID), &read(SUBGID)], [&read("/etc/passwd"), &read("/etc/group")]) }
    }

    /// `given`: the two files that give ids away; `named`: those that name users and groups.
    fn new(given: [&str; 2], named: [&str; 2]) -> Field {
        let nobody = u32::MAX;
        let [uids, gids] = given.map(|text| ranges::of_user(text, Some(OUR_USER), nobody));
        let ours: Vec<Owned> = uids.iter().flat_map(|one| gids.iter().filter_map(|other| common(*one, *other))).collect();
        let is_ours = |line: &&str| line.split(':').next() == Some(OUR_USER);
        let of_others = given.iter().flat_map(|text| text.lines()).filter(|line| !is_ours(line)).filter_map(|line| {
            let mut parts = line.split(':').skip(1);
            Some((parts.next()?.trim().parse().ok()?, parts.next()?.trim().parse().ok()?))
        });
        let people = named.iter().flat_map(|text| text.lines()).filter_map(|line| Some((line.split(':').nth(2)?.parse().ok()?, 1)));
        let others = of_others.chain(people).collect();
        Field { parts: if ours.is_empty() { vec![USUAL] } else { ours }, others, begin: 0 }
    }

    /// Where so many steps could begin.
    fn places(&self, steps: u32) -> impl Iterator<Item = u32> {
        let all: Vec<Owned> = self.parts.clone();
        let count = move |part: &Owned| (part.1 / STEP).saturating_sub(steps - 1) as usize;
        let total: usize = all.iter().map(count).sum();
        let (begin, length) = (self.begin, steps.saturating_mul(STEP));
        let nth = move |number: usize| {
            let mut rest = (begin % total.max(1) + number) % total.max(1);
            for part in &all {
                if rest < count(part) {
                    return part.0 + rest as u32 * STEP;
                }
                rest -= count(part);
            }
            0
        };
        (0..total).map(nth).filter(move |first| self.others.iter().all(|other| common((*first, length), *other).is_none()))
    }
}

/// What two ranges have in common.
fn common(one: Owned, other: Owned) -> Option<Owned> {
    let end = |range: Owned| u64::from(range.0) + u64::from(range.1);
    let (first, end) = (one.0.max(other.0), end(one).min(end(other)));
    (u64::from(first) < end).then(|| (first, (end - u64::from(first)) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(given: [&str; 2], named: [&str; 2], steps: u32) -> Vec<u32> {
        Field::new(given, named).places(steps).take(4).collect()
    }

    #[test]
    fn without_a_word_of_the_administrator_it_is_what_systemd_leaves_to_containers() {
        let first = 1 << 30;
        assert_eq!(places(["", ""], ["", ""], 1), [first, first + STEP, first + 2 * STEP, first + 3 * STEP]);
        let field = Field::new(["", ""], ["", ""]);
        assert!(field.places(1).all(|place| place >= 524_288 && place + (STEP - 1) <= 1_879_048_191));
        assert_eq!(field.places(1).count(), 12_288);
    }

    #[test]
    fn what_is_somebody_else_s_is_left_out() {
        let first = 1 << 30;
        let podman = format!("containers:{}:10", first + STEP - 1);
        assert_eq!(places([&podman, ""], ["", ""], 1)[0], first + 2 * STEP);
        assert_eq!(places(["", &podman], ["", ""], 1)[0], first + 2 * STEP);
        let user = format!("root:x:0:0::/:/bin/sh\nann:x:{}:5:Ann:/:/bin/sh", first + 7);
        assert_eq!(places(["", ""], [&user, ""], 2)[0], first + STEP);
        assert_eq!(places(["", ""], ["", &user], 1)[0], first + STEP);
    }

    #[test]
    fn an_entry_for_tare_is_all_there_is() {
        let both = "ann:1:5\ntare:100000:131073";
        assert_eq!(places([both, both], ["", ""], 1), [100_000, 165_536]);
        assert_eq!(places([both, both], ["", ""], 2), [100_000]);
        assert_eq!(places([both, both], ["", ""], 3), [0_u32; 0]);
        assert_eq!(places([both, "tare:165536:65536"], ["", ""], 1), [165_536]);
        // Users alone are no use.
        assert_eq!(places([both, ""], ["", ""], 1)[0], 1 << 30);
    }

    #[test]
    fn stores_begin_in_different_places_and_come_round() {
        let both = "tare:100000:196608";
        let field = Field { begin: 7, ..Field::new([both, both], ["", ""]) };
        assert_eq!(field.places(1).collect::<Vec<_>>(), [165_536, 231_072, 100_000]);
    }
}
