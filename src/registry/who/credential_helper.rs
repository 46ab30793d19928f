//! Credential helpers: programs named `docker-credential-…` that keep passwords where nobody else can read them.
//!
//! They are told one word (`get`, `store`, `erase`), read what is meant from standard input, and answer on standard output.

use crate::error::{Context, Error, Result};
use crate::registry::way::http::harmless;
use crate::registry::who::credentials::Login;
use crate::sys::poll::{Watched, poll};
use crate::sys::process;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const LONGEST_ANSWER: u64 = 1 << 20;
/// Some of them ask a person first.
const PATIENCE: Duration = Duration::from_secs(120);
/// Instead of a user's name: the secret is a token that other tokens are given for.
const IS_IDENTITY: &str = "<token>";

pub struct Helper(String);

impl Helper {
    /// A name and not a path: what is executed lies where programs lie.
    pub fn named(name: &str) -> Result<Helper> {
        match name.contains('/') {
            true => Err(Error::failed(format!("\"{name}\" is no name of a credential helper")).because("it holds a slash")),
            false => Ok(Helper(format!("docker-credential-{name}"))),
        }
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    pub fn get(&self, server: &str) -> Result<Option<Login>> {
        let (good, said) = self.ask("get", server)?;
        if !good {
            return match said.contains("credentials not found") {
                true => Ok(None),
                false => Err(self.failed("get").because(harmless(said.trim()))),
            };
        }
        let said: Value = serde_json::from_str(&said).map_err(|e| self.failed("get").because(e))?;
        let word = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(match (word("Username"), word("Secret")) {
            (_, secret) if secret.is_empty() => None,
            (user, token) if user == IS_IDENTITY => Some(Login::Identity { user: String::new(), token }),
            (user, secret) => Some(Login::Password { user, secret }),
        })
    }

    pub fn store(&self, server: &str, login: &Login) -> Result<()> {
        let (user, secret) = match login {
            Login::Password { user, secret } => (user.as_str(), secret),
            Login::Identity { token, .. } => (IS_IDENTITY, token),
            Login::Bearer(_) | Login::Withheld(_) => return Err(self.failed("store")),
        };
        self.obey("store", &json!({ "ServerURL": server, "Username": user, "Secret": secret }).to_string())
    }

    pub fn erase(&self, server: &str) -> Result<()> {
        self.obey("erase", server)
    }

    fn obey(&self, verb: &str, input: &str) -> Result<()> {
        match self.ask(verb, input)? {
            (true, _) => Ok(()),
            (false, said) => Err(self.failed(verb).because(harmless(said.trim()))),
        }
    }

    fn failed(&self, verb: &str) -> Error {
        Error::failed(format!("{} {verb} failed", self.0))
    }

    /// Whether it went well, and what was said.
    fn ask(&self, verb: &str, input: &str) -> Result<(bool, String)> {
        let mut child = self.start(verb, input).map_err(|e| match self.is_in_path() {
            false => Error::failed(format!("no program {}", self.0)).because("config.json names it, and it is nowhere in PATH"),
            true => self.failed(verb).because(e),
        })?;
        let end = Instant::now() + PATIENCE;
        let said = child.stdout.take().map_or(Ok(String::new()), |out| read_until(out, end)).and_then(|said| {
            wait_until(&mut child, end)?;
            Ok(said)
        });
        if said.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().with_context(|| format!("{} {verb}", self.0))?;
        Ok((status.success(), said.map_err(|e| e.context(format!("{} {verb} failed", self.0)))?))
    }

    /// exec says "permission denied" where only a directory of PATH may not be looked into.
    fn is_in_path(&self) -> bool {
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(&self.0).is_file()))
    }

    /// Its input is a file in memory: a pipe takes so much, and who does not read it would make us wait.
    fn start(&self, verb: &str, input: &str) -> std::io::Result<Child> {
        let mut file = File::from(process::memory_file(c"question")?);
        file.write_all(input.as_bytes())?;
        file.rewind()?;
        Command::new(&self.0).arg(verb).stdin(file).stdout(Stdio::piped()).spawn()
    }
}

fn left(end: Instant) -> Option<i32> {
    Some(i32::try_from(end.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(i32::MAX))
}

fn late() -> Error {
    Error::failed(format!("it did not answer within {} s", PATIENCE.as_secs()))
}

fn read_until(mut out: ChildStdout, end: Instant) -> Result<String> {
    let mut said = Vec::new();
    let mut block = [0; 4096];
    loop {
        if !poll(&mut [Watched::new(out.as_fd(), true, false)], left(end)).context("cannot hear it")? && Instant::now() >= end {
            return Err(late());
        }
        match out.read(&mut block) {
            Ok(0) => return Ok(String::from_utf8_lossy(&said).into_owned()),
            Ok(count) => said.extend(&block[..count]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e).context("cannot hear it"),
        }
        if said.len() as u64 > LONGEST_ANSWER {
            return Err(Error::failed("it said more than 1 MiB"));
        }
    }
}

fn wait_until(child: &mut Child, end: Instant) -> Result<()> {
    let pidfd = process::pidfd_of(child.id() as i32).context("cannot watch it")?;
    while !poll(&mut [Watched::new(pidfd.as_fd(), true, false)], left(end)).context("cannot wait for it")? {
        if Instant::now() >= end {
            return Err(late());
        }
    }
    Ok(())
}
