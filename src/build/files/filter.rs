//! What is left out of a tree: by `.dockerignore`, by `--exclude`, or because `--parents` did not ask for it.

use crate::dockerfile::ignore::Patterns;

/// Patterns, each a later one overruling those before it.
pub trait Filter {
    fn leaves_out(&self, path: &[u8]) -> bool;
    /// Whether something below a directory that is left out may be in again.
    fn may_hold(&self, directory: &[u8]) -> bool;
}

impl Filter for Patterns {
    fn leaves_out(&self, path: &[u8]) -> bool {
        self.excludes(&String::from_utf8_lossy(path))
    }

    fn may_hold(&self, directory: &[u8]) -> bool {
        self.may_hold(&String::from_utf8_lossy(directory))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Take,
    /// A directory that is there only if something below it is.
    Pass,
    Leave,
}

impl Verdict {
    pub fn of(filter: &dyn Filter, path: &[u8], is_directory: bool) -> Verdict {
        match filter.leaves_out(path) {
            false => Verdict::Take,
            true if is_directory && filter.may_hold(path) => Verdict::Pass,
            true => Verdict::Leave,
        }
    }

    /// What two of them say together.
    pub fn and(self, other: impl FnOnce() -> Verdict) -> Verdict {
        match self {
            Verdict::Leave => Verdict::Leave,
            Verdict::Take => other(),
            Verdict::Pass => match other() {
                Verdict::Leave => Verdict::Leave,
                _ => Verdict::Pass,
            },
        }
    }
}
