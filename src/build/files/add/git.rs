//! A repository, as git brings it. What it is for a key is the commit.
//!
//! The address comes from a Dockerfile: it never begins like an option, and names only ways over the network. What git is asked for is
//! one commit; programs that a repository wants to be run (hooks, filters) are not its to name.

use crate::build::files::look::Look;
use crate::build::files::real_path::real_path;
use crate::error::{Context, Error, Result};
use crate::sys::beneath::Directory;
use crate::sys::{file, mount};
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    remote: String,
    /// Branch, tag or commit; `None`: what the other side takes for the usual one.
    reference: Option<String>,
    /// What is taken of it; empty: all.
    directory: String,
    keeps_git: bool,
    /// The beginning of the commit's name.
    checksum: Option<String>,
    commit: Option<String>,
}

/// Letters of a commit's whole name.
const WHOLE: [usize; 2] = [40, 64];

impl Repository {
    /// `None`: it is none.
    pub fn of(text: &str, keeps_git: bool, checksum: Option<&str>) -> Result<Option<Repository>> {
        let (remote, fragment) = text.split_once('#').unwrap_or((text, ""));
        if !is_remote(remote) {
            return Ok(None);
        }
        let (reference, directory) = fragment.split_once(':').unwrap_or((fragment, ""));
        let wrong = |why: &str| Err(Error::usage(format!("{text:?} names no repository")).because(why.to_owned()));
        if reference.starts_with('-') || reference.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return wrong("what follows the # is no name of a branch, tag or commit");
        }
        if checksum.is_some_and(|checksum| checksum.is_empty() || !is_commit(checksum)) {
            return Err(
                Error::usage(format!("--checksum={}", checksum.unwrap_or_default())).because("it is not the beginning of a commit's name")
            );
        }
        Ok(Some(Repository {
            remote: remote.to_owned(),
            reference: (!reference.is_empty()).then(|| reference.to_owned()),
            directory: directory.to_owned(),
            keeps_git,
            checksum: checksum.map(str::to_owned),
            commit: None,
        }))
    }

    /// Asks the other side which commit is meant.
    pub fn print(&mut self) -> Result<String> {
        let commit = match &self.reference {
            Some(commit) if WHOLE.contains(&commit.len()) && is_commit(commit) => commit.clone(),
            reference => {
                let wanted = reference.as_deref().unwrap_or("HEAD");
                let told = self.git(None, &["ls-remote", "--", &self.remote, wanted, &format!("{wanted}^{{}}")])?;
                found_in(&told, wanted).ok_or_else(|| self.failed().because(format!("it has no branch or tag {wanted:?}")))?
            }
        };
        if let Some(checksum) = self.checksum.as_ref().filter(|checksum| !commit.starts_with(checksum.as_str())) {
            return Err(Error::damaged(self.failed().to_string()).because(format!("it is commit {commit}, and not {checksum}…")));
        }
        self.commit = Some(commit.clone());
        Ok(format!("{commit}:{}:{}", self.directory, self.keeps_git))
    }

    /// Into `place`, an empty directory. Returns what is to be copied of it.
    pub fn fetch(&mut self, place: &Path) -> Result<Directory> {
        if self.commit.is_none() {
            self.print()?;
        }
        let commit = self.commit.clone().unwrap_or_default();
        self.git(Some(place), &["init", "-q"])?;
        let shallow = self.git(Some(place), &["fetch", "-q", "--depth=1", "--no-tags", "--", &self.remote, &commit]);
        // Not every server gives out a single commit.
        if shallow.is_err() {
            self.git(Some(place), &["fetch", "-q", "--tags", "--", &self.remote, "+refs/heads/*:refs/remotes/origin/*"])?;
        }
        self.git(Some(place), &["checkout", "-q", "--detach", &commit, "--"])?;
        if file::is_regular_file(&place.join(".gitmodules")) {
            self.git(Some(place), &["remote", "add", "origin", &self.remote])?;
            self.git(Some(place), &["submodule", "-q", "update", "--init", "--recursive", "--depth=1"])?;
        }
        if !self.keeps_git {
            file::remove_tree(&place.join(".git")).with_context(|| self.failed().to_string())?;
        }
        self.part(place)
    }

    /// A repository may hold symlinks: none of them leads out of it (CVE-2026-33748).
    fn part(&self, place: &Path) -> Result<Directory> {
        let whole = Directory::open_root(place).with_context(|| self.failed().to_string())?;
        let found = real_path(&whole, self.directory.as_bytes()).ok().filter(|found| found.look.as_ref().is_some_and(Look::is_directory));
        let missing = || Error::no_such(self.failed().to_string()).because(format!("it has no directory {:?}", self.directory));
        let path = found.ok_or_else(missing)?.path;
        whole.directory(if path.is_empty() { b"." } else { &path }).with_context(|| self.failed().to_string())
    }

    fn git(&self, place: Option<&Path>, words: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        if let Some(place) = place {
            command.arg("-C").arg(place);
        }
        // Nobody is there to be asked for a password.
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.file.allow=user", "-c", "protocol.ext.allow=never"]);
        command.args(words).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
        // A repository knows whether a file can be executed, and nothing else of its mode.
        let umask = mount::set_umask(0o022);
        let ran = command.output();
        mount::set_umask(umask);
        let ran = ran.map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::cannot_keep(format!("cannot fetch {:?}", self.remote))
                .because("there is no program git on this machine")
                .hint("install git, or add the repository's archive by its URL"),
            _ => self.failed().because(e),
        })?;
        match ran.status.success() {
            true => Ok(String::from_utf8_lossy(&ran.stdout).into_owned()),
            false => Err(self.failed().because(String::from_utf8_lossy(&ran.stderr).trim().lines().next().unwrap_or("git failed"))),
        }
    }

    fn failed(&self) -> Error {
        Error::failed(format!("cannot fetch the repository {:?}", self.remote))
    }
}

/// `https://…/x.git`, `git://…`, `ssh://…`, `git@host:path`.
fn is_remote(remote: &str) -> bool {
    let is_web = remote.starts_with("http://") || remote.starts_with("https://");
    let is_scp = remote.strip_prefix("git@").is_some_and(|rest| rest.contains(':') && !rest.starts_with('-'));
    let behind = |scheme: &str| remote.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-'));
    (is_web && remote.ends_with(".git")) || behind("git://") || behind("ssh://") || is_scp
}

fn is_commit(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lines of `ls-remote`: what a tag points to comes before the tag itself, a branch before a tag of the same name.
fn found_in(told: &str, wanted: &str) -> Option<String> {
    let lines: Vec<(&str, &str)> = told.lines().filter_map(|line| line.split_once('\t')).collect();
    let names = [wanted.to_owned(), format!("refs/heads/{wanted}"), format!("refs/tags/{wanted}^{{}}"), format!("refs/tags/{wanted}")];
    let found = names.iter().find_map(|name| lines.iter().find(|(_, known)| known == name));
    found.map(|(commit, _)| (*commit).to_owned()).filter(|commit| is_commit(commit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_by_its_address() {
        let of = |text: &str| Repository::of(text, false, None).unwrap().map(|found| (found.remote, found.reference, found.directory));
        let some = |remote: &str, reference: Option<&str>, directory: &str| {
            Some((remote.to_owned(), reference.map(str::to_owned), directory.to_owned()))
        };
        assert_eq!(of("https://x.example/y.git"), some("https://x.example/y.git", None, ""));
        assert_eq!(of("https://x.example/y.git#main:docs/a"), some("https://x.example/y.git", Some("main"), "docs/a"));
        assert_eq!(of("git@x.example:y.git#:docs"), some("git@x.example:y.git", None, "docs"));
        assert_eq!(of("ssh://x.example/y#v1"), some("ssh://x.example/y", Some("v1"), ""));
        for other in
            ["https://x.example/y", "https://x.example/y.git/", "y.git", "./git@x", "git@x", "file:///y.git", "ext::sh -c x.git", "-u.git"]
        {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(Repository::of("git@x.example:y#--upload-pack=x", false, None).is_err());
        assert!(Repository::of("git@x.example:y", false, Some("xyz")).is_err());
        assert!(!is_remote("ssh://-oProxyCommand=x/y") && !is_remote("git@-oProxyCommand=x:y"));
    }

    #[test]
    fn of_a_tag_the_commit_is_taken() {
        let told = "aa\trefs/tags/v1\nbb\trefs/tags/v1^{}\ncc\trefs/heads/v1x\n";
        assert_eq!(found_in(told, "v1").as_deref(), Some("bb"));
        assert_eq!(found_in("dd\tHEAD\nee\trefs/heads/main\n", "HEAD").as_deref(), Some("dd"));
        assert_eq!(found_in(told, "v2"), None);
    }
}
