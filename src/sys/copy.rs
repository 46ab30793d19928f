//! A tree is copied as it is: owners, modes, attributes, times, hard links, holes. Nothing is followed, on either side.

use crate::error::{Context, Result};
use crate::sys::beneath::{self, Directory, FileStat, Held, Moment, Node};
use crate::sys::{Errno, file, mount, user_namespace};
use std::collections::HashMap;
use std::os::fd::AsFd;

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;
const BLOCK: u32 = 0o060_000;
const FIFO: u32 = 0o010_000;

/// Name and value.
type Attribute = (Vec<u8>, Vec<u8>);
/// Whose a file becomes, told from user, group and attributes, which may change with them.
pub type Owners<'a> = &'a dyn Fn((u32, u32), &mut [Attribute]) -> Result<(u32, u32)>;

/// Puts what is in `from` into `to`, which is empty, and makes `to` itself like `from`.
pub fn copy(from: &Directory, to: &Directory) -> Result<()> {
    content_as(from, to, None)?;
    finish_directory(from, to, b"", None)
}

/// The same, and `to` itself stays as it is.
pub fn content(from: &Directory, to: &Directory) -> Result<()> {
    content_as(from, to, None)
}

/// Only `to` itself becomes like `from`, with what overlay has noted.
pub fn directory_of_layer(from: &Directory, to: &Directory) -> Result<()> {
    finish_directory(from, to, b"", Some(&|owner, _| Ok(owner)))
}

/// A layer whose files become somebody else's. What overlay has noted in it is a part of it.
pub fn layer(from: &Directory, to: &Directory, owners: Owners) -> Result<()> {
    content_as(from, to, Some(owners))?;
    finish_directory(from, to, b"", Some(owners))
}

fn content_as(from: &Directory, to: &Directory, owners: Option<Owners>) -> Result<()> {
    let mut copier = Copier { from, to, owners, links: HashMap::new(), directories: vec![Vec::new()] };
    let mut done = 0;
    // A list of paths and no recursion: a deep tree takes neither stack nor descriptors.
    while let Some(path) = copier.directories.get(done).cloned() {
        copier.fill(&path).with_context(|| format!("cannot copy directory /{}", String::from_utf8_lossy(&path)))?;
        done += 1;
    }
    // From the deepest up: whatever is made in a directory changes its time, and inherits its default access list.
    copier.directories.iter().skip(1).rev().try_for_each(|path| finish_directory(from, to, path, owners))
}

struct Copier<'a> {
    from: &'a Directory,
    to: &'a Directory,
    /// `None`: everything stays whose it is.
    owners: Option<Owners<'a>>,
    /// Files with several names, by device and inode: where the first one was put.
    links: HashMap<(u64, u64), (Vec<u8>, Vec<u8>)>,
    /// Paths of all directories, parents first.
    directories: Vec<Vec<u8>>,
}

impl Copier<'_> {
    fn fill(&mut self, path: &[u8]) -> Result<()> {
        let (from, to) = (below(self.from, path)?, below(self.to, path)?);
        for name in from.names().context("cannot list it")? {
            self.entry(path, &name, &from, &to).with_context(|| format!("{:?}", String::from_utf8_lossy(&name)))?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8], name: &[u8], from: &Directory, to: &Directory) -> Result<()> {
        const MAKE: &str = "cannot make it";
        let held = match from.hold(name) {
            // Overlay lists also what a layer whites out, where no other layer has the directory.
            Err(Errno::ENOENT) => return Ok(()),
            held => held.context("cannot look at it")?,
        };
        let about = held.about().context("cannot look at it")?;
        let device = mount::device_numbers(about.st_rdev);
        let device = (u32::try_from(device.0).unwrap_or(0), u32::try_from(device.1).unwrap_or(0));
        let kind = about.st_mode & KIND;
        if kind == DIRECTORY {
            to.make_directory(name).context(MAKE)?;
            self.directories.push(if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() });
            return Ok(());
        }
        if about.st_nlink > 1 {
            if let Some((above, first)) = self.links.get(&(about.st_dev, about.st_ino)) {
                return to.make_link(name, &below(self.to, above)?, first).context(MAKE);
            }
            self.links.insert((about.st_dev, about.st_ino), (path.to_vec(), name.to_vec()));
        }
        match kind {
            REGULAR => {
                let made = to.new_file(name).context(MAKE)?;
                file::copy_content(from.open_to_read(name).context("cannot open it")?, made.as_fd()).context("cannot copy it")?;
            }
            SYMLINK => to.make_symlink(name, &from.read_link(name).context("cannot read it")?).context(MAKE)?,
            CHARACTER => to.make_node(name, Node::Character(device.0, device.1)).context(MAKE)?,
            BLOCK => to.make_node(name, Node::Block(device.0, device.1)).context(MAKE)?,
            FIFO => to.make_node(name, Node::Fifo).context(MAKE)?,
            // A socket is an address of a process that does not run here.
            _ => return Ok(()),
        }
        make_like(&to.hold(name).context(MAKE)?, &held, self.owners)?;
        to.set_time(name, modified(&about)).context("cannot set its time")
    }
}

fn finish_directory(from: &Directory, to: &Directory, path: &[u8], owners: Option<Owners>) -> Result<()> {
    let finish = || {
        let (from, to) = (below(from, path)?, below(to, path)?);
        let model = from.hold_itself().context("cannot look at it")?;
        make_like(&to.hold_itself().context("cannot look at it")?, &model, owners)?;
        let time = modified(&model.about().context("cannot look at it")?);
        beneath::set_time(to.as_fd(), time).context("cannot set its time")
    };
    finish().with_context(|| format!("cannot copy directory /{}", String::from_utf8_lossy(path)))
}

/// Owner, then mode, then attributes: each of the first two takes away what the later ones give (chown(2)).
fn make_like(made: &Held, model: &Held, owners: Option<Owners>) -> Result<()> {
    let about = model.about().context("cannot look at it")?;
    // Somebody who does not exist in our user namespace cannot get anything; what is his becomes root's, without his powers.
    let (exists, has_group) = (user_namespace::has_user(about.st_uid), user_namespace::has_group(about.st_gid));
    let owner = (if exists { about.st_uid } else { 0 }, if has_group { about.st_gid } else { 0 });
    let mut attributes = model.attributes().context("cannot read its attributes")?;
    let owner = owners.map_or(Ok(owner), |owners| owners(owner, &mut attributes))?;
    made.set_owner(owner.0, owner.1).context("cannot give it its owner")?;
    if about.st_mode & KIND != SYMLINK {
        made.set_mode(about.st_mode & if exists && has_group { 0o7777 } else { 0o1777 }).context("cannot set its mode")?;
    }
    for (name, value) in attributes {
        let capability = name == b"security.capability";
        // Labels of security modules are the affair of where a file lies, and so is what overlay notes for itself.
        let is_overlay_s = name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.");
        if (name.starts_with(b"security.") && !capability) || (is_overlay_s && owners.is_none()) {
            continue;
        }
        match made.set_attribute(&name, &value) {
            // This kind of file or file system keeps no such attribute; only a lost capability changes what a program can do.
            Err(Errno::EOPNOTSUPP | Errno::EPERM) if !capability => {}
            other => other.with_context(|| format!("cannot set its attribute {}", String::from_utf8_lossy(&name)))?,
        }
    }
    Ok(())
}

/// The directory at a path that was found by walking: no component is a symlink, and the kernel holds us to that.
fn below(root: &Directory, path: &[u8]) -> Result<Directory> {
    root.directory(if path.is_empty() { b"." } else { path }).context("cannot open it")
}

fn modified(about: &FileStat) -> Moment {
    (about.st_mtime, u32::try_from(about.st_mtime_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn a_copy_is_like_its_model() {
        let top = std::env::temp_dir().join(format!("tare-copy-{}", std::process::id()));
        let _ = file::remove_tree(&top);
        let (model, made) = (top.join("model"), top.join("made"));
        file::make_dirs(&model.join("deep/deeper"), 0o755).unwrap();
        file::make_dirs(&made, 0o700).unwrap();
        std::fs::write(model.join("deep/one"), "content").unwrap();
        std::fs::hard_link(model.join("deep/one"), model.join("deep/deeper/two")).unwrap();
        symlink("/etc/passwd", model.join("deep/link")).unwrap();
        let hole = std::fs::File::create(model.join("hole")).unwrap();
        hole.set_len(64 << 20).unwrap();
        beneath::set_attribute(hole.as_fd(), b"user.note", b"kept").unwrap();
        beneath::set_time(std::fs::File::open(model.join("deep/one")).unwrap().as_fd(), (1_000_000, 5)).unwrap();
        std::fs::set_permissions(model.join("deep"), PermissionsExt::from_mode(0o2750)).unwrap();
        copy(&Directory::open_root(&model).unwrap(), &Directory::open_root(&made).unwrap()).unwrap();
        let about = |path: &str| std::fs::symlink_metadata(made.join(path)).unwrap();
        assert_eq!(std::fs::read_to_string(made.join("deep/deeper/two")).unwrap(), "content");
        assert_eq!(about("deep/one").ino(), about("deep/deeper/two").ino());
        assert_eq!((about("deep/one").mtime(), about("deep/one").mtime_nsec()), (1_000_000, 5));
        assert_eq!(about("deep").mode() & 0o7777, 0o2750);
        assert_eq!(std::fs::read_link(made.join("deep/link")).unwrap(), std::path::Path::new("/etc/passwd"));
        assert!(about("hole").len() == 64 << 20 && about("hole").blocks() < 100, "a hole stays a hole");
        let held = Directory::open_root(&made).unwrap().hold(b"hole").unwrap();
        assert!(held.attributes().unwrap().contains(&(b"user.note".to_vec(), b"kept".to_vec())));
        file::remove_tree(&top).unwrap();
    }
}
