//! Copies of layers whose files have other owners, for containers of an ordinary user whose users are not those of his namespace.
//!
//! As root one mount shows the same files to each container as its own (`runtime/root/owners.rs`). That is for the owner of the file
//! system alone, so here a layer is copied, once for each map: whoever has the same map stands on the same copy. It costs time and room;
//! blocks are shared where the file system can do that. A copy goes with its layer, or
//! when somebody prunes and no container stands on it.

use crate::error::{Context, Error, Result};
use crate::image::index::Writing;
use crate::image::workplace::Workplace;
use crate::image::{digest, garbage, ground, owners};
use crate::options::IdMap;
use crate::paths::Paths;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, copy, file};
use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

const GROUND: &str = "ground";
const LONGEST_NAME: usize = 100;

/// Where a container has its layers, bottom to top.
pub fn of(paths: &Paths, layers: &[String], map: Option<&IdMap>) -> Vec<PathBuf> {
    layers.iter().map(|hex| map.map_or_else(|| paths.layer(hex), |map| place(paths, map).join(hex))).collect()
}

/// And the one below all of them.
pub fn ground_of(paths: &Paths, map: Option<&IdMap>) -> PathBuf {
    map.map_or_else(|| paths.ground_layer(), |map| place(paths, map).join(GROUND))
}

/// Those that are not there yet.
pub fn missing(paths: &Paths, layers: &[String], map: &IdMap) -> Vec<String> {
    let place = place(paths, map);
    layers.iter().filter(|hex| !place.join(hex).is_dir()).cloned().collect()
}

/// Makes them. A record names the layers already, so they stay.
pub fn make(paths: &Paths, layers: &[String], map: &IdMap) -> Result<()> {
    // The ground last: a directory without layers may be taken away by whoever removes an image.
    for name in missing(paths, layers, map) {
        make_one(paths, &paths.layer(&name), &name, map).with_context(|| format!("cannot copy layer {name:.12} for other owners"))?;
    }
    if ground_of(paths, Some(map)).is_dir() {
        return Ok(());
    }
    ground(paths)?;
    make_one(paths, &paths.ground_layer(), GROUND, map).context("cannot copy the layer below all images for other owners")
}

fn make_one(paths: &Paths, from: &Path, name: &str, map: &IdMap) -> Result<()> {
    let workplace = Workplace::begin_alone(paths)?;
    let made = workplace.file("shifted");
    file::make_dir(&made, 0o755).context("cannot make a directory")?;
    let (model, to) = (Directory::open_root(from).context("cannot open it")?, Directory::open_root(&made).context("cannot open the copy")?);
    copy::layer(&model, &to, &|owner, attributes| {
        let hint = |error: Error| error.hint("map more ids, or take --userns keep-id");
        owners::given_outside(map, owner, attributes).map_err(hint)
    })?;
    // Once it has its name it counts as whole, also after a power cut.
    to.sync_file_system().context("cannot flush it")?;
    let _writing = Writing::begin(paths)?;
    if !file::has_name(model.as_fd(), from) {
        return Err(Error::no_such("it was removed meanwhile").hint("try again"));
    }
    let place = place(paths, map);
    crate::store::make_dirs(&place)?;
    match file::rename(&made, &place.join(name)) {
        // Two first containers at once: both copies are the same.
        Ok(()) | Err(Errno::EEXIST | Errno::ENOTEMPTY) => Ok(()),
        Err(errno) => Err(errno).context("cannot put it in its place"),
    }
}

/// All copies of a layer; the caller holds the image lock. A map that nobody has a copy for is forgotten.
pub fn remove(paths: &Paths, hex: &str) -> Result<(), Errno> {
    for place in below(&paths.shifted()) {
        let copy = place.join(hex);
        if copy.is_dir() {
            garbage::remove_tree(paths, &copy, hex)?;
        }
        if below(&place).iter().all(|left| left.ends_with(GROUND)) {
            file::remove_tree(&place)?;
        }
    }
    Ok(())
}

/// Every copy that there is.
pub fn all(paths: &Paths) -> Vec<PathBuf> {
    below(&paths.shifted()).iter().flat_map(|place| below(place)).collect()
}

/// Takes those away that nobody uses. `used` is asked, and `going` told of each, when nobody else can make or remove one.
pub fn remove_unused(paths: &Paths, used: impl FnOnce() -> Result<BTreeSet<PathBuf>>, mut going: impl FnMut(&Path)) -> Result<()> {
    if !paths.shifted().is_dir() {
        return Ok(());
    }
    let _writing = Writing::begin(paths)?;
    let used = used()?;
    for copy in all(paths).into_iter().filter(|copy| !used.contains(copy)) {
        going(&copy);
        let name = copy.file_name().unwrap_or_default().to_string_lossy();
        garbage::remove_tree(paths, &copy, &name).context("cannot remove a copy of a layer")?;
    }
    // Only those in which nothing is left.
    for place in below(&paths.shifted()) {
        let _ = file::remove_dir(&place);
    }
    Ok(())
}

fn below(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Of one map. The kernel takes no colon or comma in the name of a layer.
fn place(paths: &Paths, map: &IdMap) -> PathBuf {
    let word = |ranges: &[(u32, u32, u32)]| {
        let words = ranges.iter().map(|(inside, outside, count)| format!("{inside}-{outside}-{count}"));
        words.collect::<Vec<_>>().join("_")
    };
    let (uids, gids) = (word(&map.uids), word(&map.gids));
    let name = if uids == gids { uids } else { format!("{uids}.{gids}") };
    paths.shifted().join(if name.len() > LONGEST_NAME { digest::of(name.as_bytes()).replace(':', "-") } else { name })
}
