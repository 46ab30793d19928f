//! A container's first process is made, and becomes the user's program.

use crate::engine::claim::Claimed;
use crate::engine::create::Made;
use crate::engine::join::Plugged;
use crate::engine::neighbours::Neighbours;
use crate::engine::users::{self, Users};
use crate::engine::{claim, etc_files, filter, join, mounts, now, ordinary, pid_file, repair};
use crate::error::{Context, Result};
use crate::monitor::companion::Companion;
use crate::monitor::watch;
use crate::network::switchboard;
use crate::options::Network;
use crate::options::without::Part;
use crate::paths::{Paths, control_group};
use crate::record::{Container, Live};
use crate::runtime::cgroup::own_scope::{self, Unit};
use crate::runtime::cgroup::{Group, home};
use crate::runtime::plan::SmallFiles;
use crate::runtime::{self, Beyond, Plan, Streams};
use crate::store::{self, Durable};
use crate::sys::{file, process, signal};
use crate::trace::{self, Step};
use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// A container that has become the user's program.
pub struct Begun {
    pub pid: i32,
    pub pidfd: OwnedFd,
    pub status: Option<OwnedFd>,
    pub streams: watch::Streams,
    pub group: Option<Group>,
    pub started: u64,
    /// How often it was begun before, by this monitor.
    pub restarts: u32,
    /// What it has in its networks.
    pub plugged: Plugged,
}

pub fn begin(paths: &Paths, made: &Made, callers: Option<[OwnedFd; 2]>, restarts: u32) -> Result<Begun> {
    let neighbours = Neighbours::meet(paths, &made.record)?;
    let group = make_group(made)?;
    match find_place_and_begin(paths, made, &neighbours, group.as_ref(), callers, restarts) {
        Ok(First { created, streams, started, plugged }) => {
            let runtime::Created { pid, pidfd, status, .. } = created;
            Ok(Begun { pid, pidfd, status, streams, group, started, restarts, plugged })
        }
        Err(error) => {
            if let Some(group) = group {
                let _ = group.kill();
                repair::remove_group(&group);
            }
            users::give_back(paths, &made.record);
            Err(error)
        }
    }
}

/// Its ids and its addresses first.
fn find_place_and_begin(
    paths: &Paths,
    made: &Made,
    neighbours: &Neighbours,
    group: Option<&Group>,
    callers: Option<[OwnedFd; 2]>,
    restarts: u32,
) -> Result<First> {
    let users = users::find_out(paths, &made.record)?;
    if !made.record.wishes.attachments().is_empty() {
        trace::begin(Step::ClaimAddresses);
    }
    let mut claimed = claim::claim(paths, &made.record)?;
    let around = Around { neighbours, users: users.as_ref(), group };
    let begun = begin_first_process(paths, made, &around, callers, restarts, &mut claimed);
    if let (Err(_), Some(claimed)) = (&begun, &claimed) {
        join::take_back(paths, made, claimed);
    }
    begun
}

fn make_group(made: &Made) -> Result<Option<Group>> {
    trace::begin(Step::MakeGroup);
    let linux = made.spec.linux().as_ref();
    let resources = linux.and_then(|linux| linux.resources().as_ref());
    let below = linux.and_then(|linux| linux.cgroups_path().as_deref()).unwrap_or(std::path::Path::new("/"));
    let top = match home::top_for(&unit(&made.record)) {
        Ok(top) => top,
        Err(error) if made.record.wishes.limits.any() || made.record.wishes.cgroup_parent.is_some() => return Err(error),
        // Much works without a group: not to pause it, and to count only its processes.
        Err(_) => return Ok(None),
    };
    // A slice above it has been made already.
    let usual = control_group(None, &made.record.id);
    let mut group = Group::make(&top, if own_scope::is_name(&top) { &usual } else { below })?;
    let limited = resources.map_or(Ok(()), |resources| group.limit(resources)).and_then(|()| group.guard_devices(resources));
    match limited {
        Ok(()) => Ok(Some(group)),
        Err(error) => {
            repair::remove_group(&group);
            Err(error)
        }
    }
}

/// What systemd shows of it, where that makes the groups.
fn unit(record: &Container) -> Unit<'_> {
    let description = format!("container {} ({})", record.name, record.image);
    Unit { id: &record.id, description, slice: record.wishes.cgroup_parent.as_deref() }
}

/// Its first process, which has become the user's program.
struct First {
    created: runtime::Created,
    streams: watch::Streams,
    started: u64,
    plugged: Plugged,
}

/// What is there before it.
struct Around<'a> {
    neighbours: &'a Neighbours,
    /// Whom its users are outside; `None`: the same.
    users: Option<&'a Users>,
    group: Option<&'a Group>,
}

/// `claimed`: in its networks the addresses are known already, and the rest comes now.
fn begin_first_process(
    paths: &Paths,
    made: &Made,
    around: &Around,
    callers: Option<[OwnedFd; 2]>,
    restarts: u32,
    claimed: &mut Option<Claimed>,
) -> Result<First> {
    trace::begin(Step::CloneContainer);
    let record = &made.record;
    let Around { neighbours, users, group } = *around;
    let spec = neighbours.joined(&made.spec);
    let spec = match users {
        Some(users) => Cow::Owned(users.added(spec, &record.wishes)),
        None => spec,
    };
    let hands_over = claimed.is_some() && switchboard::is_needed();
    let has_files = !matches!(record.wishes.network, Network::Container(_));
    let beyond = Beyond {
        small_files: has_files.then(|| SmallFiles { dir: &made.files.live, files: etc_files::contents(record, claimed.as_ref()) }),
        borrowed: neighbours.lent(),
        user: Some(&record.user),
        groups: &record.wishes.groups,
        reaper: record.reaper,
        newcomer: ordinary::newcomer(&record.wishes.user_namespace),
        held: trees(made, users)?,
        hands_over_network: hands_over,
        keeps_host_root: record.wishes.without.contains(&Part::Mount),
        ..Beyond::default()
    };
    let mut plan = Plan::new(&spec, beyond)?;
    plan.person.filter = filter::choose(&record.wishes, plan.person.capabilities.bounding)?;
    runtime::prepare(&mut plan)?;
    let pipes = Pipes::make(record.wishes.interactive && !record.wishes.terminal, callers).context("cannot make pipes")?;
    let input = pipes.input.as_ref().map(|(read, _)| read.as_fd());
    let theirs = Streams::Separate { input, output: pipes.theirs[0].as_fd(), error: pipes.theirs[1].as_fd() };
    if let Some(users) = users {
        users.give(&pipes.of_container())?;
    }
    let own = group.filter(|_| record.is_furnished_for_systemd()).map(Group::own_tree).transpose()?;
    let group_of_process = own.as_ref().or(group);
    if let (Some(_), Some(group)) = (users, group_of_process) {
        runtime::create::give_group_away(group, &plan)?;
    }
    let created = runtime::create(&plan, group_of_process, theirs)?;
    // Meanwhile it builds its world.
    let plugged = match claimed {
        Some(claimed) => {
            trace::begin(Step::PlugIn);
            let network = if hands_over { created.network() } else { join::open_namespace(&format!("/proc/{}/ns/net", created.pid)) };
            network
                .and_then(|network| claimed.plug_in(paths, made, created.pid, &network, created.pidfd.as_fd()))
                .inspect_err(|_| end(&created))?
        }
        None => Plugged::default(),
    };
    let started = now();
    trace::begin(Step::RememberStart);
    write_state(made, created.pid, group, started, restarts)?;
    pid_file::write(record, created.pid)?;
    trace::begin(Step::AwaitStart);
    let begun = match created.start() {
        Ok(begun) => begun,
        Err(error) => {
            let _ = file::remove_file(&made.files.state());
            pid_file::forget(record, created.pid);
            let _ = process::wait(created.pid);
            plugged.companions.into_iter().for_each(Companion::dismiss);
            return Err(error);
        }
    };
    let streams = match begun.terminal {
        Some(master) => watch::Streams::Terminal(master),
        None => watch::Streams::Pipes { stdin: pipes.input.map(|(_, write)| write), outputs: pipes.ours },
    };
    Ok(First { created, streams, started, plugged })
}

/// What a path cannot name.
fn trees(made: &Made, users: Option<&Users>) -> Result<Vec<(PathBuf, OwnedFd)>> {
    let mut trees = mounts::open(&made.record.wishes, users)?;
    for (target, tree) in made.place.iter().flat_map(|place| &place.trees) {
        trees.push((target.clone(), file::duplicate(tree.as_fd()).context("cannot hand a mount on")?));
    }
    Ok(trees)
}

/// The container's streams, without a terminal.
struct Pipes {
    /// Read end, write end.
    input: Option<(OwnedFd, OwnedFd)>,
    /// Where we read its stdout and stderr; `None`: others do.
    ours: [Option<OwnedFd>; 2],
    /// Where it writes them.
    theirs: [OwnedFd; 2],
}

impl Pipes {
    fn make(with_input: bool, callers: Option<[OwnedFd; 2]>) -> std::result::Result<Pipes, crate::sys::Errno> {
        let input = with_input.then(file::pipe).transpose()?;
        if let Some(theirs) = callers {
            return Ok(Pipes { input, ours: [None, None], theirs });
        }
        let (output, error) = (file::pipe()?, file::pipe()?);
        Ok(Pipes { input, ours: [Some(output.0), Some(error.0)], theirs: [output.1, error.1] })
    }
}

impl Pipes {
    /// Not those that the caller brought.
    fn of_container(&self) -> Vec<BorrowedFd<'_>> {
        let outputs = self.theirs.iter().zip(&self.ours).filter(|(_, ours)| ours.is_some()).map(|(theirs, _)| theirs);
        self.input.iter().map(|(read, _)| read).chain(outputs).map(AsFd::as_fd).collect()
    }
}

/// It waits for the word to go on, and will not get it.
fn end(created: &runtime::Created) {
    let _ = signal::send(created.pidfd.as_fd(), signal::KILL);
    let _ = process::wait(created.pid);
}

fn write_state(made: &Made, pid: i32, group: Option<&Group>, started: u64, restarts: u32) -> Result<()> {
    let live = Live {
        pid,
        monitor: process::own_pid(),
        pid_started: process::start_time(pid).unwrap_or(0),
        started,
        cgroup: group.map(|group| group.path().display().to_string()).unwrap_or_default(),
        restarts,
        ..Live::default()
    };
    store::write_json(&made.files.state(), &live, Durable::No)
}
