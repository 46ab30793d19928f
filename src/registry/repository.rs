//! One repository: its manifests, by tag or digest, and its blobs, by digest.

use crate::error::{Context, Error, Result};
use crate::registry::blob::Blob;
use crate::registry::known::Known;
use crate::registry::mirrors::Mirror;
use crate::registry::way::http::{Answer, Question, complaint};
use crate::registry::way::retry_after::limited;
use crate::registry::way::short;
use crate::registry::who::door::Door;
use std::io::Read;
use std::sync::Arc;

/// Registries take no longer manifests.
const LONGEST_MANIFEST: u64 = 4 << 20;

const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// What we want to do there: tokens are given for that, and for nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Pull,
    Push,
}

pub struct Repository {
    pub(super) door: Door,
    pub(super) path: String,
    wish: Wish,
    /// Asked first, for what is read.
    mirrors: Vec<Mirror>,
}

/// A manifest as it came.
pub struct Answered {
    pub media_type: String,
    pub text: Vec<u8>,
}

impl Repository {
    /// `path`: as in a reference, `library/alpine`.
    pub fn new(known: &Known, registry: &str, path: &str, wish: Wish) -> Arc<Repository> {
        let mirrors = match wish {
            Wish::Pull => Mirror::all(known, registry, path),
            Wish::Push => Vec::new(),
        };
        Arc::new(Repository { door: Door::new(known, registry), path: path.to_owned(), wish, mirrors })
    }

    pub(super) fn of_mirror(door: Door, path: &str) -> Repository {
        Repository { door, path: path.to_owned(), wish: Wish::Pull, mirrors: Vec::new() }
    }

    pub fn registry(&self) -> &str {
        self.door.registry()
    }

    /// `wanted`: a tag, or a digest.
    pub fn manifest(&self, wanted: &str) -> Result<Answered> {
        if let Some(answered) = self.mirrors.iter().find_map(|mirror| mirror.ask(|there| there.manifest(wanted))) {
            return Ok(answered);
        }
        let target = format!("/v2/{}/manifests/{wanted}", self.path);
        let answer = self.get(&target, &[("accept", MANIFESTS.to_owned())])?;
        let answer = match answer.status().as_u16() {
            200 => answer,
            404 => {
                return Err(
                    Error::no_such(format!("registry {} has no {}:{wanted}", self.registry(), self.path)).because(complaint(answer))
                );
            }
            _ => return Err(self.strange(answer)),
        };
        let header = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let media_type = header.split(';').next().unwrap_or_default().trim().to_owned();
        let cut = || format!("cannot read the manifest from {}", self.registry());
        let text = short::read(answer, LONGEST_MANIFEST).with_context(cut)?;
        Ok(Answered { media_type, text })
    }

    /// A blob from the byte `from` on, to be read to its end; `size` is what the manifest says of the whole.
    pub fn blob(self: &Arc<Self>, digest: &str, size: u64, from: u64) -> Box<dyn Read + Send> {
        Box::new(Blob::new(self.clone(), digest.to_owned(), size, from))
    }

    /// The blob from here on. `hurt`: it has broken again and again, so that no mirror is asked any more.
    pub(super) fn blob_from(&self, digest: &str, at: u64, hurt: bool) -> Result<Answer> {
        let mut mirrors = self.mirrors.iter().filter(|_| !hurt);
        if let Some(answer) = mirrors.find_map(|mirror| mirror.ask(|there| there.blob_from(digest, at, hurt))) {
            return Ok(answer);
        }
        let target = format!("/v2/{}/blobs/{digest}", self.path);
        let range = [("range", format!("bytes={at}-"))];
        let answer = self.get(&target, if at > 0 { &range } else { &[] })?;
        match answer.status().as_u16() {
            200 | 206 => Ok(answer),
            404 => {
                Err(Error::no_such(format!("registry {} has not the whole image", self.registry())).because(format!("{digest} is missing")))
            }
            _ => Err(self.strange(answer)),
        }
    }

    fn get(&self, target: &str, headers: &[(&'static str, String)]) -> Result<Answer> {
        self.door.try_ask(Question { headers: headers.to_vec(), ..Question::get(target) }, &self.scope())
    }

    pub(super) fn scope(&self) -> String {
        let actions = match self.wish {
            Wish::Pull => "pull",
            Wish::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.path)
    }

    pub(super) fn strange(&self, answer: Answer) -> Error {
        let status = answer.status().as_u16();
        if matches!(status, 401 | 403) {
            return self.door.denied(answer);
        }
        let does_not = match self.wish {
            Wish::Pull => "give",
            Wish::Push => "take",
        };
        let help = (status == 429).then(|| limited(&answer, self.registry(), self.door.knows_us()));
        let error = Error::failed(format!("registry {} does not {does_not} {}", self.registry(), self.path)).because(complaint(answer));
        match help {
            Some(help) => error.hint(help),
            None => error,
        }
    }
}
