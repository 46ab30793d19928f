//! Which tare has written the store: a newer one may keep things that this one would lose, or read wrongly.
//!
//! Two lines of text, whose form never changes: the number of the layout, which is raised when an older tare could spoil something,
//! and the newest version that was here, so that a person can be told which one he needs. Without the file it is the first layout.

use crate::error::{Error, Kind, Result};
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::{Errno, file};

const LAYOUT: u32 = 1;
const OURS: &str = env!("CARGO_PKG_VERSION");

const LONGEST: u64 = 256;

/// Before anything is changed, and before anything is believed. One small read, because every start pays for it.
pub fn check(paths: &Paths) -> Result<()> {
    let written = match file::read_bounded(&paths.version(), LONGEST) {
        Ok(text) => parse(&String::from_utf8_lossy(&text)),
        Err(Errno::ENOENT) => None,
        // Whoever may not read it may not read the rest either, and will be told so.
        Err(_) => return Ok(()),
    };
    match written {
        Some(written) if written.layout > LAYOUT => Err(Error::new(Kind::Newer, "cannot use this store")
            .because(format!("tare {} has written it (layout {})", written.tare, written.layout))
            .because(format!("this is tare {OURS} (layout {LAYOUT})"))
            .hint(format!("take tare {} or newer, or another store: --root DIR", written.tare))),
        Some(written) if order(&written.tare) >= order(OURS) => Ok(()),
        // A store that cannot be written can be read all the same.
        _ if paths.root().is_dir() => {
            let _ = store::write(&paths.version(), format!("layout {LAYOUT}\ntare {OURS}\n").as_bytes(), Durable::No);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// For a record that has more in it than this version knows: whose it is.
pub fn story(paths: &Paths) -> String {
    let text = file::read_bounded(&paths.version(), LONGEST).unwrap_or_default();
    match parse(&String::from_utf8_lossy(&text)) {
        Some(written) if order(&written.tare) > order(OURS) => {
            format!("tare {} has written this store, and this is tare {OURS}", written.tare)
        }
        _ => format!("this is tare {OURS}"),
    }
}

struct Written {
    layout: u32,
    tare: String,
}

/// `None`: nothing that any version has written whole.
fn parse(text: &str) -> Option<Written> {
    let line = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    Some(Written { layout: line("layout")?.parse().ok()?, tare: line("tare")?.to_owned() })
}

/// `0.10.0` comes after `0.9.1`.
fn order(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_with(name: &str, text: Option<&str>) -> Paths {
        let root = std::env::temp_dir().join(format!("tare-version-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&root);
        store::make_dirs(&root).unwrap();
        let paths = Paths::new(&root, root.join("run"));
        if let Some(text) = text {
            std::fs::write(paths.version(), text).unwrap();
        }
        paths
    }

    #[test]
    fn a_newer_layout_is_refused_and_both_versions_are_named() {
        let paths = store_with("newer", Some("layout 2\ntare 12.3.4\nsomething later\n"));
        let error = check(&paths).unwrap_err();
        assert!(error.kind() == Kind::Newer && error.to_string().contains("12.3.4") && error.to_string().contains(OURS), "{error}");
        file::remove_tree(paths.root()).unwrap();
    }

    #[test]
    fn the_newest_version_is_remembered() {
        for before in [None, Some("layout 1\ntare 0.0.1\n"), Some("lay"), Some("")] {
            let paths = store_with("older", before);
            check(&paths).unwrap();
            assert_eq!(std::fs::read_to_string(paths.version()).unwrap(), format!("layout {LAYOUT}\ntare {OURS}\n"), "{before:?}");
            file::remove_tree(paths.root()).unwrap();
        }
        let paths = store_with("same-layout", Some("layout 1\ntare 99.0.0\n"));
        check(&paths).unwrap();
        assert!(story(&paths).contains("99.0.0"));
        file::remove_tree(paths.root()).unwrap();
    }

    #[test]
    fn versions_are_numbers() {
        assert!(order("0.10.0") > order("0.9.1") && order("1.0.0") == order("1.0.0-rc"));
    }
}
