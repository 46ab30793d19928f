//! An image in the shape of `docker image inspect`.

use serde_json::{Value, json};

/// `raw` is the image's own configuration, as it lies in the store.
pub fn value(id: &str, names: &[String], manifest: &str, size: u64, raw: &Value) -> Value {
    let digests: Vec<String> = names.iter().map(|name| format!("{}@{manifest}", repository(name))).collect();
    let text = |key: &str| raw[key].as_str().unwrap_or("");
    json!({
        "Id": id,
        "RepoTags": names,
        "RepoDigests": digests,
        "Comment": text("comment"),
        "Created": text("created"),
        "Author": text("author"),
        "Architecture": text("architecture"),
        "Variant": text("variant"),
        "Os": text("os"),
        "Size": size,
        "Config": raw["config"],
        "RootFS": { "Type": "layers", "Layers": raw["rootfs"]["diff_ids"] },
        "History": raw["history"],
        "GraphDriver": { "Name": "overlay", "Data": null },
    })
}

/// Without the tag: `localhost:5000/a/b:1` → `localhost:5000/a/b`.
fn repository(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_shown_with_its_own_configuration() {
        let raw = json!({"architecture": "amd64", "os": "linux", "created": "2025-11-21T00:00:00Z", "config": {"Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:1"]}});
        let made = value("sha256:f00", &["localhost:5000/a:1".to_owned()], "sha256:beef", 42, &raw);
        assert_eq!((&made["Id"], &made["Size"], &made["Config"]["Cmd"][0]), (&json!("sha256:f00"), &json!(42), &json!("sh")));
        assert_eq!(made["RepoDigests"][0], "localhost:5000/a@sha256:beef");
        assert_eq!(made["RootFS"]["Layers"], json!(["sha256:1"]));
    }
}
