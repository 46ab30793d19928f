//! One repository: its manifests, by tag or digest, and its blobs, by digest.

use crate::error::{Error, Kind, Result};
use crate::registry::blob::Blob;
use crate::registry::credentials::Login;
use crate::registry::http::{Answer, Http, Question, complaint};
use crate::registry::known::Known;
use crate::registry::tokens::{Passes, denied};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

/// Registries take no longer manifests.
const LONGEST_MANIFEST: u64 = 4 << 20;

const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// So often somebody is asked again who is not well, or has too much to do.
const TRIES: u32 = 4;
/// Longer than this nobody is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What we want to do there: tokens are given for that, and for nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Pull,
    Push,
}

pub struct Repository {
    http: Http,
    path: String,
    wish: Wish,
    login: Option<Login>,
    passes: Passes,
}

/// A manifest as it came.
pub struct Answered {
    pub media_type: String,
    pub text: Vec<u8>,
}

impl Repository {
    /// `path`: as in a reference, `library/alpine`.
    pub fn new(known: &Known, registry: &str, path: &str, wish: Wish) -> Result<Arc<Repository>> {
        let address = known.address(registry);
        let login = known.logins.find(&address)?;
        Ok(Arc::new(Repository { http: known.http(address), path: path.to_owned(), wish, login, passes: Passes::default() }))
    }

    pub fn registry(&self) -> &str {
        &self.http.address.name
    }

    /// `wanted`: a tag, or a digest.
    pub fn manifest(&self, wanted: &str) -> Result<Answered> {
        let target = format!("/v2/{}/manifests/{wanted}", self.path);
        let answer = self.ask(&target, &[("accept", MANIFESTS.to_owned())])?;
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
        let mut text = Vec::new();
        let cut = || Error::failed(format!("cannot read the manifest from {}", self.registry()));
        answer.into_body().into_reader().take(LONGEST_MANIFEST + 1).read_to_end(&mut text).map_err(|e| cut().because(e))?;
        if text.len() as u64 > LONGEST_MANIFEST {
            return Err(cut().because("it is longer than 4 MiB").of_kind(Kind::Damaged));
        }
        Ok(Answered { media_type, text })
    }

    /// A blob from the byte `from` on, to be read to its end; `size` is what the manifest says of the whole.
    pub fn blob(self: &Arc<Self>, digest: &str, size: u64, from: u64) -> Box<dyn Read + Send> {
        Box::new(Blob::new(self.clone(), digest.to_owned(), size, from))
    }

    /// The blob from here on.
    pub(super) fn blob_from(&self, digest: &str, at: u64) -> Result<Answer> {
        let target = format!("/v2/{}/blobs/{digest}", self.path);
        let range = [("range", format!("bytes={at}-"))];
        let answer = self.ask(&target, if at > 0 { &range } else { &[] })?;
        match answer.status().as_u16() {
            200 | 206 => Ok(answer),
            404 => {
                Err(Error::no_such(format!("registry {} has not the whole image", self.registry())).because(format!("{digest} is missing")))
            }
            _ => Err(self.strange(answer)),
        }
    }

    /// Shows what the registry wants to see, and asks again where it has too much to do.
    fn ask(&self, target: &str, headers: &[(&'static str, String)]) -> Result<Answer> {
        let scope = self.scope();
        let mut shown = false;
        for attempt in 1.. {
            let pass = self.passes.get(&scope);
            let answer = self.http.ask(&Question { headers: headers.to_vec(), pass: pass.clone(), ..Question::get(target) })?;
            match answer.status().as_u16() {
                // A token may have grown old: one more is asked for.
                401 if !shown => {
                    shown = true;
                    self.passes.obtain(&self.http, self.login.as_ref(), &scope, pass.as_deref(), answer)?;
                }
                401 | 403 => return Err(denied(&self.http.address, complaint(answer))),
                429 | 500 | 502 | 503 | 504 if attempt < TRIES => match wait_of(&answer, attempt) {
                    Some(wait) => std::thread::sleep(wait),
                    None => return Err(self.strange(answer)),
                },
                _ => return Ok(answer),
            }
        }
        Err(Error::failed(format!("registry {} does not come to an answer", self.registry())))
    }

    fn scope(&self) -> String {
        let actions = match self.wish {
            Wish::Pull => "pull",
            Wish::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.path)
    }

    fn strange(&self, answer: Answer) -> Error {
        let status = answer.status().as_u16();
        let error = Error::failed(format!("registry {} does not give {}", self.registry(), self.path)).because(complaint(answer));
        match (status, &self.login) {
            (429, None) => error.hint(format!("it limits those whom it does not know: tare login {}, or try again later", self.registry())),
            (429, Some(_)) => error.hint("try again later"),
            _ => error,
        }
    }
}

/// What it asks for, or a little longer each time. `None`: it asks for more than anybody waits.
fn wait_of(answer: &Answer, attempt: u32) -> Option<Duration> {
    let asked = answer.headers().get("retry-after").and_then(|after| after.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
    let wait = asked.unwrap_or(Duration::from_millis(200 << attempt));
    (wait <= LONGEST_WAIT).then_some(wait)
}
