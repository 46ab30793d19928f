//! Which store a command uses: the one that it names (`--root`, `--run-dir`), else the environment's, else the user's own.
//!
//! Asked before the line is parsed as a whole, because an ordinary user's tare must have become root of a namespace by then.

use crate::paths::Paths;
use crate::rootless::places;
use std::path::{Path, PathBuf};

/// `options`: the words before the command.
pub fn named(options: &[String]) -> Paths {
    let usual = places::usual();
    let of = |flag: &str, variable: &str, usual: &Path| {
        let with_equals = format!("{flag}=");
        let typed = options.iter().enumerate().find_map(|(at, word)| {
            word.strip_prefix(&with_equals).map(str::to_owned).or_else(|| (word == flag).then(|| options.get(at + 1).cloned()).flatten())
        });
        let told = typed.or_else(|| std::env::var(variable).ok().filter(|value| !value.is_empty()));
        told.map_or_else(|| usual.to_owned(), PathBuf::from)
    };
    Paths::new(of("--root", "TARE_ROOT", usual.root()), of("--run-dir", "TARE_RUN", usual.run()))
}
