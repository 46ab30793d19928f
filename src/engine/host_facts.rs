//! What a spec needs to know of this machine: the numbers of devices that were asked for, and paths that only some machines have.

use crate::error::{Context, Error, Result};
use crate::options::Wishes;
use crate::spec::runtime_spec::DeviceNode;
use crate::sys::mount;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The devices that were asked for; for a privileged container all that lie in /dev.
pub fn devices(wishes: &Wishes) -> Result<Vec<DeviceNode>> {
    let mut nodes = Vec::new();
    if wishes.privileged {
        collect(Path::new("/dev"), Path::new("/dev"), "rwm", &mut nodes)?;
    }
    for wish in &wishes.devices {
        let what = || format!("cannot give device {}", wish.source.display());
        let found = std::fs::metadata(&wish.source).with_context(what)?;
        // A wish wins over what all containers of its kind get.
        nodes.retain(|node| node.path != wish.target);
        if found.is_dir() {
            collect(&wish.source, &wish.target, &wish.access, &mut nodes)?;
        } else {
            let node = node(&wish.source, &wish.target, &wish.access)?;
            nodes.push(node.ok_or_else(|| Error::usage(what()).because("it is no device").hint("for files and directories use -v"))?);
        }
    }
    Ok(nodes)
}

/// Every device below a directory, except what each container has anew.
fn collect(source: &Path, target: &Path, access: &str, nodes: &mut Vec<DeviceNode>) -> Result<()> {
    const OWN: &[&str] = &["pts", "shm", "mqueue", "fd", "console", "ptmx", "null", "zero", "full", "random", "urandom", "tty"];
    let what = || format!("cannot look for devices in {}", source.display());
    for entry in std::fs::read_dir(source).with_context(what)? {
        let entry = entry.with_context(what)?;
        let name = entry.file_name();
        let kind = entry.file_type().with_context(what)?;
        if kind.is_symlink() || (source == Path::new("/dev") && OWN.iter().any(|own| name == *own)) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &target.join(&name), access, nodes)?;
        } else if let Some(node) = node(&entry.path(), &target.join(&name), access)? {
            nodes.push(node);
        }
    }
    Ok(())
}

fn node(source: &Path, target: &Path, access: &str) -> Result<Option<DeviceNode>> {
    let what = || format!("cannot look at device {}", source.display());
    let Some((character, major, minor)) = mount::device_numbers(source).with_context(what)? else { return Ok(None) };
    let found = std::fs::metadata(source).with_context(what)?;
    let mode = found.mode() & 0o777;
    Ok(Some(DeviceNode { path: target.to_owned(), character, major, minor, mode, uid: found.uid(), gid: found.gid(), access: access.to_owned() }))
}

/// How hot each processor has been tells what others compute; only Intel's have it.
pub fn masked_paths() -> Vec<String> {
    let path = |number: usize| format!("/sys/devices/system/cpu/cpu{number}/thermal_throttle");
    (0..).map(path).take_while(|path| Path::new(path).exists()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::devices::parse;

    fn asked(text: &str) -> Result<Vec<DeviceNode>> {
        devices(&Wishes { devices: vec![parse(text).unwrap()], ..Wishes::default() })
    }

    #[test]
    fn a_device_keeps_its_numbers_under_another_name() {
        let found = asked("/dev/null:/dev/nothing:r").unwrap();
        assert_eq!((found[0].path.to_str(), found[0].major, found[0].minor), (Some("/dev/nothing"), 1, 3));
        assert!(found[0].character && found[0].access == "r");
    }

    #[test]
    fn what_is_no_device_is_refused() {
        assert!(asked("/etc/hostname:/dev/x").unwrap_err().to_string().contains("it is no device"));
        assert!(asked("/dev/not-there").is_err());
    }
}
