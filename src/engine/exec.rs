//! `exec`: a further process in a container that runs.

use crate::engine::events::of_execs::Told;
use crate::engine::{describe, filter, kill, users};
use crate::error::{Context, Error, Result};
use crate::paths::Paths;
use crate::record::{Live, Seen, Status};
use crate::runtime::cgroup::Group;
use crate::runtime::filter::Filter;
use crate::runtime::plan::Person;
use crate::runtime::{Created, Streams, enter};
use crate::store;
use crate::sys::identity;
use oci_spec::runtime::Spec;
use std::os::fd::AsFd;
use std::path::Path;

pub struct Request {
    pub command: Vec<String>,
    pub env: Vec<String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub terminal: bool,
    pub privileged: bool,
}

/// The process waits for `Created::start`.
pub fn exec<'a>(paths: &'a Paths, seen: &'a Seen, request: &Request, streams: Streams) -> Result<(Created, Told<'a>)> {
    let own = |live: &Live| Group::open(Path::new(&live.cgroup)).map(|group| group.of_process(live.pid).unwrap_or(group));
    let created = exec_in(paths, seen, request, streams, seen.live.as_ref().and_then(own).as_ref())?;
    Ok((created, Told::created(paths, &seen.record, &request.command)))
}

/// The same in a group below the container's, and nobody is told.
pub fn exec_in(paths: &Paths, seen: &Seen, request: &Request, streams: Streams, group: Option<&Group>) -> Result<Created> {
    let live = seen.running()?;
    if seen.status == Status::Paused {
        return Err(Error::conflict(format!("cannot execute in container {}", seen.record.name))
            .because("it is paused")
            .hint(format!("tare unpause {}", seen.record.name)));
    }
    let spec: Spec = store::read_json(&seen.files(paths).config())?
        .ok_or_else(|| Error::damaged(format!("container {} has no config.json", seen.record.name)))?;
    let mut process = spec.process().clone().ok_or_else(|| Error::damaged("config.json has no process"))?;
    process.set_args(Some(request.command.clone()));
    let mut env = process.env().clone().unwrap_or_default();
    if seen.record.wishes.terminal && !request.terminal && !seen.record.wishes.env.iter().any(|variable| variable.starts_with("TERM=")) {
        // It was said because the first process has a terminal. This one has none.
        env.retain(|variable| variable != "TERM=xterm");
    }
    for variable in &request.env {
        let name = variable.split('=').next().unwrap_or_default();
        env.retain(|have| have.split('=').next() != Some(name));
        if variable.contains('=') {
            env.push(variable.clone());
        }
    }
    if request.terminal && !env.iter().any(|variable| variable.starts_with("TERM=")) {
        env.push("TERM=xterm".into());
    }
    process.set_env(Some(env));
    if let Some(workdir) = &request.workdir {
        process.set_cwd(workdir.into());
    }
    process.set_terminal(Some(request.terminal));
    process.set_console_size(if request.terminal { describe::our_terminal_size() } else { None });
    let user = request.user.as_deref().unwrap_or(&seen.record.user);
    let mut person = Person::new(&process, Some(user), Filter::default())?;
    person.further_groups = &seen.record.wishes.groups;
    if request.privileged {
        let all = identity::every_capability() & identity::own_capabilities();
        person.capabilities = identity::Capabilities { bounding: all, effective: all, permitted: all, ..identity::Capabilities::default() };
    } else {
        person.filter = filter::choose(&seen.record.wishes, person.capabilities.bounding)?;
    }
    if let (Streams::Separate { .. }, Some(users)) = (streams, users::of_others(seen)?) {
        users.give(&streams.descriptors())?;
    }
    let init = kill::first_process(live).with_context(|| format!("container {} has just ended", seen.record.name))?;
    enter::enter(init.as_fd(), live.pid, group, &person, streams)
}
