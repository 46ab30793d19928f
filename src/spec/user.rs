//! Who `--user` and `--group-add` mean: the text of the container's own /etc/passwd and /etc/group decides.

/// A user as the kernel knows it, and what /etc/passwd says beside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: String,
}

/// Somebody whom a container's files shall know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newcomer {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// What is added to /etc/passwd, if neither his number nor his name is there yet.
pub fn line_of_user(passwd: &str, newcomer: &Newcomer) -> Option<String> {
    let Newcomer { name, uid, gid } = newcomer;
    let is_known = find_user(passwd, &uid.to_string()).is_some() || find_user(passwd, name).is_some();
    (!is_known).then(|| format!("{}{name}:x:{uid}:{gid}:{name}:/:/bin/sh\n", line_break(passwd)))
}

/// The same for /etc/group.
pub fn line_of_group(group: &str, newcomer: &Newcomer) -> Option<String> {
    let Newcomer { name, gid, .. } = newcomer;
    let is_known = groups(group).any(|(known, number, _)| number == *gid || known == name);
    (!is_known).then(|| format!("{}{name}:x:{gid}:\n", line_break(group)))
}

/// Where the last line has none.
fn line_break(text: &str) -> &'static str {
    if text.is_empty() || text.ends_with('\n') { "" } else { "\n" }
}

/// What the kernel's `uid_t` could hold is more, but -1 means "leave unchanged" there, and Docker stops here.
const HIGHEST_ID: u32 = i32::MAX as u32;

/// Resolves `user`, `user:group`, numbers or names; empty means root. A number need not stand in the files.
/// A name that looks like a number is a name if the file has it: what the image calls it wins (CVE-2026-30892 was the reverse).
pub fn resolve(wish: &str, passwd: &str, group: &str) -> Result<User, String> {
    let (user, named_group) = match wish.split_once(':') {
        Some((_, "")) => return Err(format!("user {wish:?} has an empty group")),
        Some((user, group)) => (user, Some(group)),
        None => (wish, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let entry = find_user(passwd, user);
    let mut found = match &entry {
        Some(entry) => User { uid: entry.uid, gid: entry.gid, groups: Vec::new(), home: entry.home.to_owned() },
        None => User { uid: number(user, "user")?, home: "/".into(), ..User::default() },
    };
    match named_group {
        Some(name) => found.gid = self::group(name, group)?,
        None => found.groups = groups_of(group, entry.map_or(user, |entry| entry.name)),
    }
    // Among the others too: a program that changes its group must not lose it, and with it what is forbidden to that group
    // (CVE-2022-36109).
    found.groups.retain(|gid| *gid != found.gid);
    found.groups.insert(0, found.gid);
    if found.home.is_empty() {
        found.home = "/".into();
    }
    Ok(found)
}

/// The number of a group that is named, or a number; `text` is that of /etc/group.
pub fn group(wanted: &str, text: &str) -> Result<u32, String> {
    find_group(text, wanted).map_or_else(|| number(wanted, "group"), Ok)
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// By name before by number. Lines that make no sense are passed over, as every C library does.
fn find_user<'a>(passwd: &'a str, wanted: &str) -> Option<Entry<'a>> {
    let entries = || {
        passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let (uid, gid) = (id(uid)?, id(gid)?);
            Some(Entry { name, uid, gid, home: fields.nth(1).unwrap_or("/") })
        })
    };
    let by_number = id(wanted);
    entries().find(|entry| entry.name == wanted).or_else(|| entries().find(|entry| Some(entry.uid) == by_number))
}

fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, gid) = (fields.next()?, fields.next()?, fields.next()?);
        Some((name, id(gid)?, fields.next().unwrap_or("")))
    })
}

fn find_group(group: &str, wanted: &str) -> Option<u32> {
    groups(group).find(|(name, ..)| *name == wanted).map(|(_, gid, _)| gid)
}

fn groups_of(group: &str, user: &str) -> Vec<u32> {
    groups(group).filter(|(_, _, members)| members.split(',').any(|member| member == user)).map(|(_, gid, _)| gid).collect()
}

/// Digits only, and no id that setresuid(2) reads as "leave it as it is": a line of /etc/passwd must not keep anybody root.
fn id(word: &str) -> Option<u32> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|id| digits && *id <= HIGHEST_ID)
}

fn number(word: &str, what: &str) -> Result<u32, String> {
    match id(word) {
        Some(id) => Ok(id),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => Err(format!("{what} {word} is not between 0 and {HIGHEST_ID}")),
        _ => Err(format!("no {what} {word:?} in the container's /etc/{}", if what == "user" { "passwd" } else { "group" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken line\nweb:x:33:33::/var/www:/bin/false\n1000:x:77:77::/n:\n";
    const GROUP: &str = "root:x:0:\nwheel:x:10:root\nwww:x:33:\nlog:x:4:web,root\n";

    fn ids(wish: &str) -> (u32, u32, Vec<u32>) {
        let user = resolve(wish, PASSWD, GROUP).unwrap();
        (user.uid, user.gid, user.groups)
    }

    #[test]
    fn nothing_means_root_with_its_groups() {
        assert_eq!(ids(""), (0, 0, vec![0, 10, 4]));
        assert_eq!(resolve("", PASSWD, GROUP).unwrap().home, "/root");
    }

    #[test]
    fn a_newcomer_gets_a_line_where_neither_number_nor_name_is_taken() {
        let newcomer = |name: &str, id| Newcomer { name: name.to_owned(), uid: id, gid: id };
        assert_eq!(line_of_user(PASSWD, &newcomer("ann", 1001)).as_deref(), Some("ann:x:1001:1001:ann:/:/bin/sh\n"));
        assert_eq!(line_of_user("root:x:0:0::/:", &newcomer("ann", 1)).as_deref(), Some("\nann:x:1:1:ann:/:/bin/sh\n"));
        assert_eq!(line_of_group(GROUP, &newcomer("ann", 1001)).as_deref(), Some("ann:x:1001:\n"));
        for taken in [newcomer("web", 1001), newcomer("ann", 33)] {
            assert_eq!(line_of_user(PASSWD, &taken), None, "{taken:?}");
        }
        for taken in [newcomer("log", 1001), newcomer("ann", 33)] {
            assert_eq!(line_of_group(GROUP, &taken), None, "{taken:?}");
        }
    }

    #[test]
    fn names_and_numbers_mean_the_same_user() {
        assert_eq!(ids("web"), (33, 33, vec![33, 4]));
        assert_eq!(ids("33"), (33, 33, vec![33, 4]));
        assert_eq!(resolve("33", PASSWD, GROUP).unwrap().home, "/var/www");
    }

    #[test]
    fn a_number_that_nobody_has_is_still_a_user() {
        assert_eq!(ids("4711"), (4711, 0, vec![0]));
        assert_eq!(ids("01"), (1, 0, vec![0]));
        assert_eq!(ids("1:2"), (1, 2, vec![2]));
    }

    #[test]
    fn cve_2026_30892_a_name_of_digits_is_never_root() {
        assert_eq!(ids("1000"), (77, 77, vec![77]));
    }

    #[test]
    fn a_line_of_passwd_that_gives_no_real_id_is_no_user() {
        // 4294967295 is -1 to setresuid(2): whoever had it would have stayed root.
        let passwd = "web:x:4294967295:0::/:\nold:x:+5:0::/:\nnew:x:5:4294967295::/:\n";
        for wish in ["web", "old", "new", "+5"] {
            assert!(resolve(wish, passwd, "").is_err(), "{wish}");
        }
        assert!(resolve("5:all", "", "all:x:4294967295:").is_err());
        assert!(resolve("web", "web:x:5:5::/:", "all:x:4294967295:web\n").unwrap().groups == [5]);
    }

    #[test]
    fn cve_2022_36109_a_group_that_is_named_stands_alone_and_among_the_others() {
        assert_eq!(ids("web:wheel"), (33, 10, vec![10]));
        assert_eq!(ids(":33"), (0, 33, vec![33]));
    }

    #[test]
    fn a_group_is_a_name_or_a_number() {
        assert_eq!((group("log", GROUP), group("4711", GROUP), group("33", GROUP)), (Ok(4), Ok(4711), Ok(33)));
        for wanted in ["nogroup", "", "-1", "4294967295"] {
            assert!(group(wanted, GROUP).is_err(), "{wanted:?}");
        }
    }

    #[test]
    fn what_is_nobody_is_refused() {
        for wish in ["nobody", "web:nogroup", "4294967295", "2147483648", "-1", "+1", "web:", "0:-1", " 0"] {
            assert!(resolve(wish, PASSWD, GROUP).is_err(), "{wish:?} was accepted");
        }
    }
}
