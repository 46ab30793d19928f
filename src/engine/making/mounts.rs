//! The mounts of a container that is being made: which volumes it has, what they hold, and whose their files are.
//!
//! In three moments. `complete`, before anything is made: volumes of the image and of other containers join those that were
//! asked for, and each gets a name. `prepare`, when the container's record names them: they are made, filled, given away.
//! `open`, in the monitor: what a path in the spec cannot say is opened and handed to the runtime.

use crate::engine::users::{self, Users};
use crate::engine::{find, now, volumes as verbs};
use crate::error::{Context, Error, Result};
use crate::options::mounts::clean_path;
use crate::options::{Below, IdMap, Mount, Ownership, VolumeMount, Wishes, volumes};
use crate::paths::Paths;
use crate::record::Container;
use crate::runtime::layers;
use crate::runtime::plan::{Beyond, Plan};
use crate::spec::image_words::ImageWords;
use crate::spec::user::{self, User};
use crate::store::Durable;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, copy, file, mount, user_namespace};
use crate::volume::{self, Volume};
use oci_spec::runtime::Spec;
use std::borrow::Cow;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Longer files of users are refused: an image may bring gigabytes (CVE-2024-9676).
const LONGEST_USER_FILE: u64 = 10 << 20;

/// What was asked for on a path wins over what another container has there, and that over what the image asks for.
pub fn complete(paths: &Paths, wishes: &mut Wishes, image: &ImageWords) -> Result<()> {
    for text in &wishes.volumes_from {
        let (container, read_only) = volumes::parse_volumes_from(text)?;
        let other = find::container(paths, container).with_context(|| format!("cannot keep --volumes-from {text}"))?;
        let inherited: Vec<Mount> = other.record.wishes.mounts.into_iter().filter_map(|mount| inherit(mount, read_only)).collect();
        add_where_free(&mut wishes.mounts, inherited);
    }
    let of_image = image.volumes.iter().map(|path| match clean_path(path) {
        // What climbs ends at the image's own root (CVE-2022-23648).
        target if target == "/" => {
            Err(Error::damaged(format!("the image wants a volume at {path:?}")).because("it would hide the whole image"))
        }
        target => Ok(Mount::Volume(VolumeMount { anonymous: true, target, ..VolumeMount::default() })),
    });
    let of_image = of_image.collect::<Result<Vec<_>>>()?;
    add_where_free(&mut wishes.mounts, of_image);
    wishes.mounts.iter_mut().try_for_each(|mount| match mount {
        Mount::Volume(volume) => identify(paths, volume),
        _ => Ok(()),
    })
}

fn add_where_free(mounts: &mut Vec<Mount>, more: Vec<Mount>) {
    for mount in more {
        if !mounts.iter().any(|have| have.target() == mount.target()) {
            mounts.push(mount);
        }
    }
}

/// Files in memory are a container's own. What `:U` asked for has been done.
fn inherit(mut mount: Mount, wished: Option<bool>) -> Option<Mount> {
    let (read_only, ownership) = match &mut mount {
        Mount::Bind { read_only, ownership, .. } => (read_only, ownership),
        Mount::Volume(volume) => (&mut volume.read_only, &mut volume.ownership),
        Mount::Tmpfs { .. } => return None,
    };
    *read_only = wished.unwrap_or(*read_only);
    if *ownership == Ownership::Given {
        *ownership = Ownership::Kept;
    }
    Some(mount)
}

fn identify(paths: &Paths, mount: &mut VolumeMount) -> Result<()> {
    if mount.name.is_empty() {
        mount.name = file::random_id().context("cannot make a name for a volume")?;
    }
    let wished = Volume { name: mount.name.clone(), options: mount.options.clone(), ..Volume::default() };
    let volume = volume::find(paths, &mount.name)?.unwrap_or(wished);
    volume.check_options(&mount.options)?;
    mount.source = volume.source(paths)?;
    Ok(())
}

/// The record names the volumes already: whoever removes one meanwhile has seen that, or we see that it is gone and make it again.
pub fn prepare(paths: &Paths, record: &Container, spec: &Spec) -> Result<()> {
    for mount in record.wishes.mounts.iter().filter_map(Mount::volume) {
        let wish = Volume {
            name: mount.name.clone(),
            created: now(),
            labels: mount.labels.clone(),
            options: mount.options.clone(),
            anonymous: mount.anonymous,
            ends_with: (mount.anonymous && record.wishes.remove).then(|| record.id.clone()),
            used: false,
        };
        let mut held = volume::make(paths, &wish, Durable::No)?;
        verbs::tell_made(paths, &held);
        let source = held.volume.source(paths)?;
        if source != mount.source {
            return Err(Error::conflict(format!("volume {} was made anew meanwhile", mount.name)).hint("try again"));
        }
        if !source.is_dir() {
            return Err(Error::no_such(format!("cannot mount volume {}", mount.name))
                .because(format!("there is no directory {}", source.display())));
        }
        // An image without layers has nothing; of a part of the volume nobody can say what the image has there.
        if !mount.no_copy && mount.subpath.is_none() && !record.layers.is_empty() && held.wants_filling()? {
            held.fill(|into| copy_from_image(record, spec, &mount.target, into))?;
        }
        held.mark_used()?;
    }
    Ok(())
}

fn copy_from_image(record: &Container, spec: &Spec, target: &str, into: &Path) -> Result<()> {
    // What the image has there says more.
    if let Some(root) = users::at_rest(record).and_then(|users| users.root()) {
        file::change_owner(into, root.0, root.1).context("cannot give the container its volume")?;
    }
    let plan = Plan::new(spec, Beyond::default())?;
    let copied = layers::see(&plan, |root| {
        let what = || format!("cannot copy {target} of the image");
        let from = match Directory::open_root(root).and_then(|root| root.directory_inside(target.as_bytes())) {
            // Nothing there, or no directory: the mount itself will tell.
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(String::new()),
            other => other.with_context(what)?,
        };
        let into = Directory::open_root(into).with_context(what)?;
        copy::copy(&from, &into).with_context(what).map(|()| String::new())
    });
    copied.map(drop)
}

/// `:U` and `:idmap` need to know who the container's user is. Returns whether the record has changed.
pub fn settle_owners(record: &mut Container, spec: &Spec) -> Result<bool> {
    if record.wishes.mounts.iter().all(|mount| !matches!(mount.ownership(), Ownership::Given | Ownership::Exchanged)) {
        return Ok(false);
    }
    let user = find_user(record, spec)?;
    let outside = users::at_rest(record).map_or(Some((user.uid, user.gid)), |users| users.outside(user.uid, user.gid));
    let nobody = || Error::conflict(format!("user {} or group {} is nobody in the container", user.uid, user.gid));
    let (uid, gid) = outside.ok_or_else(nobody)?;
    for mount in &mut record.wishes.mounts {
        let (source, ownership) = match mount {
            Mount::Bind { source, ownership, .. } => (&*source, ownership),
            Mount::Volume(volume) => (&volume.source, &mut volume.ownership),
            Mount::Tmpfs { .. } => continue,
        };
        match ownership {
            Ownership::Given => volume::give(source, uid, gid)?,
            Ownership::Exchanged => {
                let about = std::fs::metadata(source).with_context(|| format!("cannot look at {}", source.display()))?;
                *ownership = Ownership::Mapped(IdMap::exchange((about.uid(), about.gid()), (user.uid, user.gid)));
            }
            Ownership::Kept | Ownership::Mapped(_) | Ownership::Outside => {}
        }
    }
    Ok(true)
}

/// As the image's own files say; the user of a container that has no layers can only be a number.
fn find_user(record: &Container, spec: &Spec) -> Result<User> {
    let resolve = |passwd: &str, group: &str| {
        let missing = |reason: String| Error::no_such(reason).hint("name a user of the image's /etc/passwd, or a number");
        user::resolve(&record.user, passwd, group).map_err(missing)
    };
    if record.layers.is_empty() {
        return resolve("", "");
    }
    let plan = Plan::new(spec, Beyond::default())?;
    let ids = layers::see(&plan, |root| {
        let root = Directory::open_root(root).context("cannot open the image")?;
        let user = resolve(&user_file(&root, "etc/passwd")?, &user_file(&root, "etc/group")?)?;
        Ok(format!("{}:{}", user.uid, user.gid))
    })?;
    let number = |text: &str| text.parse().map_err(|_| Error::failed("cannot find the container's user"));
    let (uid, gid) = ids.split_once(':').unwrap_or_default();
    Ok(User { uid: number(uid)?, gid: number(gid)?, ..User::default() })
}

fn user_file(root: &Directory, name: &str) -> Result<String> {
    let what = || format!("cannot read the image's /{name}");
    let fd = match root.open_inside(name.as_bytes()) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(String::new()),
        other => other.with_context(what)?,
    };
    let file = std::fs::File::from(fd);
    let about = file.metadata().with_context(what)?;
    if !about.is_file() || about.len() > LONGEST_USER_FILE {
        return Err(Error::damaged(what()).because("it is no file, or too long"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_USER_FILE).read_to_end(&mut bytes).with_context(what)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Detached trees, by target, for the mounts that need more than a path: a part of a volume, found beneath it by the kernel so
/// that no symlink in it leads out, and files that have other owners on disk.
/// `users`: whom those of the container are outside.
pub fn open(wishes: &Wishes, users: Option<&Users>) -> Result<Vec<(PathBuf, OwnedFd)>> {
    let mut trees = Vec::new();
    for mount in &wishes.mounts {
        let (source, subpath, recursive) = match mount {
            Mount::Bind { source, below, .. } => (source, None, *below != Below::Hidden),
            Mount::Volume(volume) => (&volume.source, volume.subpath.as_deref(), true),
            Mount::Tmpfs { .. } => continue,
        };
        let map = match mount.ownership() {
            Ownership::Mapped(map) => Some(map),
            _ => None,
        };
        if subpath.is_none() && map.is_none() {
            continue;
        }
        let tree = match subpath {
            Some(part) => open_part(source, part, recursive)?,
            None => mount::detached_copy(source, recursive).with_context(|| format!("cannot open {}", source.display()))?,
        };
        if let Some(map) = map {
            let map = users.map_or(Cow::Borrowed(map), |users| Cow::Owned(users.behind(map)));
            map_owners(&tree, recursive, &map).with_context(|| format!("cannot map the owners of {}", source.display()))?;
        }
        trees.push((mount.target().into(), tree));
    }
    Ok(trees)
}

fn open_part(source: &Path, part: &str, recursive: bool) -> Result<OwnedFd> {
    let held = Directory::open_root(source).and_then(|root| root.hold_below(part.as_bytes()));
    let what = || format!("cannot open {part} of {}", source.display());
    match held {
        Err(Errno::EXDEV) => Err(Error::conflict(what()).because("it leads out of the volume")),
        Err(Errno::ENOENT) => {
            Err(Error::no_such(what()).because("it is not there").hint("a part of a volume must be made before it is mounted"))
        }
        other => mount::detached_tree_of(other.with_context(what)?.as_fd(), recursive).with_context(what),
    }
}

fn map_owners(tree: &OwnedFd, recursive: bool, map: &IdMap) -> Result<()> {
    let namespace = user_namespace::with_maps(&map.uids, &map.gids).context("cannot make the map")?;
    mount::map_owners(tree.as_fd(), recursive, namespace.as_fd()).map_err(|errno| match errno {
        Errno::EINVAL => {
            Error::cannot_keep("this file system cannot").hint("leave idmap out, or use U, which changes the files themselves")
        }
        errno => Error::from_errno("mount_setattr", errno),
    })
}
