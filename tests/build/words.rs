//! What is newer than all builders that Debian has: what comes out stands beside the Dockerfile, after the words of the reference.

use crate::facts::Facts;
use crate::workshop::{Workshop, all, only, pages, settle};

#[test]
fn what_is_newer_is_as_the_reference_says() {
    let pages = only(pages!["newer", "heredocs"]);
    let shop = Workshop::new(&pages);
    let built = all(&pages, |case| (case, shop.build(case)));
    let (mut complaints, mut images) = (Vec::new(), Vec::new());
    for (case, ran) in built {
        match &case.fails {
            None if ran.code == 0 => images.push(case),
            Some(words) if ran.code != 0 && ran.stderr.contains(words) => {}
            _ => complaints.push((case.image(), ran.story())),
        }
    }
    let saved = shop.save(&images);
    for case in images {
        assert!(!case.expect.is_empty(), "{}: nothing is expected", case.image());
        let facts = saved.facts(&case.image()).expect("the image");
        let wrong: Vec<String> = case.expect.iter().filter_map(|(name, value)| differs(&facts, name, value)).collect();
        if !wrong.is_empty() {
            complaints.push((case.image(), format!("\n{}", wrong.join("\n"))));
        }
    }
    settle(&pages, &complaints);
}

/// `nothing`: there is no such fact.
fn differs(facts: &Facts, name: &str, wanted: &str) -> Option<String> {
    let told = facts.get(name).map_or("nothing", String::as_str);
    (told != wanted).then(|| format!("{name}\n    tare: {told}\n    want: {wanted}"))
}
