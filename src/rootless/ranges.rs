//! /etc/subuid and /etc/subgid: which ids an ordinary user may give to others in a namespace of his. Text in, ranges out.

/// First id, how many.
pub type Owned = (u32, u32);

/// Those of one user, who stands there by name or by number. A line that is none is nobody's: newuidmap reads it the same way.
pub fn of_user(text: &str, name: Option<&str>, uid: u32) -> Vec<Owned> {
    let number = uid.to_string();
    let range = |line: &str| {
        let mut parts = line.trim().split(':');
        let (who, first, count) = (parts.next()?, parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?);
        let is_his = Some(who) == name || who == number;
        (is_his && count > 0 && first.checked_add(count).is_some() && parts.next().is_none()).then_some((first, count))
    };
    text.lines().filter_map(range).collect()
}

/// As many as everybody is usually given, and as images expect: the last is nobody.
pub const USUAL: u32 = 65_536;

/// The first of USUAL ids behind those of everybody in these files, where useradd(8) would look, too.
pub fn first_free(texts: &[&str]) -> u32 {
    const FIRST: u32 = 100_000;
    let end = |line: &str| {
        let mut numbers = line.trim().split(':').skip(1).map(str::parse::<u32>);
        numbers.next()?.ok()?.checked_add(numbers.next()?.ok()?)
    };
    let last = texts.iter().flat_map(|text| text.lines()).filter_map(end).max().unwrap_or(FIRST).max(FIRST);
    if last > u32::MAX - USUAL { FIRST } else { last }
}

/// The name that /etc/passwd has for a number.
pub fn name_of(passwd: &str, uid: u32) -> Option<&str> {
    line_of(passwd, uid)?.next()
}

/// And the directory; one that is no absolute path is none.
pub fn home_of(passwd: &str, uid: u32) -> Option<&str> {
    line_of(passwd, uid)?.nth(5).filter(|home| home.starts_with('/'))
}

fn line_of(passwd: &str, uid: u32) -> Option<impl Iterator<Item = &str>> {
    let is_his = |line: &&str| line.split(':').nth(2).is_some_and(|number| number.parse() == Ok(uid));
    passwd.lines().find(is_his).map(|line| line.split(':'))
}

/// The whole map: the user is root inside, and his further ids follow from 1 on, in their order. As in user_namespaces(7): first
/// inside, first outside, how many.
pub fn map(own: u32, further: &[Owned]) -> Vec<(u32, u32, u32)> {
    let mut map = vec![(0, own, 1)];
    let mut next: u32 = 1;
    for (first, count) in further {
        let Some(after) = next.checked_add(*count) else { break };
        map.push((next, *first, *count));
        next = after;
    }
    map
}

/// The same where everybody is who he is outside.
pub fn map_to_themselves(own: u32, further: &[Owned]) -> Vec<(u32, u32, u32)> {
    let mut map: Vec<(u32, u32, u32)> = vec![(own, own, 1)];
    for (first, count) in further {
        let overlaps = |(other, _, length): &(u32, u32, u32)| *first < other + length && *other < first + count;
        if !map.iter().any(overlaps) {
            map.push((*first, *first, *count));
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_meant_by_name_or_number() {
        let text = "ann:100000:65536\nbob:165536:65536\n1000:300000:10\n\n# no line\nann:x:1\nann:5:0\nann:4294967295:2\nann:1:2:3\n";
        assert_eq!(of_user(text, Some("ann"), 1000), [(100_000, 65_536), (300_000, 10)]);
        assert_eq!(of_user(text, None, 1001), []);
        assert_eq!(of_user(text, Some("bob"), 1001), [(165_536, 65_536)]);
    }

    #[test]
    fn what_is_suggested_belongs_to_nobody() {
        assert_eq!(first_free(&["", "# x\n"]), 100_000);
        assert_eq!(first_free(&["ann:100000:65536\nbob:300000:10\n", "ann:100000:65536\n"]), 300_010);
        assert_eq!(first_free(&["ann:500:7\n", "bad:1:x\n"]), 100_000);
    }

    #[test]
    fn a_name_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000), Some("ann"));
        assert_eq!(name_of(passwd, 7), None);
        assert_eq!((home_of(passwd, 1000), home_of("x:x:5:5::", 5)), (Some("/home/ann"), None));
    }

    #[test]
    fn ranges_follow_each_other_inside() {
        assert_eq!(map(1000, &[]), [(0, 1000, 1)]);
        assert_eq!(map(1000, &[(100_000, 65_536), (300_000, 10)]), [(0, 1000, 1), (1, 100_000, 65_536), (65_537, 300_000, 10)]);
        assert_eq!(map(1000, &[(7, 7), (0, u32::MAX)]).len(), 2, "what does not fit is left out");
    }
}
