//! All containers, newest first.

use crate::engine::find;
use crate::error::Result;
use crate::paths::Paths;
use crate::record::Seen;

/// One that cannot be read does not hide the others.
pub fn containers(paths: &Paths) -> Result<Vec<Seen>> {
    let mut all: Vec<Seen> = find::ids(paths)?.iter().filter_map(|id| find::by_id(paths, id).ok().flatten()).collect();
    all.sort_by_key(|seen| std::cmp::Reverse(seen.record.created));
    Ok(all)
}
