//! `pull`: a registry and the image store are brought together; neither knows the other.

use crate::engine::{events, images};
use crate::error::{Error, Result};
use crate::image::pull::{self, Pulled, Request, Top, Wishes};
use crate::image::{Elsewhere, Progress, Reference};
use crate::paths::Paths;
use crate::registry::{Known, Repository, When, Wish};
use crate::trace::{self, Step};
use std::fmt;
use std::io::Read;
use std::sync::Arc;

/// A repository, as the image store sees it.
pub(super) struct There(pub(super) Arc<Repository>);

impl fmt::Debug for There {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0.registry())
    }
}

impl Elsewhere for There {
    fn manifest(&self, digest: &str) -> Result<Vec<u8>> {
        self.0.manifest(digest).map(|answer| answer.text)
    }
    fn blob(&self, digest: &str, size: u64, from: u64) -> Result<Box<dyn Read + Send>> {
        Ok(self.0.blob(digest, size, from))
    }
}

/// What the user has said, for a `run` that does not say it.
pub fn when() -> Result<When> {
    Ok(Known::of_this_user()?.pull.unwrap_or(When::Missing))
}

/// How far it has come stands in `progress` at any time.
pub fn pull(paths: &Paths, name: &Reference, wishes: Wishes, progress: &Progress) -> Result<Pulled> {
    trace::begin(Step::AskRegistry);
    let repository = Repository::new(&Known::of_this_user()?, &name.registry, &name.path, Wish::Pull);
    let wanted = name.digest.as_deref().or(name.tag.as_deref()).ok_or_else(|| Error::usage("neither tag nor digest"))?;
    let cannot = |error: Error| error.context(format!("cannot pull {name}"));
    let answer = repository.manifest(wanted).map_err(cannot)?;
    let top = Top { media_type: answer.media_type, text: answer.text };
    let request = Request { name, top, wishes };
    let pulled = pull::pull(paths, Arc::new(There(repository)), request, progress, &|| images::users(paths)).map_err(cannot)?;
    events::of(paths, events::Kind::Image, "pull", &name.to_string(), &[("name", name.repository())]);
    Ok(pulled)
}
