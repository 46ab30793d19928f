//! Create and start, the strict way: two commands, and between them a process that waits at its gate and belongs to nobody.
//!
//! Whatever fails while a container is made is taken back before the error is told: the specification wants nothing left.

use crate::error::{Context, Error, Result};
use crate::runtime::agent::{Agent, Client};
use crate::runtime::cgroup::Group;
use crate::runtime::cgroup::systemd::Scope;
use crate::runtime::create::{self, Created, Streams};
use crate::runtime::filter::Filter;
use crate::runtime::handshake::{self, Failure};
use crate::runtime::hooks::{self, Moment};
use crate::runtime::placement::Placement;
use crate::runtime::plan::{Beyond, Plan, Strict};
use crate::runtime::root;
use crate::runtime::strict::bundle::Bundle;
use crate::runtime::strict::rights::{self, LeftOut};
use crate::runtime::strict::shelf::{Claim, Kept, Shelf, Status};
use crate::runtime::strict::{delete, net_devices, newer, resctrl};
use crate::spec::resources;
use crate::store::{self, Durable};
use crate::sys::process::{self, namespace};
use crate::sys::{channel, file, identity, signal, socket};
use crate::time;
use oci_spec::runtime::LinuxResources;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// What whoever calls wants beside the bundle.
#[derive(Default)]
pub struct Wishes {
    /// So many of the caller's descriptors from 3 on go to the user's program.
    pub preserved: i32,
    /// Where the master of the terminal is sent.
    pub console: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    /// Where a pidfd of the first process is sent.
    pub pidfd_socket: Option<PathBuf>,
    /// systemd makes the control group.
    pub systemd: bool,
    /// Somebody wants to know when the container is ready.
    pub notifies: bool,
    /// No pivot_root.
    pub moves_root: bool,
    pub own_keyring: bool,
    /// `run`, which shows the terminal itself.
    pub keeps_terminal: bool,
}

/// A container that waits at its gate, and the master of its terminal if the caller keeps it.
pub struct Made {
    pub kept: Kept,
    pub terminal: Option<OwnedFd>,
    pub left_out: LeftOut,
}

pub fn create(shelf: &Shelf, id: &str, bundle: &Bundle, wishes: &Wishes) -> Result<Made> {
    let has_terminal = bundle.spec.process().as_ref().and_then(|process| process.terminal()).unwrap_or(false);
    match (has_terminal, &wishes.console) {
        (true, None) if !wishes.keeps_terminal => {
            return Err(Error::usage("process.terminal is set, and nobody is named who takes the terminal").hint("--console-socket PATH"));
        }
        (false, Some(_)) => return Err(Error::usage("--console-socket is given, and process.terminal is not set")),
        _ => {}
    }
    let claim = shelf.claim(id)?;
    let mut begun = None;
    let made = create_claimed(&claim, id, bundle, wishes, &mut begun);
    made.map_err(|error| {
        let _ = claim.remove();
        // As at any other end: what hooks of the beginning have made, those take away.
        let state = begun.map(|kept: Kept| kept.for_hooks(Status::Stopped));
        let failed = state.map_or_else(Vec::new, |state| hooks::run_all(&bundle.spec, Moment::PostStop, &state));
        failed.into_iter().fold(error, Error::because)
    })
}

/// `begun`: the container as it was when the first hooks became due.
fn create_claimed(claim: &Claim, id: &str, bundle: &Bundle, wishes: &Wishes, begun: &mut Option<Kept>) -> Result<Made> {
    store::write(&claim.place.config(), &bundle.text, Durable::No)?;
    if wishes.notifies {
        let what = || format!("cannot make {}", claim.place.notices().display());
        file::make_dir(&claim.place.notices(), 0o755).with_context(what)?;
    }
    let resources = resources(bundle);
    let (mut group, scope) = make_group(id, bundle, &resources, wishes)?;
    let scope_name = scope.as_ref().map_or(String::new(), |scope| scope.name.clone());
    let made = create_in_group(claim, id, bundle, wishes, (group.as_ref(), &scope_name), begun);
    let made = made.and_then(|made| match (scope, &mut group) {
        (Some(scope), Some(group)) => scope.release(group, &resources).map(|()| made),
        _ => Ok(made),
    });
    if let (Err(_), Some(group)) = (&made, &group) {
        let _ = group.kill();
        let _ = delete::remove_group(group, &scope_name);
    }
    made
}

fn resources(bundle: &Bundle) -> LinuxResources {
    let mut resources = bundle.spec.linux().as_ref().and_then(|linux| linux.resources().clone()).unwrap_or_default();
    // The specification's own device files are always there, so they can be opened too, whatever its rules say.
    resources.devices_mut().get_or_insert_default().extend(resources::usual_device_rules());
    resources
}

fn make_group(id: &str, bundle: &Bundle, resources: &LinuxResources, wishes: &Wishes) -> Result<(Option<Group>, Option<Scope>)> {
    let path = bundle.spec.linux().as_ref().and_then(|linux| linux.cgroups_path().clone());
    if wishes.systemd {
        let (group, scope) = Scope::make(path.as_deref(), id, resources)?;
        let guarded = group.guard_devices(Some(resources)).inspect_err(|_| drop(delete::remove_group(&group, &scope.name)));
        return guarded.map(|()| (Some(group), Some(scope)));
    }
    let path = path.unwrap_or_else(|| Path::new("/tare-oci").join(id));
    let Some(mut group) = Group::make_below_top(&path)? else {
        return match Group::wants_nothing(resources) {
            true => Ok((None, None)),
            false => Err(Error::cannot_keep(format!("cannot limit the container in {}", path.display()))
                .because("this host has no cgroup v2 mounted, or none that is yours")),
        };
    };
    if group.is_populated() {
        // At the container's end, or if it cannot be made, all of the group is killed.
        return Err(Error::conflict(format!("cgroupsPath {}", path.display())).because("other processes are in this group already"));
    }
    let limited = group.limit(resources).and_then(|()| group.guard_devices(Some(resources)));
    if limited.is_err() {
        let _ = delete::remove_group(&group, "");
    }
    limited.map(|()| (Some(group), None))
}

fn create_in_group(
    claim: &Claim,
    id: &str,
    bundle: &Bundle,
    wishes: &Wishes,
    (group, scope): (Option<&Group>, &str),
    begun: &mut Option<Kept>,
) -> Result<Made> {
    let gate = channel::listen(&claim.place.gate()).context("cannot make the gate")?;
    let own_keyring = wishes.own_keyring;
    let strict = Strict { gate: gate.as_fd(), hooks: &bundle.spec, own_keyring, moves_root: wishes.moves_root };
    let mut plan = plan(bundle, wishes, strict)?;
    // In a user namespace of its own it may have any.
    let own = if plan.namespaces.has(namespace::USER) { u64::MAX } else { identity::own_capabilities() };
    let left_out = rights::fit(&mut plan.person.capabilities, own);
    if let Some(group) = group {
        create::give_group_away(group, &plan)?;
    }
    let created = create::create(&plan, group, Streams::Callers)?;
    let mut kept = Kept {
        id: id.to_owned(),
        oci_version: bundle.spec.version().clone(),
        bundle: bundle.dir.clone(),
        rootfs: bundle.root(),
        pid: created.pid,
        pid_started: process::start_time(created.pid).unwrap_or(0),
        created: time::now(),
        own_pids: plan.namespaces.is_new(namespace::PID),
        own_keyring: wishes.own_keyring,
        resctrl: Vec::new(),
        cgroup: group.map(|group| group.path().to_owned()).unwrap_or_default(),
        scope: scope.to_owned(),
        annotations: bundle.annotations(),
    };
    let joined = resctrl::join(&bundle.spec, &bundle.newer.rdt, id, created.pid);
    let finished = joined.and_then(|made| {
        kept.resctrl = made;
        *begun = Some(kept.clone());
        finish(claim, bundle, wishes, &created, &kept)
    });
    if finished.is_ok() {
        created.let_wait();
    } else {
        resctrl::leave(&kept.resctrl);
        let _ = signal::send(created.pidfd.as_fd(), signal::KILL);
        let _ = process::wait(created.pid);
    }
    finished.map(|terminal| Made { kept, terminal, left_out })
}

fn plan<'a>(bundle: &'a Bundle, wishes: &Wishes, strict: Strict<'a>) -> Result<Plan<'a>> {
    let linux = bundle.spec.linux().as_ref().ok_or_else(|| Error::damaged("config.json has no part for linux"))?;
    let mut plan = Plan::new(&bundle.spec, Beyond { strict: Some(strict), ..Beyond::default() })?;
    if let (Some(name), false) = (plan.hostname.or(plan.domainname), plan.namespaces.has(namespace::UTS)) {
        return Err(Error::cannot_keep(format!("cannot set the name {name}")).because("it has no uts namespace: it would be the host's"));
    }
    if let Some(seccomp) = linux.seccomp() {
        plan.person.filter = Filter::of_specification(seccomp, bundle.newer.waits_killable)?;
    }
    plan.person.preserved = wishes.preserved;
    root::outside::hold(&mut plan, &bundle.owners()?).map_err(Failure::into_error)?;
    if let Some(process) = bundle.spec.process() {
        plan.person.placement = Placement::new(process, linux.memory_policy().as_ref(), linux.personality().as_ref())?;
    }
    Ok(plan)
}

/// Hooks at their moment, the terminal to who wants it, and last the record: from then on the container is there.
fn finish(claim: &Claim, bundle: &Bundle, wishes: &Wishes, created: &Created, kept: &Kept) -> Result<Option<OwnedFd>> {
    let state = kept.for_hooks(Status::Creating);
    let for_inner_hooks =
        [Moment::CreateContainer, Moment::StartContainer].map(|moment| hooks::state_for(&bundle.spec, moment, &state).len());
    if for_inner_hooks.into_iter().any(|length| length > handshake::LONGEST_STATE) {
        let most = handshake::LONGEST_STATE >> 10;
        return Err(Error::cannot_keep("annotations").because(format!("hooks in the container can be told {most} KiB")));
    }
    if let Some(linux) = bundle.spec.linux() {
        net_devices::move_in(linux, created.pid)?;
    }
    let terminal = created.until_ready(|| {
        hooks::run(&bundle.spec, Moment::PreStart, &state)?;
        hooks::run(&bundle.spec, Moment::CreateRuntime, &state)?;
        Ok(hooks::state_for(&bundle.spec, Moment::CreateContainer, &state).to_owned())
    })?;
    let terminal = match (terminal, &wishes.console) {
        (Some(terminal), Some(console)) => {
            hand_over(console, b"/dev/ptmx", &terminal)?;
            None
        }
        (terminal, _) => terminal,
    };
    if let Some(path) = &wishes.pidfd_socket {
        hand_over(path, b"pidfd", &created.pidfd)?;
    }
    claim.write(kept)?;
    if let Some(path) = &wishes.pid_file {
        write_pid_file(path, kept.pid)?;
    }
    Ok(terminal)
}

/// To whoever called: the container's terminal, which it shows from now on, or a handle of its first process.
pub fn hand_over(socket: &Path, name: &[u8], fd: &OwnedFd) -> Result<()> {
    let thing = if name == b"pidfd" { "pidfd" } else { "terminal" };
    let what = || format!("cannot hand the {thing} over at {}", socket.display());
    let other = socket::connect(socket).with_context(what)?;
    socket::send_with(other.as_fd(), name, &[fd.as_fd()]).with_context(what)
}

/// A path that stays below `above`, taken as words: for control groups, which have no symlinks.
pub fn beneath(above: &Path, below: &Path) -> Result<PathBuf> {
    let mut path = above.to_owned();
    for part in below.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::ParentDir => return Err(Error::usage(format!("{} leads upwards", below.display()))),
            _ => {}
        }
    }
    Ok(path)
}

pub fn write_pid_file(path: &Path, pid: i32) -> Result<()> {
    store::write(path, pid.to_string().as_bytes(), Durable::No)
}

/// The user's program runs from here on.
pub fn start(shelf: &Shelf, kept: &Kept) -> Result<()> {
    let claim = shelf.hold(kept)?;
    let status = kept.status(shelf);
    if status != Status::Created {
        return Err(Error::conflict(format!("cannot start container {}", kept.id)).because(format!("it is {}, not created", status.word())));
    }
    let read = newer::read(&claim.place.config())?;
    let (spec, _) = read.ok_or_else(|| Error::damaged(format!("container {} has no config.json", kept.id)))?;
    let gate = channel::connect(&claim.place.gate()).with_context(|| format!("cannot reach container {}", kept.id))?;
    file::remove_file(&claim.place.gate()).with_context(|| format!("cannot open the gate of container {}", kept.id))?;
    let pidfd = process::pidfd_of(kept.pid).with_context(|| format!("container {} has just ended", kept.id))?;
    let state = kept.for_hooks(Status::Created);
    let serve = |number| {
        let seccomp = spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref());
        let Some(agent) = seccomp.map(Agent::of_specification).transpose()?.flatten() else { return Ok(()) };
        agent.serve(&Client { pid: kept.pid, pidfd: pidfd.as_fd(), oci_version: &kept.oci_version, state: &state }, number)
    };
    create::start_at(gate.as_fd(), hooks::state_for(&spec, Moment::StartContainer, &state), &serve).inspect_err(|_| {
        // Also one whose agent cannot be reached, and which could not end itself. It must have ended before anybody deletes it.
        let _ = signal::send(pidfd.as_fd(), signal::KILL);
        let _ = delete::wait_until_stopped(shelf, kept);
    })?;
    hooks::run(&spec, Moment::PostStart, &kept.for_hooks(Status::Running)).inspect_err(|_| {
        // The specification: the container is stopped, and the error told.
        let _ = kept.kill_all(signal::KILL);
    })
}
