//! Paths of the container, as the script names them while it stands outside of its root.

use super::quote;
use std::path::Path;

/// `"$root/etc/hosts"`
pub fn below_root(path: &Path) -> String {
    format!("\"$root{}\"", quote::inside(&path.display().to_string()))
}
