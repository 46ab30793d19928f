//! `--userns`, `--uidmap` and `--gidmap`: whom the users of a container are outside of it. The words are podman's.

use super::IdMap;
use crate::error::{Error, Result};
use crate::names;
use serde::{Deserialize, Serialize};

/// First id inside, first id outside, how many: user_namespaces(7).
pub type Range = (u32, u32, u32);

/// As many as programs expect: `nobody` is 65534.
pub const USUAL_SIZE: u32 = 1 << 16;
/// The kernel's bound, user_namespaces(7).
const MOST_RANGES: usize = 340;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserNamespace {
    /// Everybody inside is whoever he is outside.
    #[default]
    Host,
    /// Ids that no other container has.
    Auto(Auto),
    /// That of another container, by name or id as it was typed; when the container is created it becomes the id.
    Container(String),
    /// As it was said, for whoever knows what he does.
    Mapped(IdMap),
    /// For ordinary users: the caller has inside the number that he has outside, or these.
    KeepId { uid: Option<u32>, gid: Option<u32> },
    /// For ordinary users: nobody inside is the caller.
    Nomap,
}

/// What is said beside `auto`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auto {
    pub size: Option<u32>,
    /// Ids that are somebody particular outside.
    pub uids: Vec<Range>,
    pub gids: Vec<Range>,
}

impl UserNamespace {
    /// It gets one for itself.
    pub fn is_own(&self) -> bool {
        !matches!(self, UserNamespace::Host | UserNamespace::Container(_))
    }
}

impl Auto {
    pub fn size(&self) -> u32 {
        self.size.unwrap_or(USUAL_SIZE)
    }

    /// The whole map, where `first` is the first of the ids outside that are the container's alone.
    pub fn map(&self, first: u32) -> IdMap {
        IdMap { uids: filled(self.size(), &self.uids, first), gids: filled(self.size(), &self.gids, first) }
    }
}

impl IdMap {
    /// Whom a user and a group are inside; `None`: nobody.
    pub fn inside(&self, uid: u32, gid: u32) -> (Option<u32>, Option<u32>) {
        let find =
            |map: &[Range], id: u32| map.iter().find(|range| id >= range.1 && id - range.1 < range.2).map(|range| range.0 + (id - range.1));
        (find(&self.uids, uid), find(&self.gids, gid))
    }

    /// And outside.
    pub fn outside(&self, uid: u32, gid: u32) -> (Option<u32>, Option<u32>) {
        let find =
            |map: &[Range], id: u32| map.iter().find(|range| id >= range.0 && id - range.0 < range.2).map(|range| range.1 + (id - range.0));
        (find(&self.uids, uid), find(&self.gids, gid))
    }

    /// Whom the files of this map are when those it leads to are led further by another; who is not in both is nobody.
    pub fn behind(&self, other: &IdMap) -> IdMap {
        IdMap { uids: behind(&self.uids, &other.uids), gids: behind(&self.gids, &other.gids) }
    }
}

fn behind(first: &[Range], second: &[Range]) -> Vec<Range> {
    let overlap = |(files, seen, count): Range, (inside, outside, size): Range| {
        let begin = seen.max(inside);
        let end = (u64::from(seen) + u64::from(count)).min(u64::from(inside) + u64::from(size));
        (u64::from(begin) < end).then(|| (files + (begin - seen), outside + (begin - inside), (end - u64::from(begin)) as u32))
    };
    first.iter().flat_map(|one| second.iter().filter_map(move |other| overlap(*one, *other))).collect()
}

/// Everybody below `size` whom nothing particular was said of is as far behind `first` as he is behind 0.
fn filled(size: u32, particular: &[Range], first: u32) -> Vec<Range> {
    let mut map = particular.to_vec();
    map.sort_unstable();
    let mut next = 0;
    let mut gaps = Vec::new();
    for (inside, _, count) in &map {
        if next < size.min(*inside) {
            gaps.push((next, first + next, size.min(*inside) - next));
        }
        next = next.max(inside + count);
    }
    if next < size {
        gaps.push((next, first + next, size - next));
    }
    map.extend(gaps);
    map.sort_unstable();
    map
}

/// The word of `--userns`.
pub fn parse(text: &str) -> Result<UserNamespace> {
    let (word, rest) = text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest)));
    match (word, rest) {
        ("" | "host", None) => Ok(UserNamespace::Host),
        ("container", Some(name)) if !name.is_empty() => Ok(UserNamespace::Container(name.to_owned())),
        ("container", _) => Err(Error::usage("no container is named").hint("write container:NAME")),
        ("auto", options) => parse_auto(options.unwrap_or_default()).map(UserNamespace::Auto),
        ("keep-id", options) => parse_keep_id(options.unwrap_or_default()),
        ("nomap", None) => Ok(UserNamespace::Nomap),
        _ if text.starts_with(|letter: char| letter.is_ascii_digit()) => {
            let ranges = parse_ranges(text)?;
            checked(ranges.clone(), ranges).map(UserNamespace::Mapped)
        }
        _ => Err(Error::usage(format!("{text:?} is no user namespace")).hint(names::one_of(word, &KNOWN))),
    }
}

const KNOWN: [&str; 6] = ["host", "auto", "container:NAME", "keep-id", "nomap", "INSIDE:OUTSIDE:COUNT,…"];

fn parse_auto(options: &str) -> Result<Auto> {
    let mut auto = Auto::default();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", size)) => match number(size) {
                Some(size) if size > 0 => auto.size = Some(size),
                _ => return Err(Error::usage(format!("size {size:?} is no number of ids")).hint("for example size=65536")),
            },
            Some(("uidmapping", range)) => auto.uids.push(parse_range(range)?),
            Some(("gidmapping", range)) => auto.gids.push(parse_range(range)?),
            _ => return Err(Error::usage(format!("auto takes no {option:?}")).hint("size=N, uidmapping=… or gidmapping=…")),
        }
    }
    refuse_overlaps(&auto.uids).and_then(|()| refuse_overlaps(&auto.gids)).map(|()| auto)
}

fn parse_keep_id(options: &str) -> Result<UserNamespace> {
    let (mut uid, mut gid) = (None, None);
    for option in options.split(',').filter(|option| !option.is_empty()) {
        let place = match option.split_once('=') {
            Some(("uid", text)) => (&mut uid, text),
            Some(("gid", text)) => (&mut gid, text),
            _ => return Err(Error::usage(format!("keep-id takes no {option:?}")).hint("uid=N or gid=N")),
        };
        *place.0 = Some(number(place.1).ok_or_else(|| Error::usage(format!("{:?} is no id", place.1)))?);
    }
    Ok(UserNamespace::KeepId { uid, gid })
}

/// One `--uidmap` or `--gidmap`.
pub fn parse_ranges(text: &str) -> Result<Vec<Range>> {
    text.split(',').map(parse_range).collect()
}

/// All of them, and `--userns`. Who maps only users or only groups means the others too, as in podman.
pub fn join(word: Option<UserNamespace>, uids: Vec<Range>, gids: Vec<Range>) -> Result<UserNamespace> {
    match (word, uids.is_empty() && gids.is_empty()) {
        (word, true) => Ok(word.unwrap_or_default()),
        (Some(_), false) => Err(Error::usage("--userns contradicts --uidmap and --gidmap")
            .because("each says whom the container's users are outside")
            .hint("leave one of them out")),
        (None, false) => {
            let (uids, gids) = match (uids.is_empty(), gids.is_empty()) {
                (true, _) => (gids.clone(), gids),
                (_, true) => (uids.clone(), uids),
                _ => (uids, gids),
            };
            checked(uids, gids).map(UserNamespace::Mapped)
        }
    }
}

fn checked(uids: Vec<Range>, gids: Vec<Range>) -> Result<IdMap> {
    for ranges in [&uids, &gids] {
        refuse_overlaps(ranges)?;
        if !ranges.iter().any(|(inside, ..)| *inside == 0) {
            return Err(Error::usage("nobody is the container's root, number 0").hint("begin with 0:100000:65536, for example"));
        }
    }
    Ok(IdMap { uids, gids })
}

fn refuse_overlaps(ranges: &[Range]) -> Result<()> {
    if ranges.len() > MOST_RANGES {
        return Err(Error::usage(format!("more than {MOST_RANGES} ranges of ids")));
    }
    let overlap = |a: (u32, u32), b: (u32, u32)| a.0 < b.0 + b.1 && b.0 < a.0 + a.1;
    for (index, (inside, outside, count)) in ranges.iter().enumerate() {
        let meets = |other: &Range| overlap((*inside, *count), (other.0, other.2)) || overlap((*outside, *count), (other.1, other.2));
        if ranges[..index].iter().any(meets) {
            return Err(Error::usage(format!("range {inside}:{outside}:{count} overlaps another")));
        }
    }
    Ok(())
}

/// `INSIDE:OUTSIDE:COUNT`; without a count it is one.
fn parse_range(text: &str) -> Result<Range> {
    let parts: Vec<Option<u32>> = text.split(':').map(number).collect();
    let (inside, outside, count) = match parts[..] {
        [Some(inside), Some(outside)] => (inside, outside, 1),
        [Some(inside), Some(outside), Some(count)] => (inside, outside, count),
        _ => return Err(no_range(text)),
    };
    // -1 is no id: "leave unchanged" (chown(2)).
    match count > 0 && inside.checked_add(count).is_some() && outside.checked_add(count).is_some() {
        true => Ok((inside, outside, count)),
        false => Err(no_range(text)),
    }
}

fn no_range(text: &str) -> Error {
    Error::usage(format!("{text:?} is no range of ids")).hint("INSIDE:OUTSIDE:COUNT, for example 0:100000:65536")
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// As `inspect` shows it, and as it could be typed.
pub fn word(wish: &UserNamespace) -> String {
    let range = |(inside, outside, count): &Range| format!("{inside}:{outside}:{count}");
    let with =
        |word: &str, options: Vec<String>| if options.is_empty() { word.to_owned() } else { format!("{word}:{}", options.join(",")) };
    match wish {
        UserNamespace::Host => String::new(),
        UserNamespace::Auto(auto) => {
            let size = auto.size.iter().map(|size| format!("size={size}"));
            let uids = auto.uids.iter().map(|one| format!("uidmapping={}", range(one)));
            let gids = auto.gids.iter().map(|one| format!("gidmapping={}", range(one)));
            with("auto", size.chain(uids).chain(gids).collect())
        }
        UserNamespace::Container(id) => format!("container:{id}"),
        // The ranges of users and groups may differ; both are shown on their own.
        UserNamespace::Mapped(_) => "private".to_owned(),
        UserNamespace::KeepId { uid, gid } => {
            let uid = uid.iter().map(|uid| format!("uid={uid}"));
            with("keep-id", uid.chain(gid.iter().map(|gid| format!("gid={gid}"))).collect())
        }
        UserNamespace::Nomap => "nomap".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn words_are_those_of_podman() {
        let auto = |size, uids: &[Range]| UserNamespace::Auto(Auto { size, uids: uids.to_vec(), gids: Vec::new() });
        assert_eq!(parse("host").unwrap(), UserNamespace::Host);
        assert_eq!(parse("").unwrap(), UserNamespace::Host);
        assert_eq!(parse("auto").unwrap(), auto(None, &[]));
        assert_eq!(parse("auto:size=1000,uidmapping=0:1000:1").unwrap(), auto(Some(1000), &[(0, 1000, 1)]));
        assert_eq!(parse("container:web").unwrap(), UserNamespace::Container("web".into()));
        assert_eq!(parse("keep-id:uid=5,gid=6").unwrap(), UserNamespace::KeepId { uid: Some(5), gid: Some(6) });
        assert_eq!(parse("nomap").unwrap(), UserNamespace::Nomap);
        let map = vec![(0, 100_000, 65_536), (70_000, 5, 1)];
        assert_eq!(parse("0:100000:65536,70000:5").unwrap(), UserNamespace::Mapped(IdMap { uids: map.clone(), gids: map }));
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for text in [
            "hots",
            "auto:sise=1",
            "auto:size=0",
            "auto:size=-1",
            "auto:uidmapping=1",
            "container:",
            "keep-id:x=1",
            "keep-id:uid=a",
            "nomap:1",
            "0",
            "0:1:0",
            "0:1:2:3",
            "0:4294967295:1",
            "0:1:4294967295",
            "1:2:3",
            "0:5:9,3:50:1",
            "0:5:9,20:8:1",
            "0:x:1",
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }

    #[test]
    fn who_maps_only_users_means_groups_too() {
        let some = vec![(0, 7, 10)];
        let both = UserNamespace::Mapped(IdMap { uids: some.clone(), gids: some.clone() });
        assert_eq!(join(None, some.clone(), Vec::new()).unwrap(), both);
        assert_eq!(join(None, Vec::new(), some.clone()).unwrap(), both);
        assert_eq!(join(None, Vec::new(), Vec::new()).unwrap(), UserNamespace::Host);
        assert!(join(Some(UserNamespace::Host), some, Vec::new()).is_err());
    }

    #[test]
    fn everybody_is_somebody_outside_and_only_once() {
        assert_eq!(filled(10, &[], 500), [(0, 500, 10)]);
        assert_eq!(filled(10, &[(0, 1000, 1)], 500), [(0, 1000, 1), (1, 501, 9)]);
        assert_eq!(filled(10, &[(3, 7, 2), (9, 9, 5)], 500), [(0, 500, 3), (3, 7, 2), (5, 505, 4), (9, 9, 5)]);
        assert_eq!(filled(10, &[(20, 7, 2)], 500), [(0, 500, 10), (20, 7, 2)]);
    }

    #[test]
    fn one_map_behind_another() {
        assert_eq!(behind(&[(1000, 0, 1)], &[(0, 500_000, 10)]), [(1000, 500_000, 1)]);
        assert_eq!(behind(&[(0, 5, 10)], &[(0, 100, 8), (8, 900, 10)]), [(0, 105, 3), (3, 900, 7)]);
        assert_eq!(behind(&[(0, 50, 10)], &[(0, 100, 8)]), []);
        assert_eq!(behind(&[(0, 0, u32::MAX)], &[(0, 1 << 30, 65_536)]), [(0, 1 << 30, 65_536)]);
    }

    #[test]
    fn somebody_is_found_inside_and_outside() {
        let map = IdMap { uids: vec![(0, 1000, 1), (1, 5000, 10)], gids: vec![(0, 7, 1)] };
        assert_eq!((map.outside(0, 0), map.outside(10, 1), map.outside(11, 1)), ((Some(1000), Some(7)), (Some(5009), None), (None, None)));
        assert_eq!((map.inside(5009, 7), map.inside(1001, 0)), ((Some(10), Some(0)), (None, None)));
    }

    #[test]
    fn a_word_can_be_typed_again() {
        for text in ["", "auto", "auto:size=5,uidmapping=0:1:2,gidmapping=3:4:1", "container:x", "keep-id", "keep-id:uid=1", "nomap"] {
            assert_eq!(word(&parse(text).unwrap()), text);
        }
    }
}
