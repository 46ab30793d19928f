//! Names of images: `[registry/]path[:tag][@digest]`, short as people type them.

use crate::error::{Error, Result};

/// A name as it is kept and shown: `docker.io/library/` is left out, the tag never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub repository: String,
    pub tag: String,
    /// `sha256:…`, where one was given.
    pub digest: Option<String>,
}

const LONGEST: usize = 255;

impl Reference {
    pub fn parse(text: &str) -> Result<Reference> {
        let wrong = |why: &str| Error::usage(format!("invalid image name {text:.100?}")).because(why.to_owned());
        if text.is_empty() || text.len() > LONGEST + 200 {
            return Err(wrong("it must have 1 to 255 characters"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (text, None),
        };
        if let Some(digest) = &digest {
            super::digest::hex_of(digest)
                .map_err(|error| error.context(format!("invalid image name {text:.100?}")).of_kind(crate::error::Kind::Usage))?;
        }
        // A colon behind the last slash begins the tag; before it, a port.
        let (path, tag) = match name.rfind(':').filter(|colon| !name[*colon..].contains('/')) {
            Some(colon) => (&name[..colon], &name[colon + 1..]),
            None => (name, "latest"),
        };
        if !is_tag(tag) {
            return Err(wrong("a tag has letters, digits, dots, dashes and underscores, 128 at most"));
        }
        let (registry, path) = split_registry(path);
        if path.is_empty() || path.len() > LONGEST || !path.split('/').all(is_component) {
            return Err(wrong("a name has small letters and digits, separated by dots, dashes, underscores and slashes"));
        }
        if let Some(registry) = registry.filter(|registry| !is_registry(registry)) {
            return Err(wrong("the registry's name makes no sense")).map_err(|error| error.because(registry.to_owned()));
        }
        let repository = match registry {
            None | Some("docker.io" | "index.docker.io") => path.strip_prefix("library/").unwrap_or(path).to_owned(),
            Some(registry) => format!("{registry}/{path}"),
        };
        Ok(Reference { repository, tag: tag.to_owned(), digest })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

/// The first part is a registry if it could be a host: with a dot, a port, or called localhost.
fn split_registry(path: &str) -> (Option<&str>, &str) {
    match path.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
        _ => (None, path),
    }
}

fn is_registry(text: &str) -> bool {
    let host = text.split_once(':').map_or(text, |(host, port)| if port.parse::<u16>().is_ok() { host } else { "" });
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

fn is_tag(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&text.len()) && plain(text.as_bytes()[0]) && text.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'-'))
}

fn is_component(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.as_bytes().first().is_some_and(plain)
        && text.as_bytes().last().is_some_and(plain)
        && text.bytes().all(|byte| plain(&byte) || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_people_type_them() {
        for (typed, shown) in [
            ("busybox", "busybox:latest"),
            ("docker.io/library/busybox:1.36", "busybox:1.36"),
            ("bitnami/redis", "bitnami/redis:latest"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
            ("ghcr.io/x/y", "ghcr.io/x/y:latest"),
        ] {
            assert_eq!(Reference::parse(typed).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let long = "a".repeat(500);
        for bad in
            ["", "Busybox", "a//b", "-a", "a:", "a:b c", "a/../b", "/a", "a@sha256:12", "a@md5:1", long.as_str(), "http://x/y", "a b"]
        {
            assert!(Reference::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
