//! Names of containers and volumes: which are allowed, one at random when none was given, and which ones were perhaps meant.

use crate::error::{Error, Result};

/// Longer names do not fit a file name together with what we append to it (NAME_MAX is 255).
const LONGEST: usize = 200;

/// A name is also a file name and part of a path, so it is made of few letters and never begins with a dot.
pub fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    let first = letters.next().is_some_and(|letter| letter.is_ascii_alphanumeric());
    let rest = letters.len() > 0 && letters.all(|letter| letter.is_ascii_alphanumeric() || b"_.-".contains(&letter));
    first && rest && name.len() <= LONGEST
}

pub fn check(name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    Err(Error::usage(format!("{name:?} is no name for a container"))
        .hint(format!("two to {LONGEST} letters, digits, underscores, dots and dashes, beginning with a letter or digit")))
}

/// `quiet_otter`; equal numbers give equal names. `attempt` counts how often a name was taken already.
pub fn random(number: u64, attempt: u32) -> String {
    let adjective = ADJECTIVES[(number % ADJECTIVES.len() as u64) as usize];
    let noun = NOUNS[(number / ADJECTIVES.len() as u64 % NOUNS.len() as u64) as usize];
    // After a few tries the words are probably used up; a number makes room.
    if attempt < 4 { format!("{adjective}_{noun}") } else { format!("{adjective}_{noun}{}", number >> 40 & 0xffff) }
}

/// The names nearest to what was typed, best first, at most three; none that is too far to have been meant.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if typed.len() > LONGEST {
        return Vec::new();
    }
    let allowed = match typed.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .filter_map(|name| {
            let begins = typed.len() >= 3 && name.starts_with(typed);
            let distance = if begins { 0 } else { distance(typed, name) };
            (distance <= allowed && distance < name.chars().count()).then_some((distance, name))
        })
        .collect();
    found.sort();
    // Beside a very near name, a far one would only confuse.
    let near = found.first().map_or(0, |(best, _)| best + 1);
    found.into_iter().take_while(|(distance, _)| *distance <= near).take(3).map(|(_, name)| name).collect()
}

/// The hint for something that was not found: `did you mean web1 or web2?`
pub fn did_you_mean<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    match nearest(typed, names)[..] {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [one, two] => Some(format!("did you mean {one} or {two}?")),
        [one, two, three, ..] => Some(format!("did you mean {one}, {two} or {three}?")),
    }
}

/// The hint for a value that is none of these: the one that was perhaps meant, or all.
pub fn one_of(typed: &str, words: &[&str]) -> String {
    // Capitals are a matter of taste, and make nothing less near.
    did_you_mean(&typed.to_ascii_lowercase(), words.iter().copied()).unwrap_or_else(|| format!("one of {}", words.join(", ")))
}

/// How many letters must be added, removed, changed or swapped with their neighbour (Damerau and Levenshtein, restricted).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for row in 1..=one.len() {
        let mut line = vec![row];
        for column in 1..=other.len() {
            let change = usize::from(one[row - 1] != other[column - 1]);
            let mut best = (last[column] + 1).min(line[column - 1] + 1).min(last[column - 1] + change);
            if row > 1 && column > 1 && one[row - 1] == other[column - 2] && one[row - 2] == other[column - 1] {
                let swapped: &Vec<usize> = &before;
                best = best.min(swapped[column - 2] + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut last, line);
    }
    last[other.len()]
}

const ADJECTIVES: &[&str] = &[
    "amber", "ample", "azure", "balmy", "blithe", "bold", "brisk", "bronze", "calm", "candid", "cheery", "chief", "civil", "clear",
    "clever", "coral", "cosy", "crisp", "curious", "dapper", "daring", "deft", "dewy", "eager", "early", "earnest", "easy", "fair",
    "fleet", "fond", "frank", "fresh", "gentle", "gilded", "glad", "golden", "grand", "hardy", "hazel", "hearty", "humble", "ivory",
    "jolly", "jovial", "keen", "kind", "lanky", "light", "lively", "loyal", "lucid", "lunar", "mellow", "merry", "mild", "misty", "modest",
    "neat", "nimble", "noble", "olive", "patient", "pearly", "placid", "plucky", "polite", "prompt", "proud", "quick", "quiet", "ready",
    "rosy", "rustic", "sandy", "serene", "sharp", "silent", "silver", "sleek", "snowy", "snug", "solar", "spry", "steady", "still",
    "sturdy", "sunny", "swift", "tidy", "tranquil", "trim", "trusty", "upbeat", "velvet", "vivid", "warm", "wise", "witty", "woolly",
    "zesty",
];

const NOUNS: &[&str] = &[
    "acorn", "alder", "alpaca", "anchor", "aspen", "badger", "beacon", "beaver", "birch", "bison", "bramble", "brook", "canoe", "caribou",
    "cedar", "clover", "cobble", "comet", "condor", "cove", "crane", "cricket", "delta", "dingo", "dolphin", "dune", "eagle", "egret",
    "elm", "ember", "falcon", "fern", "ferret", "finch", "fjord", "fox", "gecko", "glacier", "grouse", "harbor", "hare", "hazelnut",
    "heron", "hill", "ibex", "iris", "island", "jackdaw", "juniper", "kestrel", "kiwi", "lagoon", "lantern", "larch", "lark", "lemur",
    "lichen", "lynx", "magpie", "maple", "marmot", "marten", "meadow", "mole", "moose", "moss", "newt", "oak", "orchard", "osprey",
    "otter", "owl", "panda", "pebble", "pelican", "pine", "plover", "pony", "puffin", "quail", "rabbit", "raven", "reed", "ridge", "robin",
    "salmon", "seal", "sparrow", "spruce", "squirrel", "stork", "swan", "thistle", "tortoise", "trout", "valley", "walnut", "willow",
    "wombat", "wren",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names_too() {
        for good in ["ab", "web1", "a.b-c_d", "0x", &"a".repeat(200)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "a", ".a", "-a", "_a", "a/b", "..", "a b", "a\n", "ä1", "a:b", &"a".repeat(201)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn random_names_are_valid_and_differ() {
        let mut seen = std::collections::HashSet::new();
        for number in 0..10_000 {
            let name = random(number, 0);
            check(&name).unwrap();
            assert!(seen.insert(name));
        }
        assert_ne!(random(1 << 41, 4), random(1 << 42, 4));
    }

    #[test]
    fn no_word_is_twice_in_its_list() {
        for list in [ADJECTIVES, NOUNS] {
            let set: std::collections::HashSet<_> = list.iter().collect();
            assert_eq!(set.len(), list.len());
            assert_eq!(list.len(), 100);
        }
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("wbe1", ["web1", "db", "web2"]), ["web1", "web2"]);
        assert_eq!(nearest("alpin", ["alpine", "busybox"]), ["alpine"]);
        assert_eq!(nearest("quiet", ["quiet_otter"]), ["quiet_otter"]);
        assert!(nearest("xyz", ["web1", "a"]).is_empty());
        assert_eq!(did_you_mean("wbe1", ["web1", "web2"]).unwrap(), "did you mean web1 or web2?");
        assert_eq!(did_you_mean("nothing", ["web1"]), None);
        assert_eq!(one_of("ALWYS", &["always", "never"]), "did you mean always?");
        assert_eq!(one_of("x", &["always", "never"]), "one of always, never");
    }
}
