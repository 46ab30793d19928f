//! What is said of a volume itself, by `volume create` and by the container that makes it: its driver and the driver's options.

use crate::error::{Error, Result};
use std::path::PathBuf;

/// There is one driver, and no plugins.
pub fn check_driver(name: &str) -> Result<()> {
    match name {
        "" | "local" => Ok(()),
        _ => Err(Error::cannot_keep(format!("there is no volume driver {name}"))
            .hint("leave it out: directories of this machine are all there is")),
    }
}

/// `-o KEY=VALUE`
pub fn parse_option(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').ok_or_else(|| Error::usage("there is no =").hint("for example device=/srv/data"))?;
    if !["type", "o", "device"].contains(&key) {
        return Err(Error::usage(format!("unknown option {key:?}")).hint("type, o or device"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// The directory that a volume stands for instead of having one of its own: `type=none,o=bind,device=/srv/data`.
///
/// Docker mounts what such options name on the host while a container uses it. Nothing of ours is ever mounted on the host, so
/// what is more than a directory is refused.
pub fn device(options: &[(String, String)]) -> Result<Option<PathBuf>> {
    let word = |wanted: &str| options.iter().rev().find(|(key, _)| key == wanted).map_or("", |(_, value)| value.as_str());
    if options.is_empty() {
        return Ok(None);
    }
    let kind = word("type");
    let (binds, others): (Vec<&str>, Vec<&str>) =
        word("o").split(',').filter(|option| !option.is_empty()).partition(|option| ["bind", "rbind"].contains(option));
    match kind {
        "" | "none" | "bind" => {}
        "tmpfs" => {
            return Err(Error::cannot_keep("a volume of type tmpfs cannot be made")
                .hint("give each container its own: --mount type=tmpfs,target=/path"));
        }
        _ => {
            return Err(Error::cannot_keep(format!("a volume of type {kind} cannot be made"))
                .hint("mount it on this machine, and give device=PATH with o=bind"));
        }
    }
    if let Some(other) = others.first() {
        return Err(Error::cannot_keep(format!("option {other:?} of a volume cannot be kept")).hint("only o=bind"));
    }
    if binds.is_empty() && kind != "bind" {
        return Err(Error::usage("a volume with options needs to know what they mean")
            .hint("for example -o type=none -o o=bind -o device=/srv/data"));
    }
    match word("device") {
        device if device.starts_with('/') => Ok(Some(device.into())),
        "" => Err(Error::usage("there is no device").hint("add device=/path")),
        device => Err(Error::usage(format!("device {device:?} is not an absolute path"))),
    }
}

/// `CONTAINER[:ro|rw]`: the container, and whether its volumes are only to be read (`None`: as they are there).
pub fn parse_volumes_from(text: &str) -> Result<(&str, Option<bool>)> {
    let (container, mode) = text.split_once(':').unwrap_or((text, ""));
    if container.is_empty() {
        return Err(Error::usage("no container is named"));
    }
    let mut read_only = None;
    for word in mode.split(',').filter(|word| !word.is_empty()) {
        match word {
            "ro" => read_only = Some(true),
            "rw" => read_only = Some(false),
            "z" | "Z" => {}
            _ => return Err(Error::usage(format!("unknown option {word:?}")).hint("ro or rw")),
        }
    }
    Ok((container, read_only))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Vec<(String, String)> {
        words.iter().map(|word| parse_option(word).unwrap()).collect()
    }

    #[test]
    fn a_volume_may_stand_for_a_directory() {
        assert_eq!(device(&[]).unwrap(), None);
        for words in
            [&["type=none", "o=bind", "device=/srv/data"][..], &["o=rbind", "device=/srv/data"], &["type=bind", "device=/srv/data"]]
        {
            assert_eq!(device(&options(words)).unwrap(), Some("/srv/data".into()), "{words:?}");
        }
    }

    #[test]
    fn what_would_be_mounted_on_the_host_is_refused_by_its_name() {
        for (words, name) in [
            (&["type=tmpfs", "device=tmpfs", "o=size=100m"][..], "tmpfs"),
            (&["type=nfs", "o=addr=10.0.0.1,rw", "device=:/export"], "nfs"),
            (&["type=none", "o=bind,ro", "device=/srv"], "ro"),
        ] {
            let error = device(&options(words)).unwrap_err();
            assert!(error.kind() == crate::error::Kind::CannotKeep && error.to_string().contains(name), "{error}");
        }
        for words in [&["device=/srv"][..], &["o=bind"], &["o=bind", "device=srv"]] {
            assert!(device(&options(words)).is_err(), "{words:?}");
        }
        assert!(parse_option("size=1m").is_err() && parse_option("o").is_err());
        assert!(check_driver("local").is_ok() && check_driver("rexray").is_err());
    }

    #[test]
    fn another_container_s_volumes() {
        assert_eq!(parse_volumes_from("web").unwrap(), ("web", None));
        assert_eq!(parse_volumes_from("web:ro").unwrap(), ("web", Some(true)));
        assert_eq!(parse_volumes_from("web:rw,z").unwrap(), ("web", Some(false)));
        assert!(parse_volumes_from("").is_err() && parse_volumes_from("web:x").is_err());
    }
}
