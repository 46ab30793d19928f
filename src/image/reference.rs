//! Names of images, as `registry/path:tag@digest`: taken apart, filled up, and shown as short as people type them.

use crate::error::{Error, Result};
use crate::image::digest;
use std::fmt;

const HUB: &str = "docker.io";
/// What a registry takes at most, path and host together.
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

/// A name that is whole: `busybox` has become `docker.io/library/busybox:latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub registry: String,
    pub path: String,
    /// `None` only when a digest was given and no tag.
    pub tag: Option<String>,
    /// `sha256:…`
    pub digest: Option<String>,
}

impl Reference {
    pub fn parse(text: &str) -> Result<Reference> {
        let wrong = |cause: &str| {
            // Not a mistake in the flags, so the exit code is that of an image that cannot be had.
            Error::failed(format!("{} is no name of an image", digest::shown(text)))
                .because(cause.to_owned())
                .hint("write it like busybox, busybox:1.36 or registry.example.com:5000/team/app:2")
        };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (
                rest,
                Some(
                    digest::hex_of(digest)
                        .map(|_| digest.to_owned())
                        .map_err(|_| wrong("its digest is not sha256: and 64 small hex digits"))?,
                ),
            ),
            None => (text, None),
        };
        // A colon after the last slash begins the tag; one before it is the registry's port.
        let colon = rest.rfind(':').filter(|colon| !rest[*colon..].contains('/'));
        let (name, tag) = colon.map_or((rest, None), |colon| (&rest[..colon], Some(&rest[colon + 1..])));
        if let Some(tag) = tag {
            check_tag(tag).map_err(wrong)?;
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, path)) if is_registry(first) => (first, path.to_owned()),
            Some(_) => (HUB, name.to_owned()),
            None => (HUB, format!("library/{name}")),
        };
        let registry = if registry == "index.docker.io" { HUB } else { registry };
        let path = if registry == HUB && !path.contains('/') { format!("library/{path}") } else { path };
        check_registry(registry).map_err(wrong)?;
        path.split('/').try_for_each(check_component).map_err(wrong)?;
        if registry.len() + path.len() >= LONGEST_NAME {
            return Err(wrong("it is longer than 255 letters"));
        }
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Reference { registry: registry.to_owned(), path, tag, digest })
    }

    /// Without tag and digest, short: what `images` shows as the repository.
    pub fn repository(&self) -> String {
        match (self.registry.as_str(), self.path.strip_prefix("library/")) {
            (HUB, Some(short)) if !short.contains('/') => short.to_owned(),
            // Without its registry it would be read as a name at another one: `docker.io/evil.example/app` is not evil.example's.
            (HUB, _) if self.path.split('/').next().is_some_and(is_registry) => format!("{HUB}/{}", self.path),
            (HUB, _) => self.path.clone(),
            _ => format!("{}/{}", self.registry, self.path),
        }
    }
}

/// Short, as Docker shows it; parsing it again gives the same reference.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// What stands before the first slash is a host if it looks like one.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

fn check_tag(tag: &str) -> Result<(), &'static str> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match tag.as_bytes() {
        [] => Err("its tag is empty"),
        tag if tag.len() > LONGEST_TAG => Err("its tag is longer than 128 letters"),
        [first, rest @ ..] if word(*first) && rest.iter().all(|byte| word(*byte) || matches!(byte, b'.' | b'-')) => Ok(()),
        _ => Err("its tag holds other letters than a-z, A-Z, 0-9, _, . and -, or begins with . or -"),
    }
}

/// Small letters and digits; between them one dot, one or two underscores, or dashes.
fn check_component(component: &str) -> Result<(), &'static str> {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    if bytes.is_empty() {
        return Err("a part of its path is empty");
    }
    if bytes.iter().any(u8::is_ascii_uppercase) {
        return Err("its path must be in small letters");
    }
    let mut between =
        component.split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit()).filter(|part| !part.is_empty());
    let separators = between.all(|part| matches!(part, "." | "_" | "__") || part.bytes().all(|byte| byte == b'-'));
    match bytes.first().is_some_and(word) && bytes.last().is_some_and(word) && separators {
        true => Ok(()),
        false => Err("its path holds other letters than a-z, 0-9 and single . _ - between them"),
    }
}

fn check_registry(registry: &str) -> Result<(), &'static str> {
    let (host, port) = registry.split_once(':').map_or((registry, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.parse::<u16>().is_err() || port.starts_with('+')) {
        return Err("its registry's port is no number up to 65535");
    }
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if host.split('.').all(label) { Ok(()) } else { Err("its registry is no host name") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, Option<String>) {
        let reference = Reference::parse(text).unwrap();
        (reference.registry, reference.path, reference.tag)
    }

    #[test]
    fn short_names_are_filled_up_and_shown_short() {
        let latest = || Some("latest".to_owned());
        assert_eq!(parts("busybox"), ("docker.io".into(), "library/busybox".into(), latest()));
        assert_eq!(parts("docker.io/busybox"), parts("busybox"));
        assert_eq!(parts("index.docker.io/library/busybox"), parts("busybox"));
        assert_eq!(parts("team/app:2"), ("docker.io".into(), "team/app".into(), Some("2".into())));
        assert_eq!(parts("localhost/app"), ("localhost".into(), "app".into(), latest()));
        assert_eq!(parts("reg.example.com:5000/a/b/c"), ("reg.example.com:5000".into(), "a/b/c".into(), latest()));
        for (typed, shown) in
            [("busybox", "busybox:latest"), ("docker.io/library/busybox:1", "busybox:1"), ("docker.io/team/app", "team/app:latest")]
        {
            assert_eq!(Reference::parse(typed).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_shown_means_the_same_again() {
        for text in ["a", "a/b", "localhost:5000/a:x", "docker.io/library/a/b", "r.io/library/a", "a__b/c--d.e:T_1"] {
            let once = Reference::parse(text).unwrap();
            assert_eq!(Reference::parse(&once.to_string()).unwrap(), once, "{text}");
        }
    }

    #[test]
    fn a_path_that_looks_like_a_registry_keeps_its_own() {
        for text in ["docker.io/localhost/app", "docker.io/docker.io/a/b", "docker.io/evil.example/app"] {
            let once = Reference::parse(text).unwrap();
            assert_eq!(once.to_string(), format!("{text}:latest"));
            assert_eq!(Reference::parse(&once.to_string()).unwrap(), once);
        }
    }

    #[test]
    fn a_digest_needs_no_tag() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let reference = Reference::parse(&format!("busybox@{digest}")).unwrap();
        assert_eq!((reference.tag, reference.digest), (None, Some(digest)));
        assert!(Reference::parse("busybox@sha256:abc").is_err());
    }

    #[test]
    fn what_is_no_name_says_why() {
        let long = "a/".repeat(200) + "a";
        for wrong in [
            "",
            "Busybox",
            "a:",
            "a:-x",
            "a b",
            "../a",
            "a//b",
            "/a",
            "a/",
            "a:tag:tag",
            "-a",
            "a___b",
            "a..b",
            "r.io:99999/a",
            "a\u{1b}",
            &long,
        ] {
            assert!(Reference::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Reference::parse(&format!("a:{}", "t".repeat(129))).is_err());
        assert_eq!(
            Reference::parse("Busybox").unwrap_err().to_string(),
            "\"Busybox\" is no name of an image: its path must be in small letters"
        );
    }
}
