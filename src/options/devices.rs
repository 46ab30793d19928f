//! `--device SOURCE[:TARGET][:ACCESS]`: a device of the host that shall exist inside.

use super::Device;
use super::mounts::clean_path;
use crate::error::{Error, Result};

pub fn parse(text: &str) -> Result<Device> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, access) = match parts[..] {
        [source] => (source, source, "rwm"),
        [source, access] if is_access(access) => (source, source, access),
        [source, target] => (source, target, "rwm"),
        [source, target, access] => (source, target, access),
        _ => return Err(Error::usage("there are too many colons").hint("write SOURCE:TARGET:rwm")),
    };
    if !is_access(access) {
        return Err(Error::usage(format!("{access:?} is no access to a device")).hint("some of r (read), w (write) and m (make a node)"));
    }
    if !source.starts_with('/') && source.contains('=') {
        return Err(Error::cannot_keep("devices by vendor names (CDI) are not built yet").hint("give the path of the device in /dev"));
    }
    for path in [source, target] {
        if !path.starts_with('/') {
            return Err(Error::usage(format!("{path:?} is not an absolute path")));
        }
    }
    Ok(Device { source: clean_path(source).into(), target: clean_path(target).into(), access: access.to_owned() })
}

pub(super) fn is_access(text: &str) -> bool {
    let once = |letter: char| text.matches(letter).count() <= 1;
    !text.is_empty() && text.chars().all(|c| "rwm".contains(c)) && "rwm".chars().all(once)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(source: &str, target: &str, access: &str) -> Device {
        Device { source: source.into(), target: target.into(), access: access.into() }
    }

    #[test]
    fn target_and_access_have_defaults() {
        assert_eq!(parse("/dev/fuse").unwrap(), device("/dev/fuse", "/dev/fuse", "rwm"));
        assert_eq!(parse("/dev/fuse:r").unwrap(), device("/dev/fuse", "/dev/fuse", "r"));
        assert_eq!(parse("/dev/sda:/dev/xvda").unwrap(), device("/dev/sda", "/dev/xvda", "rwm"));
        assert_eq!(parse("/dev/sda:/dev/xvda:rw").unwrap(), device("/dev/sda", "/dev/xvda", "rw"));
    }

    #[test]
    fn what_is_no_device_is_refused() {
        for text in [
            "",
            "fuse",
            "/dev/fuse:x",
            "/dev/fuse:/dev/f:rwx",
            "/dev/fuse:/dev/f:rr",
            "/dev/a:/dev/b:",
            "/a:/b:r:w",
            "/dev/a:dev/b",
            "vendor.com/gpu=all",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
