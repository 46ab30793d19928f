//! `--annotation`: what the manifest of an image says beside what the image needs.

use crate::error::{Error, Result};

/// What BuildKit's users may write before a name.
const OTHER_PLACES: [&str; 3] = ["index", "index-descriptor", "manifest-descriptor"];

/// `NAME=VALUE` or `manifest:NAME=VALUE`
pub fn parse(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').ok_or_else(|| Error::usage("there is no =").hint("write NAME=VALUE"))?;
    let name = match name.split_once(':') {
        Some(("manifest", name)) => name,
        Some((place, _)) if OTHER_PLACES.contains(&place.split('[').next().unwrap_or_default()) => {
            return Err(Error::cannot_keep(format!("there is no {place} to be annotated"))
                .because("a build makes one image, and no list of images")
                .hint("write NAME=VALUE, for its manifest"));
        }
        Some((place, _)) if place.starts_with("manifest[") => {
            return Err(Error::cannot_keep(format!("{place} is one of several"))
                .because("a build makes one image, for one platform")
                .hint("write NAME=VALUE"));
        }
        _ => name,
    };
    match name.is_empty() {
        true => Err(Error::usage("there is no name before the =").hint("write NAME=VALUE")),
        false => Ok((name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_what_can_be_annotated() {
        let some = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(parse("a=b=c").ok(), some("a", "b=c"));
        assert_eq!(parse("manifest:a=").ok(), some("a", ""));
        assert_eq!(parse("org.example:a=b").ok(), some("org.example:a", "b"), "only the known words are places");
        for wrong in
            ["", "a", "=b", "manifest:=b", "index:a=b", "manifest-descriptor:a=b", "index[linux/arm64]:a=b", "manifest[linux/arm64]:a=b"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
