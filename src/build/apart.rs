//! A build in a process of its own, so that whoever asked for it can show how it goes on, be interrupted, and clear away.
//!
//! That process has no threads and waits for its stages; nobody else could draw every tenth of a second, or hear ctrl-c.

use crate::build::event::Event;
use crate::build::link::{Failure, Link};
use crate::build::request::BUILD;
use crate::build::state::State;
use crate::build::{Outcome, Request};
use crate::engine::{images, list};
use crate::error::{Context, Error, Result};
use crate::image::{Limits, Loaded, Workplace};
use crate::paths::Paths;
use crate::sys::process::{self, Forked};
use crate::sys::{signal, socket};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// So long containers of a build that was ended may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

pub struct Apart {
    /// Of the build: its containers say it.
    id: String,
    pid: i32,
    pidfd: OwnedFd,
    link: Link,
}

#[derive(Serialize, Deserialize)]
enum Said {
    Event(Event),
    Made(Box<State>, Option<(Vec<String>, String)>),
    /// A step failed.
    Failed(Box<Failure>),
    /// It never came to a step.
    Refused(Box<Failure>),
}

/// What is heard of it.
pub enum Heard {
    Event(Event),
    Over(Result<Outcome>),
}

/// The caller has no threads.
pub fn begin(paths: &Paths, request: &Request, limits: &Limits) -> Result<Apart> {
    const WHAT: &str = "cannot begin the build";
    let (ours, theirs) = socket::pair().context(WHAT)?;
    match process::clone3(0, None).context(WHAT)? {
        Forked::Child => {
            drop(ours);
            let ready = process::die_with_parent().and_then(|()| signal::unblock_all());
            let code = ready.map_or(1, |_| carry_out(paths, request, limits, &Link::new(theirs)));
            process::exit_now(code)
        }
        Forked::Parent { pid, pidfd } => Ok(Apart { id: request.id.clone(), pid, pidfd, link: Link::new(ours) }),
    }
}

fn carry_out(paths: &Paths, request: &Request, limits: &Limits, link: &Link) -> i32 {
    let built = super::build(paths, request, limits, &mut |event| {
        // Whoever asked is gone only when we are about to be, too.
        let _ = link.say(&Said::Event(event.clone()));
    });
    let word = match built {
        Ok(Outcome::Made { state, image }) => Said::Made(state, image.map(|image| (image.names, image.id))),
        Ok(Outcome::Failed(failure)) => Said::Failed(Box::new(failure)),
        Err(error) => Said::Refused(Box::new(Failure::of(&error))),
    };
    i32::from(link.say(&word).is_err())
}

impl Apart {
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.link.descriptor()
    }

    /// Takes in what has arrived. False: nothing will come any more.
    pub fn receive(&mut self) -> Result<bool> {
        self.link.receive()
    }

    /// What has arrived, one word after the other.
    pub fn heard(&mut self) -> Result<Option<Heard>> {
        Ok(self.link.next()?.map(|said| match said {
            Said::Event(event) => Heard::Event(event),
            Said::Made(state, image) => Heard::Over(Ok(Outcome::Made { state, image: image.map(|(names, id)| Loaded { names, id }) })),
            Said::Failed(failure) => Heard::Over(Ok(Outcome::Failed(*failure))),
            Said::Refused(failure) => Heard::Over(Err(failure.to_error())),
        }))
    }

    /// It is over: nothing of it is left when this returns.
    pub fn wait(self) -> Result<()> {
        process::wait(self.pid).map(drop).context("cannot wait for the build")
    }

    fn steps_run(&self, paths: &Paths) -> bool {
        let is_ours = |labels: &[(String, String)]| labels.iter().any(|(name, value)| name == BUILD && *value == self.id);
        list::containers(paths).is_ok_and(|all| all.iter().any(|seen| is_ours(&seen.record.labels)))
    }

    /// Whatever it does ends now. Its stages die with it, their containers with them, and what they wrote is cleared away.
    pub fn end(self, paths: &Paths) -> Result<()> {
        let _ = signal::send(self.pidfd.as_fd(), signal::KILL);
        let _ = process::wait(self.pid);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && self.steps_run(paths) {
            process::sleep(PAUSE);
        }
        // Whoever begins to work clears away what others have left.
        Workplace::begin(paths, &|| images::users(paths)).map(drop)
    }
}

/// For whoever hears that it was killed.
pub fn killed() -> Error {
    Error::failed("the process of the build was killed").hint("steps that were finished are kept: the same command goes on from there")
}
