//! Programs of the host that a specification wants run at certain moments of a container's life, with its state on their input.

use crate::error::{Context, Error, Result};
use crate::sys::poll::{Watched, poll};
use crate::sys::process;
use oci_spec::runtime::{Hook, Spec};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

/// In the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The old name of the next one: both are run, this one first.
    PreStart,
    /// The namespaces are there, the root is not yet entered.
    CreateRuntime,
    /// The same, but run in the container's namespaces.
    CreateContainer,
    /// In the container, right before the user's program.
    StartContainer,
    PostStart,
    PostStop,
}

impl Moment {
    pub fn word(self) -> &'static str {
        match self {
            Moment::PreStart => "prestart",
            Moment::CreateRuntime => "createRuntime",
            Moment::CreateContainer => "createContainer",
            Moment::StartContainer => "startContainer",
            Moment::PostStart => "poststart",
            Moment::PostStop => "poststop",
        }
    }

    #[allow(deprecated)] // prestart is old, and in use
    pub fn of(self, spec: &Spec) -> &[Hook] {
        let Some(hooks) = spec.hooks().as_ref() else { return &[] };
        let list = match self {
            Moment::PreStart => hooks.prestart(),
            Moment::CreateRuntime => hooks.create_runtime(),
            Moment::CreateContainer => hooks.create_container(),
            Moment::StartContainer => hooks.start_container(),
            Moment::PostStart => hooks.poststart(),
            Moment::PostStop => hooks.poststop(),
        };
        list.as_deref().unwrap_or_default()
    }
}

/// One after the other; the first that fails ends it. `state`: the container's, as JSON.
pub fn run(spec: &Spec, moment: Moment, state: &str) -> Result<()> {
    moment.of(spec).iter().try_for_each(|hook| run_one(hook, moment, state))
}

/// Nothing where nobody would read it: a container's annotations may be many.
pub fn state_for<'a>(spec: &Spec, moment: Moment, state: &'a str) -> &'a str {
    if moment.of(spec).is_empty() { "" } else { state }
}

/// A hook's path is one of the host (or of the container), and its time does not run backwards.
pub fn check(spec: &Spec) -> Result<()> {
    use Moment::*;
    let all = [PreStart, CreateRuntime, CreateContainer, StartContainer, PostStart, PostStop];
    for (moment, hook) in all.iter().flat_map(|moment| moment.of(spec).iter().map(move |hook| (moment, hook))) {
        let wrong = |why: &str| Err(Error::damaged(format!("{} hook {:?}", moment.word(), hook.path())).because(why));
        match hook.timeout() {
            _ if !hook.path().is_absolute() => return wrong("not an absolute path"),
            Some(seconds) if seconds < 0 => return wrong("its timeout is negative"),
            _ => {}
        }
    }
    Ok(())
}

/// All of them, whatever becomes of each; returns what failed.
pub fn run_all(spec: &Spec, moment: Moment, state: &str) -> Vec<Error> {
    moment.of(spec).iter().filter_map(|hook| run_one(hook, moment, state).err()).collect()
}

fn run_one(hook: &Hook, moment: Moment, state: &str) -> Result<()> {
    let what = || format!("{} hook {}", moment.word(), hook.path().display());
    let mut child = start(hook, state).with_context(what)?;
    let status = wait(&mut child, hook.timeout()).map_err(|error| error.context(what()))?;
    if status.success() {
        return Ok(());
    }
    let error = Error::failed(what()).because(status);
    Err(match last_words(&mut child) {
        Some(words) => error.because(words),
        None => error,
    })
}

/// Its input is a file in memory: a pipe takes so much, and who does not read it would make us wait.
fn start(hook: &Hook, state: &str) -> std::io::Result<Child> {
    let mut input = File::from(process::memory_file(c"state")?);
    input.write_all(state.as_bytes())?;
    input.rewind()?;
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(hook.path());
    if let Some((name, arguments)) = hook.args().as_deref().and_then(<[String]>::split_first) {
        command.arg0(name).args(arguments);
    }
    let variables = hook.env().iter().flatten().filter_map(|variable| variable.split_once('='));
    command.env_clear().envs(variables);
    command.stdin(input).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}

fn wait(child: &mut Child, timeout: Option<i64>) -> Result<std::process::ExitStatus> {
    if let Some(seconds) = timeout.filter(|seconds| *seconds != 0) {
        let pidfd = process::pidfd_of(child.id() as i32).context("cannot watch it")?;
        let milliseconds = i32::try_from(seconds.saturating_mul(1000)).unwrap_or(i32::MAX);
        let ended = poll(&mut [Watched::new(pidfd.as_fd(), true, false)], Some(milliseconds)).context("cannot wait for it")?;
        if !ended {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::failed(format!("it did not end within {seconds} s")));
        }
    }
    child.wait().context("cannot wait for it")
}

/// What it complained of. Somebody it left behind may hold the pipe open, so nobody waits for its end.
fn last_words(child: &mut Child) -> Option<String> {
    let mut pipe = child.stderr.take()?;
    let has_input = poll(&mut [Watched::new(pipe.as_fd(), true, false)], Some(0)).unwrap_or(false);
    let mut buffer = [0; 4096];
    let count = if has_input { pipe.read(&mut buffer).ok()? } else { 0 };
    let text = String::from_utf8_lossy(&buffer[..count]).trim().to_owned();
    (!text.is_empty()).then_some(text)
}
