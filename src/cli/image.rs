//! An image in the shape of `docker image inspect`.

use crate::image::catalog::Details;
use crate::image::documents::Descriptor;
use crate::image::remote::Remote;
use crate::time;
use serde_json::{Value, json};

/// In Docker's shape.
pub fn describe(details: &Details) -> Value {
    let raw = &details.raw_config;
    // One that was fetched by a digest has no tag.
    let (by_digest, tagged): (Vec<&String>, Vec<&String>) = details.names.iter().partition(|name| name.contains('@'));
    let repositories = tagged.iter().filter_map(|name| name.rsplit_once(':'));
    let digests: Vec<String> =
        repositories.map(|(repository, _)| format!("{repository}@{}", details.digest)).chain(by_digest.into_iter().cloned()).collect();
    // What was said of the last step is said of the image.
    let comment = raw["comment"].as_str().or_else(|| raw["history"].as_array()?.last()?["comment"].as_str()).unwrap_or_default();
    let created = raw["created"].as_str().and_then(time::parse_rfc3339).map(time::rfc3339);
    let mut described = json!({
        "Id": details.image.id, "RepoTags": tagged, "RepoDigests": digests, "Comment": comment,
        "Created": created.unwrap_or_default(), "Author": raw["author"].as_str().unwrap_or(""), "Architecture": raw["architecture"], "Os": raw["os"],
        "Size": details.size, "Config": raw["config"],
        "RootFS": {"Type": "layers", "Layers": raw["rootfs"]["diff_ids"]},
    });
    // Few machines have any.
    if let Some(variant) = raw["variant"].as_str().filter(|variant| !variant.is_empty()) {
        described["Variant"] = json!(variant);
    }
    described
}

/// The same of an image at its registry: `Size` is what would come over the line, and the layers are told as they lie there.
pub fn describe_remote(found: &Remote) -> Value {
    let mut value = describe(&found.details);
    value["Descriptor"] = json!(found.top);
    let layer = |layer: &Descriptor| json!({"MIMEType": layer.media_type, "Digest": layer.digest, "Size": layer.size});
    value["LayersData"] = found.layers.iter().map(layer).collect();
    value
}
