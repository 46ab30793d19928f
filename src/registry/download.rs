//! A file from an address that somebody has written down: no registry, but spoken to in the same way and believed as little.

use crate::error::{Error, Result};
use crate::registry::known::Known;
use crate::registry::way::address::{Address, is_host};
use crate::registry::way::http::{Question, harmless};
use crate::registry::way::pace::Paced;
use crate::registry::way::retry_after;
use std::io::Read;
use ureq::BodyReader;
use ureq::http::Uri;

pub enum Downloaded {
    /// It is still what it was called when it came last.
    AsBefore,
    Anew(Download),
}

pub struct Download {
    /// What its server calls this state of it.
    pub tag: Option<String>,
    /// Seconds since 1970.
    pub modified: Option<i64>,
    pub length: Option<u64>,
    body: Paced<BodyReader<'static>>,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.body.read(buffer)
    }
}

/// `tag`: of what is here already. `pass`: what says who we are, for this host alone (`Authorization`).
pub fn download(known: &Known, url: &str, tag: Option<&str>, pass: Option<String>) -> Result<Downloaded> {
    let what = || Error::failed(format!("cannot fetch {}", harmless(url)));
    let uri: Uri = url.parse().map_err(|_| what().because("it is no address"))?;
    let authority = uri.authority().filter(|_| matches!(uri.scheme_str(), Some("http" | "https")));
    let host = authority.map(|authority| authority.as_str()).filter(|host| is_host(host));
    let host = host.ok_or_else(|| what().because("it is no address of a file").hint("write https://HOST/PATH"))?;
    // What follows a # is for whoever reads the file, and not for its server.
    let target = url.split('#').next().unwrap_or(url);
    let http = known.http(Address::of(host));
    let headers = tag.map(|tag| ("if-none-match", tag.to_owned())).into_iter().collect();
    let answer = http.ask(&Question { headers, pass, ..Question::get(target) }).map_err(|error| error.context(what().to_string()))?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned());
    let (status, now) = (answer.status(), header("etag"));
    if tag.is_some() && (status.as_u16() == 304 || status.is_success() && now.as_deref() == tag) {
        return Ok(Downloaded::AsBefore);
    }
    if !status.is_success() {
        return Err(what().because(format!("{host} answers {status}")));
    }
    let modified = header("last-modified").and_then(|text| retry_after::moment(&text));
    Ok(Downloaded::Anew(Download {
        tag: now,
        modified: modified.and_then(|moment| i64::try_from(moment / 1_000_000_000).ok()),
        length: answer.body().content_length(),
        body: Paced::new(answer.into_body().into_reader()),
    }))
}
