//! All containers, newest first.

use crate::engine::find;
use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::record::Seen;

/// One that cannot be read does not hide the others; whoever may read none of them is told so, and not that there are none.
pub fn containers(paths: &Paths) -> Result<Vec<Seen>> {
    for dir in [paths.kept_containers(), paths.live_containers()] {
        match std::fs::read_dir(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => return Err(e).context("cannot read the list of containers"),
            _ => {}
        }
    }
    let mut all: Vec<Seen> = find::ids(paths).iter().filter_map(|id| find::by_id(paths, id).ok().flatten()).collect();
    all.sort_by_key(|seen| std::cmp::Reverse(seen.record.created));
    Ok(all)
}
