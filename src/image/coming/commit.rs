//! `commit`: what a container has changed becomes a layer on top of its image's.
//!
//! The tree is packed as a build's layers are (`belt.rs`), and on the way taken in like any other layer: what was packed is proven to be
//! a layer that we would take from anybody.

use crate::error::{Error, Result};
use crate::image::belt::{self, Feed};
use crate::image::built::Layer;
use crate::image::compression::{self, Compression};
use crate::image::digest::hex_of;
use crate::image::documents::{self, IMAGE_SIZE, Manifest};
use crate::image::index::{self, id_of};
use crate::image::intake::{Blob, Taken};
use crate::image::layer::Passed;
use crate::image::making::Making;
use crate::image::pack::{Form, Pack};
use crate::image::proven;
use crate::options::IdMap;
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::beneath::Directory;
use crate::sys::file::{self, OFlag};
use crate::sys::threads;
use crate::trace::{self, Step};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

/// The image that lies below.
pub struct Base {
    /// What it says of itself.
    pub config: Map<String, Value>,
    pub layers: Vec<Taken>,
}

impl Base {
    pub fn find(paths: &Paths, id: &str) -> Result<Base> {
        let index = index::read(paths)?;
        let gone = || Error::no_such(format!("its image {id} is gone"));
        let entry = index.manifests.iter().find(|entry| id_of(entry) == id).ok_or_else(gone)?;
        let config = documents::read("the image's config", &paths.blob(hex_of(id)?))?;
        let (_, diff_ids) = documents::parse_config("the image's config", &config)?;
        let manifest = documents::read("the image's manifest", &paths.blob(hex_of(&entry.digest)?))?;
        let manifest: Manifest = documents::parse("the image's manifest", &manifest)?;
        documents::check_manifest(&manifest)?;
        if manifest.layers.len() != diff_ids.len() {
            return Err(Error::damaged("the image's manifest and config do not name the same number of layers"));
        }
        let layers = manifest.layers.iter().zip(diff_ids).map(|(layer, diff_id)| kept(paths, hex_of(&layer.digest)?, layer.size, diff_id));
        let mut layers: Vec<Taken> = layers.collect::<Result<_>>()?;
        // Only the sum is written down: it stands for the lowest.
        if let Some(lowest) = layers.first_mut() {
            lowest.passed.size = entry.annotations.get(IMAGE_SIZE).and_then(|size| size.parse().ok()).unwrap_or(0);
        }
        Ok(Base { config: documents::parse("the image's config", &config)?, layers })
    }

    /// The lowest first, for who puts others on top of them. All sizes are in the lowest.
    pub fn into_layers(self) -> Vec<Layer> {
        self.layers.into_iter().map(|layer| layer.passed).collect()
    }
}

/// A layer as the store has it.
fn kept(paths: &Paths, digest: &str, blob_size: u64, diff_id: String) -> Result<Taken> {
    let taken = |passed, blob| Taken { passed, blob, tree: None, is_proven: false, arrival: None };
    let missing = || Error::no_such(format!("the blob sha256:{digest} of its image is not in the store")).hint("load the image again");
    if let Some(proven) = proven::read(paths, digest).filter(|proven| !proven.kept && proven.passed.diff_id == diff_id) {
        return Ok(taken(Passed { size: 0, ..proven.passed }, Blob::NotKept));
    }
    let blob = file::open(&paths.blob(digest), OFlag::O_RDONLY).map_err(|_| missing())?;
    let mut first = Vec::new();
    let _ = File::from(blob).take(4).read_to_end(&mut first);
    let compression: Compression = compression::of(&first);
    Ok(taken(Passed { digest: digest.to_owned(), diff_id, blob_size, compression, size: 0 }, Blob::InStore))
}

/// What the new image says of itself: the same machine, other settings, and one step more in its history.
pub fn describe(base: &Base, settings: Map<String, Value>, author: &str, step: Map<String, Value>) -> Map<String, Value> {
    const SAME: &[&str] = &["architecture", "variant", "os", "os.version", "os.features"];
    let mut config: Map<String, Value> =
        SAME.iter().filter_map(|name| Some(((*name).to_owned(), base.config.get(*name)?.clone()))).collect();
    if !author.is_empty() {
        config.insert("author".into(), json!(author));
    }
    config.insert("created".into(), step.get("created").cloned().unwrap_or_default());
    config.insert("config".into(), Value::Object(settings));
    let mut history = base.config.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
    // Each layer has its step, or the new one would be taken for an older layer's.
    let told = history.iter().filter(|step| step["empty_layer"] != json!(true)).count();
    history.extend((told..base.layers.len()).map(|_| json!({})));
    history.push(Value::Object(step));
    config.insert("history".into(), Value::Array(history));
    config
}

/// The container's own layer, packed and taken in at once. `users`: whose its files are, where others are inside.
pub fn layer(making: &Making, changed: &Directory, users: Option<IdMap>) -> Result<Taken> {
    trace::begin(Step::PackLayer);
    let (from, to) = file::pipe().map_err(|e| Error::from_errno("cannot make a pipe", e))?;
    let pack = || {
        let bring = |feed: &mut Feed| {
            // Its end of the pipe goes with it, so the other side hears of the end.
            let both = Both { feed, pipe: BufWriter::with_capacity(256 << 10, File::from(to)) };
            let mut pack = Pack::new(both, Form::Layer).with_users(users);
            pack.add_contents(changed, b"")?;
            pack.finish().map(drop)
        };
        belt::write(&making.blob(), Compression::Gzip, &|_| {}, bring).map(|((), written)| written)
    };
    let (taken, packed) = threads::beside(|| making.files(File::from(from)), pack);
    let taken = taken.unwrap_or_else(|_| Err(Error::failed("the unpacker broke down")));
    match (taken, packed) {
        // It was told of a broken pipe; the other side knows why.
        (Err(error), Err(packer)) if packer.errno() == Some(Errno::EPIPE) => Err(error),
        (_, Err(packer)) => Err(packer),
        (Err(error), _) => Err(error),
        (Ok(taken), Ok(written)) if taken.passed.diff_id != written.content => {
            Err(Error::failed("what was packed is not what was unpacked").because(format!("its digest is sha256:{}", written.content)))
        }
        (Ok(taken), Ok(written)) => {
            let passed = Passed { digest: written.digest, blob_size: written.size, compression: Compression::Gzip, ..taken.passed };
            Ok(Taken { passed, ..taken })
        }
    }
}

/// The archive goes both ways: into the blob, and to who proves it.
struct Both<'a, 'b> {
    feed: &'a mut Feed<'b>,
    pipe: BufWriter<File>,
}

impl Write for Both<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write_all(bytes)?;
        self.feed.write_all(bytes).map(|()| bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.pipe.flush()
    }
}
