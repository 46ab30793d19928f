//! What is newer than all builders that Debian has: what comes out stands beside the Dockerfile, after the words of the reference.

use crate::facts::Facts;
use crate::workshop::{Workshop, all, only, pages};

#[test]
fn what_is_newer_is_as_the_reference_says() {
    let pages = only(pages!["newer", "heredocs"]);
    let shop = Workshop::new(&pages);
    let built = all(&pages, |case| (case, shop.build(case)));
    let mut complaints = Vec::new();
    let mut images = Vec::new();
    for (case, ran) in built {
        match &case.fails {
            None if ran.code == 0 => images.push(case),
            Some(words) if ran.code != 0 && ran.stderr.contains(words) => {}
            _ => complaints.push(format!("=== {}: {}\n", case.image(), ran.story())),
        }
    }
    let saved = shop.save(&images);
    for case in images {
        let facts = saved.facts(&case.image()).expect("the image");
        let wrong: Vec<String> = case.expect.iter().filter_map(|(name, value)| differs(&facts, name, value)).collect();
        assert!(!case.expect.is_empty(), "{}: nothing is expected", case.image());
        if !wrong.is_empty() {
            let told: Vec<String> = facts.iter().filter(|(name, _)| !name.starts_with("layer 1 /") && !name.starts_with('/')).map(|(name, value)| format!("{name}: {value}")).collect();
            complaints.push(format!("=== {}\n{}\nall that is above the lowest layer:\n{}\n", case.image(), wrong.join("\n"), told.join("\n")));
        }
    }
    assert!(complaints.is_empty(), "{} of {} cases:\n\n{}", complaints.len(), pages.iter().flatten().count(), complaints.join("\n"));
}

/// `nothing`: there is no such fact.
fn differs(facts: &Facts, name: &str, wanted: &str) -> Option<String> {
    let told = facts.get(name).map_or("nothing", String::as_str);
    (told != wanted).then(|| format!("{name}\n    tare: {told}\n    want: {wanted}"))
}
