//! A file from a URL. What it is for a key is what is in it, or the checksum that somebody has written beside it.
//!
//! A server that names the states of its files (`ETag`) is asked whether it is still the one that came last: then nothing is fetched
//! at all, unless the step has to be carried out again.

use crate::build::files::digest::hex;
use crate::error::{Context, Error, Kind, Result};
use crate::registry::{self, Download, Downloaded, Known};
use crate::sys::beneath::{self, Directory};
use crate::sys::file::{self, OFlag};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

const BUFFER: usize = 256 << 10;
const LONGEST_NOTE: u64 = 64 << 10;
/// How BuildKit calls a file whose address ends in no name.
const NAMELESS: &str = "__unnamed__";

pub struct FromUrl {
    url: String,
    /// `sha256:…`, without that.
    checksum: Option<String>,
    /// What was known of it when the key was made.
    expected: Option<String>,
    is_here: bool,
    /// What says who we are (`Authorization`).
    pub pass: Option<String>,
}

/// What is remembered of a URL.
#[derive(Serialize, Deserialize)]
struct Note {
    url: String,
    tag: String,
    sha256: String,
}

impl FromUrl {
    pub fn of(url: &str, checksum: Option<&str>) -> Result<FromUrl> {
        let checksum = checksum.map(|text| sha256_of(text).ok_or_else(|| wrong_checksum(text))).transpose()?;
        Ok(FromUrl { url: url.to_owned(), checksum, expected: None, is_here: false, pass: None })
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        let behind = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = behind.split(['?', '#']).next().and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path);
        match path.trim_end_matches('/').rsplit('/').next() {
            None | Some("" | "." | "..") => NAMELESS,
            Some(name) => name,
        }
    }

    pub fn host(&self) -> &str {
        let behind = self.url.split_once("://").map_or("", |(_, rest)| rest);
        behind.split(['/', '?', '#']).next().unwrap_or_default()
    }

    /// `memory`: where notes are kept. `place`: an empty directory for the file, if it has to be fetched for that.
    pub fn print(&mut self, memory: &Path, place: &Path) -> Result<String> {
        if let Some(checksum) = &self.checksum {
            return Ok(checksum.clone());
        }
        let note = memory.join(hex(&Sha256::digest(&self.url).into()));
        let before = file::read_bounded(&note, LONGEST_NOTE).ok().and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        let before = before.filter(|before| before.url == self.url);
        let tag = before.as_ref().map(|before| before.tag.as_str());
        let print = match (registry::download(&Known::of_this_user()?, &self.url, tag, self.pass.clone())?, &before) {
            (Downloaded::AsBefore, Some(before)) => before.sha256.clone(),
            (Downloaded::AsBefore, None) => return Err(self.failed().because("its server speaks of something that we have not")),
            (Downloaded::Anew(download), _) => {
                let tag = download.tag.clone();
                let sha256 = self.write(download, place)?;
                if let Some(tag) = tag {
                    remember(&note, &Note { url: self.url.clone(), tag, sha256: sha256.clone() })?;
                }
                sha256
            }
        };
        self.expected = Some(print.clone());
        Ok(print)
    }

    /// Into `place`, if it is not there already.
    pub fn fetch(&mut self, place: &Path) -> Result<()> {
        if self.is_here {
            return Ok(());
        }
        match registry::download(&Known::of_this_user()?, &self.url, None, self.pass.clone())? {
            Downloaded::Anew(download) => self.write(download, place).map(drop),
            Downloaded::AsBefore => Err(self.failed().because("its server sends nothing")),
        }
    }

    fn write(&mut self, mut download: Download, place: &Path) -> Result<String> {
        let into = Directory::open_root(place).with_context(|| self.failed().to_string())?;
        let made = into.new_file(self.name().as_bytes()).with_context(|| self.failed().to_string())?;
        let most = file::free_room(place).context("cannot see how much room is free")?.bytes / 4 * 3;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0u64, vec![0; BUFFER]);
        loop {
            let count = match download.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.failed().because(e)),
            };
            bytes += count as u64;
            if bytes > most {
                return Err(self.failed().because("it takes more than three quarters of the room that is free"));
            }
            hash.update(&buffer[..count]);
            file::write_all(made.as_fd(), &buffer[..count]).with_context(|| self.failed().to_string())?;
        }
        if download.length.is_some_and(|length| length != bytes) {
            return Err(self.failed().because("it ended before it was whole"));
        }
        let found = hex(&hash.finalize().into());
        match (&self.checksum, &self.expected) {
            (Some(checksum), _) if *checksum != found => {
                return Err(
                    Error::damaged(self.failed().to_string()).because(format!("its checksum is sha256:{found}, and not sha256:{checksum}"))
                );
            }
            (None, Some(expected)) if *expected != found => {
                return Err(Error::new(Kind::Changed, self.failed().to_string()).because("it has changed meanwhile").hint("build again"));
            }
            _ => {}
        }
        beneath::set_mode(made.as_fd(), 0o600).context("cannot set its mode")?;
        if let Some(seconds) = download.modified {
            beneath::set_time(made.as_fd(), (seconds, 0)).context("cannot set its time")?;
        }
        self.is_here = true;
        Ok(found)
    }

    fn failed(&self) -> Error {
        Error::failed(format!("cannot fetch {:?}", self.url))
    }
}

fn remember(place: &Path, note: &Note) -> Result<()> {
    const WHAT: &str = "cannot remember what was fetched";
    let bytes = serde_json::to_vec(note).map_err(|e| Error::failed(WHAT).because(e))?;
    let new: PathBuf = place.with_extension(file::random_id().context(WHAT)?);
    file::make_dirs(place.parent().unwrap_or(place), 0o700).context(WHAT)?;
    let made = file::create(&new, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).context(WHAT)?;
    file::write_all(made.as_fd(), &bytes).and_then(|()| file::rename(&new, place)).context(WHAT)
}

fn sha256_of(checksum: &str) -> Option<String> {
    let hex = checksum.strip_prefix("sha256:")?;
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| hex.to_owned())
}

fn wrong_checksum(text: &str) -> Error {
    Error::usage(format!("--checksum={text}")).because("it is no SHA-256 digest").hint("write sha256: and 64 digits of 0-9a-f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_its_address_ends() {
        let table = [
            ("https://a.example/b/c.tar.gz", "c.tar.gz"),
            ("https://a.example/c?d=/e#f/g", "c"),
            ("https://a.example/dir/", "dir"),
            ("https://a.example", NAMELESS),
            ("https://a.example/", NAMELESS),
            ("https://a.example/x/..", NAMELESS),
            ("https://a.example?x=/y", NAMELESS),
        ];
        for (url, name) in table {
            assert_eq!(FromUrl::of(url, None).unwrap().name(), name, "{url}");
        }
    }

    #[test]
    fn a_checksum_is_sha256_and_nothing_else() {
        let good = format!("sha256:{}", "0f".repeat(32));
        assert!(FromUrl::of("https://a.example/b", Some(&good)).is_ok());
        for wrong in ["", "sha256:", "md5:00", &good.to_uppercase(), &good[7..], &format!("{good}0")] {
            assert!(FromUrl::of("https://a.example/b", Some(wrong)).is_err(), "{wrong}");
        }
    }
}
