//! RUN --mount: what a step sees and its layer does not hold.
//!
//! What is bound is never a path of the host: each source is a tree that is opened here, by descriptor, and handed to the container. The
//! mount points that are missing lie in a layer of their own below all others, so none of them stays behind in the image, and nothing has
//! to be removed afterwards (CVE-2024-23652).

use crate::build::plan::Source;
use crate::build::request::SecretSource;
use crate::build::stage::Working;
use crate::build::steps::agent::{self, Relay};
use crate::build::steps::command::Script;
use crate::build::steps::{Upper, cache_mounts, context, overlay};
use crate::dockerfile::instruction::{MountKind, Run, RunMount};
use crate::error::{Context, Error, Result};
use crate::options::mounts::clean_path;
use crate::options::{Below, Mount, Ownership};
use crate::runtime::view;
use crate::spec::mounts::Writes;
use crate::store::Lock;
use crate::sys::beneath::Directory;
use crate::sys::file;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

const LONGEST_SECRET: u64 = 500 << 10;

pub struct Planned {
    mounts: Vec<PlannedMount>,
}

struct PlannedMount {
    wish: RunMount,
    target: String,
    source: String,
    id: String,
    /// Of a bind: the layers that it shows. Of a cache: those that it begins with.
    layers: Vec<String>,
    key: String,
}

/// Everything that is open for a step, and the locks that it holds.
pub struct Mounted {
    pub mounts: Vec<Mount>,
    pub trees: Vec<(PathBuf, OwnedFd)>,
    pub points: PathBuf,
    pub guards: Vec<Lock>,
    pub relays: Vec<Relay>,
    pub env: Vec<String>,
}

impl Mounted {
    /// A text that is executed, and that no layer shall have.
    pub fn add_script(&mut self, script: &Script, upper: &Upper) -> Result<()> {
        let place = upper.place.join("script");
        file::make_dir(&place, 0o700).context("cannot make a place for the script")?;
        let tree = view::of_bytes(script.text.as_bytes(), 0o755, (0, 0), &place)?;
        self.bind(&script.path, tree, true, place);
        Ok(())
    }

    /// `place`: any path of the host, because a bind has to name one; it is the tree that counts.
    fn bind(&mut self, target: &str, tree: OwnedFd, read_only: bool, place: PathBuf) {
        self.mounts.push(Mount::Bind {
            source: place,
            target: target.to_owned(),
            read_only,
            propagation: String::new(),
            make_source: false,
            below: Below::Hidden,
            ownership: Ownership::Kept,
        });
        self.trees.push((target.into(), tree));
    }
}

impl Planned {
    /// What of them counts for the result.
    pub fn key_words(&self) -> Vec<String> {
        self.mounts.iter().map(|mount| mount.key.clone()).collect()
    }
}

/// What is meant, with all that the key needs.
pub fn plan(working: &mut Working, run: &Run) -> Result<Planned> {
    let mounts = run
        .mounts
        .iter()
        .enumerate()
        .map(|(number, wish)| one(working, wish, number).map_err(|e| e.context(format!("--mount in line {}", wish.at.line))));
    Ok(Planned { mounts: mounts.collect::<Result<_>>()? })
}

fn one(working: &mut Working, wish: &RunMount, number: usize) -> Result<PlannedMount> {
    let (source, id, target) = (wish.source.clone().unwrap_or_default(), wish.id.clone(), wish.target.clone());
    let whole = |working: &Working, path: &str| match path.starts_with('/') {
        true => clean_path(path),
        false => clean_path(&format!("{}/{path}", working.state.text("WorkingDir").unwrap_or_else(|| "/".into()))),
    };
    let missing = || Error::usage("it has no target").hint("say where it shall be: target=/path");
    let (target, id) = match wish.kind {
        MountKind::Bind | MountKind::Tmpfs => (whole(working, &target.ok_or_else(missing)?), String::new()),
        MountKind::Cache => {
            let target = whole(working, &target.ok_or_else(missing)?);
            (target.clone(), id.filter(|id| !id.is_empty()).unwrap_or(target))
        }
        MountKind::Secret => {
            let of_target = target.as_deref().and_then(|target| target.rsplit('/').next()).map(str::to_owned);
            let id = id.or(of_target).filter(|id| !id.is_empty()).ok_or_else(|| Error::usage("a secret needs an id or a target"))?;
            (target.map_or_else(|| format!("/run/secrets/{id}"), |target| whole(working, &target)), id)
        }
        MountKind::Ssh => {
            let target = target.map_or_else(|| format!("/run/buildkit/ssh_agent.{number}"), |target| whole(working, &target));
            (target, id.unwrap_or_else(|| "default".into()))
        }
    };
    if target == "/" {
        return Err(Error::usage("nothing can be mounted over /"));
    }
    let layers = match (wish.kind, &wish.from) {
        (MountKind::Bind | MountKind::Cache, Some(from)) => {
            let line = working.planned.stage.lines.iter().find(|line| line.at.line == wish.at.line).unwrap_or(&working.planned.stage.from);
            match working.plan.from(from, working.planned.number, line)? {
                Source::Context(context) => context::layer_of_named(working, context)?,
                other => working.layers_of(&other)?,
            }
        }
        (MountKind::Bind, None) => context::layer_of(working, &source)?,
        _ => Vec::new(),
    };
    // The content of what is bound; of a cache only that it is there, and of a secret not even what it is.
    let shown = if wish.kind == MountKind::Bind { layers.join(",") } else { String::new() };
    let key =
        format!("{:?} {target} {source} {id} {shown} {:?} {:?} {:?}", wish.kind, wish.read_only, wish.env, (wish.mode, wish.uid, wish.gid));
    Ok(PlannedMount { wish: wish.clone(), target, source, id, layers, key })
}

pub fn open(working: &Working, planned: &Planned, upper: &Upper) -> Result<Mounted> {
    let points = upper.place.join("points");
    file::make_dir(&points, 0o755).context("cannot make a directory for mount points")?;
    let mut mounted = Mounted { mounts: Vec::new(), trees: Vec::new(), points, guards: Vec::new(), relays: Vec::new(), env: Vec::new() };
    for (number, planned) in planned.mounts.iter().enumerate() {
        let place = upper.place.join(format!("mount-{number}"));
        file::make_dir(&place, 0o700).context("cannot make a directory for a mount")?;
        open_one(working, planned, &place, &mut mounted).map_err(|e| e.context(format!("cannot mount {}", planned.target)))?;
    }
    Ok(mounted)
}

fn open_one(working: &Working, planned: &PlannedMount, place: &Path, mounted: &mut Mounted) -> Result<()> {
    let wish = &planned.wish;
    let owner = (wish.uid.unwrap_or(0), wish.gid.unwrap_or(0));
    let (tree, read_only) = match wish.kind {
        MountKind::Tmpfs => {
            let options = wish.size.map(|size| format!("size={size}")).into_iter().collect();
            mounted.mounts.push(Mount::Tmpfs { target: planned.target.clone(), options });
            return make_point(&mounted.points, &planned.target, true);
        }
        MountKind::Bind => (bound(working, planned, place)?, wish.read_only.unwrap_or(true)),
        MountKind::Cache => {
            let cache = cache_mounts::open(working, &planned.id, wish, owner, &planned.layers, &planned.source, place)?;
            mounted.guards.push(cache.guard);
            (cache.tree, wish.read_only.unwrap_or(false))
        }
        MountKind::Secret => {
            let Some(bytes) = secret(working, &planned.id, wish.required.unwrap_or(false))? else { return Ok(()) };
            if let Some(name) = &wish.env {
                mounted.env.push(format!("{name}={}", String::from_utf8_lossy(&bytes)));
                if wish.target.is_none() {
                    return Ok(());
                }
            }
            (view::of_bytes(&bytes, wish.mode.unwrap_or(0o400), owner, place)?, true)
        }
        MountKind::Ssh => {
            let Some(socket) = agent::find(working, &planned.id, wish.required.unwrap_or(false))? else { return Ok(()) };
            mounted.env.push(format!("SSH_AUTH_SOCK={}", planned.target));
            let (tree, relay) = agent::open(&socket, place, owner, wish.mode.unwrap_or(0o600))?;
            mounted.relays.push(relay);
            (tree, false)
        }
    };
    make_point(&mounted.points, &planned.target, file::is_dir(tree.as_fd()).unwrap_or(true))?;
    mounted.bind(&planned.target, tree, read_only, place.to_owned());
    Ok(())
}

/// What is written to it is gone afterwards.
fn bound(working: &Working, planned: &PlannedMount, place: &Path) -> Result<OwnedFd> {
    let (upper, work, over) = (place.join("upper"), place.join("work"), place.join("over"));
    for directory in [&upper, &work, &over] {
        file::make_dir(directory, 0o755).context("cannot make a directory for a mount")?;
    }
    let writes = (planned.wish.read_only == Some(false)).then_some(Writes { upper: &upper, work: &work, volatile: true });
    let overlay = overlay(working, &planned.layers, writes)?;
    // What of the context was wanted is all that its layer holds, so that its own name leads to it there, too.
    let part = clean_path(&format!("/{}", planned.source));
    view::of_layers(&overlay, &over, Some(part.as_bytes()).filter(|_| part != "/"))
}

pub fn secret(working: &Working, id: &str, required: bool) -> Result<Option<Vec<u8>>> {
    let secrets = &working.plan.request.secrets;
    let Some(secret) = secrets.iter().find(|secret| secret.id == id) else {
        let missing = || Error::no_such(format!("there is no secret {id}")).hint(format!("give it: --secret id={id},src=FILE"));
        return if required { Err(missing()) } else { Ok(None) };
    };
    match &secret.content {
        SecretSource::Bytes(bytes) => Ok(Some(bytes.clone())),
        SecretSource::File(path) => {
            file::read_bounded(path, LONGEST_SECRET).map(Some).with_context(|| format!("cannot read the secret {id}"))
        }
    }
}

fn make_point(points: &Path, target: &str, is_directory: bool) -> Result<()> {
    let what = || format!("cannot make a mount point for {target}");
    let mut at = Directory::open_root(points).with_context(what)?;
    let parts: Vec<&[u8]> = target.split('/').filter(|part| !part.is_empty()).map(str::as_bytes).collect();
    let Some((last, above)) = parts.split_last() else { return Ok(()) };
    let step = |at: &Directory, part: &[u8]| match at.make_directory(part) {
        Ok(()) | Err(crate::sys::Errno::EEXIST) => at.directory(part),
        Err(e) => Err(e),
    };
    for part in above {
        at = step(&at, part).with_context(what)?;
    }
    match is_directory {
        true => step(&at, last).map(drop).with_context(what),
        false => at.new_file_with(last, 0o644).map(drop).with_context(what),
    }
}
