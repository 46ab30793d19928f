//! Building many cases: where their contexts lie, tare's half of the work, and several at a time.

use crate::case::Case;
use crate::common::Store;
use crate::common::process::Ran;
use crate::common::world::busybox_archive;
use crate::facts::Saved;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A page of `table/` by its name.
macro_rules! pages {
    ($($name:literal),* $(,)?) => {
        vec![$(crate::case::page($name, include_str!(concat!("table/", $name, ".txt")))),*]
    };
}
pub(crate) use pages;

/// Does it for each case, several at a time; those that begin with another's image after that one.
pub fn all<'a, T: Send>(pages: &'a [Vec<Case>], what: impl Fn(&'a Case) -> T + Sync) -> Vec<T> {
    let chains = pages.iter().flat_map(|page| page.chunk_by(|_, next| next.follows()));
    let (waiting, done) = (Mutex::new(chains), Mutex::new(Vec::new()));
    let next = || waiting.lock().expect("the cases").next();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(chain) = next() {
                    chain.iter().for_each(|case| {
                        let result = what(case);
                        done.lock().expect("the results").push(result);
                    });
                }
            });
        }
    });
    done.into_inner().expect("the results")
}

/// `TARE_CASES=WORD`: for whoever works on one of them; pages are kept whole up to the last that is wanted.
pub fn only(pages: Vec<Vec<Case>>) -> Vec<Vec<Case>> {
    let Ok(word) = std::env::var("TARE_CASES") else { return pages };
    let wanted = |page: &Vec<Case>| page.iter().rposition(|case| case.image().contains(&word));
    pages.into_iter().filter_map(|mut page| wanted(&page).map(|last| page.drain(..=last).collect())).collect()
}

/// Where everybody works: a store of tare's, and the contexts.
pub struct Workshop {
    store: Store,
    contexts: Vec<(String, PathBuf)>,
    /// Whatever has a later time was made by a build.
    pub fresh: u64,
}

impl Workshop {
    pub fn new(pages: &[Vec<Case>]) -> Workshop {
        let store = Store::empty();
        store.ok(&["load", "-qi", &busybox_archive()]);
        let contexts = pages.iter().flatten().map(|case| (case.image(), case.lay_out(&store))).collect();
        // Times in archives are whole seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        Workshop { store, contexts, fresh: tare::time::now() / 1_000_000_000 }
    }

    pub fn context(&self, case: &Case) -> &Path {
        &self.contexts.iter().find(|(image, _)| *image == case.image()).expect("a context").1
    }

    pub fn build(&self, case: &Case) -> Ran {
        let image = case.image();
        let words = [&["build", "-q", "-t", &image], &case.flags.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat();
        self.store.tare(&[&words[..], &[&self.context(case).to_string_lossy()]].concat())
    }

    pub fn save(&self, cases: &[&Case]) -> Saved {
        let archive = self.store.dir.join("tare.tar");
        let images: Vec<String> = cases.iter().map(|case| case.image()).collect();
        let words = ["save", "-o", &archive.to_string_lossy()];
        self.store.ok(&[&words[..], &images.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        Saved::open(&archive, self.fresh)
    }
}

/// Fails with whatever is wrong and not known (`table/not-yet.txt`), and with what is known there though it is right by now.
pub fn settle(pages: &[Vec<Case>], complaints: &[(String, String)]) {
    let known: Vec<&str> =
        include_str!("table/not-yet.txt").lines().filter_map(|line| line.split_once(" | ")).map(|(image, _)| image).collect();
    let news =
        complaints.iter().filter(|(image, _)| !known.contains(&image.as_str())).map(|(image, text)| format!("=== {image}: {text}\n"));
    let built: Vec<String> = pages.iter().flatten().map(Case::image).collect();
    let is_mended = |image: &&&str| built.iter().any(|one| one == **image) && !complaints.iter().any(|(one, _)| one == **image);
    let mended = known.iter().filter(is_mended).map(|image| format!("=== {image} is right now: take it out of table/not-yet.txt\n"));
    let wrong: Vec<String> = news.chain(mended).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n\n{}", wrong.len(), built.len(), wrong.join("\n"));
}
