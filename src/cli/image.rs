//! An image in the shape of `docker image inspect`.

use crate::image::catalog::Details;
use crate::time;
use serde_json::{Value, json};

/// In Docker's shape.
pub fn describe(details: &Details) -> Value {
    let raw = &details.raw_config;
    let digests: Vec<String> = details
        .names
        .iter()
        .filter_map(|name| name.rsplit_once(':'))
        .map(|(repository, _)| format!("{repository}@{}", details.digest))
        .collect();
    // What was said of the last step is said of the image.
    let comment = raw["comment"].as_str().or_else(|| raw["history"].as_array()?.last()?["comment"].as_str()).unwrap_or_default();
    let created = raw["created"].as_str().and_then(time::parse_rfc3339).map(time::rfc3339);
    json!({
        "Id": details.image.id, "RepoTags": details.names, "RepoDigests": digests, "Comment": comment,
        "Created": created.unwrap_or_default(), "Author": raw["author"].as_str().unwrap_or(""), "Architecture": raw["architecture"], "Os": raw["os"],
        "Size": details.size, "Config": raw["config"],
        "RootFS": {"Type": "layers", "Layers": raw["rootfs"]["diff_ids"]},
    })
}
