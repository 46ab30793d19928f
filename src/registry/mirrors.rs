//! Mirrors: others who have what a registry has, and are asked before it. Whatever is wrong with one, the next is asked, and the
//! registry itself comes last; so nobody waits for a mirror, and nobody complains of one.

use crate::error::{Kind, Result};
use crate::registry::known::Known;
use crate::registry::repository::Repository;
use crate::registry::who::door::Door;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Mirror {
    there: Repository,
    is_away: AtomicBool,
}

impl Mirror {
    pub fn all(known: &Known, registry: &str, path: &str) -> Vec<Mirror> {
        // Each with its own login: those of the registry itself are not for others.
        let there = known.mirrors(registry).map(|address| Repository::of_mirror(Door::of_mirror(known, address), path));
        there.map(|there| Mirror { there, is_away: AtomicBool::new(false) }).collect()
    }

    pub fn ask<T>(&self, question: impl FnOnce(&Repository) -> Result<T>) -> Option<T> {
        if self.is_away.load(Ordering::Relaxed) {
            return None;
        }
        match question(&self.there) {
            Ok(answer) => Some(answer),
            Err(error) => {
                // One that only lacks this may have the next.
                self.is_away.store(error.kind() != Kind::NoSuch, Ordering::Relaxed);
                None
            }
        }
    }
}
