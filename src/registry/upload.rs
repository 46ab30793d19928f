//! Blobs and manifests go up, as the OCI distribution specification has it.
//!
//! What is there already is not sent, and what another repository of the same registry has is mounted from there. The rest goes as a
//! whole where it is small, and in pieces where it is large or the registry wants no more at once: when a connection breaks the
//! registry is asked how far it got, and only what is missing is sent again.

mod pieces;

use crate::error::{Error, Result};
use crate::registry::repository::Repository;
use crate::registry::sending::{Content, Sending};
use crate::registry::way::http::{Answer, Question};
use std::time::Duration;
use ureq::ResponseExt;
use ureq::http::Method;

/// Up to here a blob goes as a whole.
const LONGEST_WHOLE: u64 = 64 << 20;
/// So often in a row without a new byte.
const TRIES: u32 = 5;

/// How a blob came to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Went {
    Up,
    WasThere,
    MountedFrom(String),
}

/// What became of one way to send a blob.
enum Sent {
    Whole,
    /// The registry does not take it in this way.
    NotSo(Error),
    /// Something broke; from the beginning it may go better.
    Broke(Error),
}

/// An upload that the registry has begun.
struct Session {
    location: String,
    /// So many bytes have arrived.
    at: u64,
    /// Shorter pieces it does not take, but for the last.
    shortest: u64,
}

impl Repository {
    pub fn has(&self, digest: &str) -> Result<bool> {
        let target = format!("/v2/{}/blobs/{digest}", self.path);
        let answer = self.door.try_ask(Question { method: Method::HEAD, ..Question::get(&target) }, &self.scope())?;
        match answer.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            // It is kept elsewhere, by somebody who answers no such question; but a registry sends us on only to what it has.
            _ if !self.door.http.is_own(&answer.get_uri().to_string()) => Ok(true),
            _ => Err(self.strange(answer)),
        }
    }

    /// `perhaps_in`: another repository there that may have it.
    pub fn put_blob(&self, content: &dyn Content, perhaps_in: Option<&str>) -> Result<Went> {
        if self.has(content.digest())? {
            return Ok(Went::WasThere);
        }
        let mut begun = None;
        if let Some(from) = perhaps_in {
            match self.mount(content.digest(), from)? {
                Mounting::Done => return Ok(Went::MountedFrom(from.to_owned())),
                // Refused, which is no error; it may have begun an upload instead.
                Mounting::Refused(session) => begun = session,
            }
        }
        let (mut in_pieces, mut changed, mut broke) = (content.size() > LONGEST_WHOLE, false, 0);
        loop {
            let session = begun.take().map_or_else(|| self.begin(), Ok)?;
            let sent = if in_pieces { self.send_pieces(session, content)? } else { self.send_whole(&session, content)? };
            match sent {
                Sent::Whole => return Ok(Went::Up),
                Sent::NotSo(error) if changed => return Err(error),
                Sent::NotSo(_) => (in_pieces, changed) = (!in_pieces, true),
                Sent::Broke(error) => {
                    broke += 1;
                    if broke >= TRIES {
                        return Err(error);
                    }
                    pause(broke);
                    // Perhaps only its answer was lost.
                    if self.has(content.digest())? {
                        return Ok(Went::Up);
                    }
                    // A piece that breaks costs less than the whole.
                    in_pieces |= !changed;
                }
            }
        }
    }

    fn mount(&self, digest: &str, from: &str) -> Result<Mounting> {
        let target = format!("/v2/{}/blobs/uploads/?mount={digest}&from={from}", self.path);
        let scope = format!("{} repository:{from}:pull", self.scope());
        let question = Question { method: Method::POST, body: Some(Sending::Nothing), ..Question::get(&target) };
        // Some give no token at all where one of several wishes is refused.
        let Ok(answer) = self.door.try_ask(question, &scope) else { return Ok(Mounting::Refused(None)) };
        match answer.status().as_u16() {
            201 => Ok(Mounting::Done),
            202 => Ok(Mounting::Refused(Some(self.session(&answer)?))),
            _ => Ok(Mounting::Refused(None)),
        }
    }

    fn begin(&self) -> Result<Session> {
        let target = format!("/v2/{}/blobs/uploads/", self.path);
        let answer = self.say(Method::POST, &target, &[], Sending::Nothing)?;
        match answer.status().as_u16() {
            202 => self.session(&answer),
            _ => Err(self.strange(answer)),
        }
    }

    fn session(&self, answer: &Answer) -> Result<Session> {
        let location = self.location(answer)?.ok_or_else(|| self.lost("it does not say where the upload goes"))?;
        let shortest = header(answer, "oci-chunk-min-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        Ok(Session { location, at: 0, shortest })
    }

    fn send_whole(&self, session: &Session, content: &dyn Content) -> Result<Sent> {
        // What cannot be read here is no fault of the registry's.
        content.open(0)?;
        let body = Sending::Part { of: content, from: 0, length: content.size() };
        match self.say(Method::PUT, &with_digest(&session.location, content), &[OCTETS], body) {
            Ok(answer) if answer.status().as_u16() == 413 => Ok(Sent::NotSo(self.strange(answer))),
            Ok(answer) => self.finished(answer),
            Err(error) => Ok(Sent::Broke(error)),
        }
    }

    fn finished(&self, answer: Answer) -> Result<Sent> {
        match answer.status().as_u16() {
            200..=299 => Ok(Sent::Whole),
            // The upload is not known any more, or not as far as we thought.
            404 | 416 | 429 | 500..=599 => Ok(Sent::Broke(self.strange(answer))),
            _ => Err(self.strange(answer)),
        }
    }

    /// Byte for byte as it stands, so that its digest stays what it is. `tag`: or a digest.
    pub fn put_manifest(&self, tag: &str, media_type: &str, text: &[u8], digest: &str) -> Result<()> {
        let target = format!("/v2/{}/manifests/{tag}", self.path);
        let answer = self.say(Method::PUT, &target, &[("content-type", media_type)], Sending::Text(text))?;
        if !answer.status().is_success() {
            return Err(self.strange(answer));
        }
        match header(&answer, "docker-content-digest") {
            Some(said) if said != digest => Err(self.lost("it has made another manifest of the one that it was sent")),
            _ => Ok(()),
        }
    }

    fn say(&self, method: Method, target: &str, headers: &[(&'static str, &str)], body: Sending) -> Result<Answer> {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.door.try_ask(Question { method, headers, body: Some(body), ..Question::get(target) }, &self.scope())
    }

    fn location(&self, answer: &Answer) -> Result<Option<String>> {
        let to = answer.headers().get("location");
        to.map(|to| self.door.http.step(answer.get_uri(), to).map(|next| next.to_string())).transpose()
    }

    fn lost(&self, why: &str) -> Error {
        Error::failed(format!("registry {} does not take {}", self.registry(), self.path)).because(why.to_owned())
    }
}

enum Mounting {
    Done,
    Refused(Option<Session>),
}

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

fn pause(tried: u32) {
    std::thread::sleep(Duration::from_millis(50 << tried));
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// The query that is there already belongs to the registry and stays.
fn with_digest(location: &str, content: &dyn Content) -> String {
    let between = if location.contains('?') { '&' } else { '?' };
    format!("{location}{between}digest={}", content.digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    struct Nothing;
    impl Content for Nothing {
        fn digest(&self) -> &str {
            "sha256:e3b0"
        }
        fn size(&self) -> u64 {
            0
        }
        fn open(&self, _: u64) -> Result<Box<dyn Read + '_>> {
            Ok(Box::new(std::io::empty()))
        }
    }

    #[test]
    fn what_the_registry_wrote_into_an_address_stays_there() {
        assert_eq!(with_digest("http://r/u/1", &Nothing), "http://r/u/1?digest=sha256:e3b0");
        assert_eq!(with_digest("http://r/u/1?_state=a%2Fb", &Nothing), "http://r/u/1?_state=a%2Fb&digest=sha256:e3b0");
    }
}
