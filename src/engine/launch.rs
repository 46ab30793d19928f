//! The monitor: born from the command, parent of the container, and the only one who stays.

use crate::engine::create::Made;
use crate::engine::neighbours::Neighbours;
use crate::engine::{amend, create, etc_files, filter, hold, log_keeping, mounts, now, pid_file, remove, repair, volumes};
use crate::error::{Context, Error, Kind, Result};
use crate::monitor;
use crate::monitor::protocol::{ToClient, Wants};
use crate::monitor::watch::{self, Ending, Watch};
use crate::options::{LogDriver, Network, Pid};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Asked, Container, Ended, Live};
use crate::runtime::cgroup::Group;
use crate::runtime::plan::SmallFiles;
use crate::runtime::{self, Beyond, Plan, Streams};
use crate::store::{self, Durable};
use crate::sys::process::{self, Forked};
use crate::sys::{file, socket, terminal};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Starts a container, and returns the socket on which its monitor speaks to us. `wants`: what the command will show.
pub fn launch(paths: &Paths, made: Made, wants: Wants) -> Result<OwnedFd> {
    let (ours, theirs) = socket::pair().context("cannot make a socket")?;
    let callers = match callers_streams(&made) {
        Ok(callers) => callers,
        Err(error) => return record_failure(paths, &made, &error).and(Err(error)),
    };
    // Outside the caller's group: stopping the service that called us must not stop the container.
    let leaf = Group::of_monitors();
    match process::clone3(0, leaf.as_ref().map(Group::descriptor)).context("cannot start the monitor")? {
        Forked::Child => {
            drop((ours, leaf));
            let code = i32::from(be_monitor(paths, made, theirs, wants, callers).is_err());
            process::exit_now(code)
        }
        Forked::Parent { .. } => {
            // The lock is the monitor's now as much as ours; it ends with the last of us.
            drop((theirs, callers));
            let (id, files) = (made.record.id.clone(), made.files.clone());
            drop(made);
            if let Err(error) = monitor::hear_started(ours.as_fd()) {
                clear_up(paths, &id, &files);
                return Err(error);
            }
            Ok(ours)
        }
    }
}

/// A start has failed. Where its monitor told so it has cleared up itself; one that was killed has not.
fn clear_up(paths: &Paths, id: &str, files: &ContainerPaths) {
    if !files.live.exists() {
        return;
    }
    if let Ok(held) = hold::take(files) {
        repair::put_right(paths, id, &held, Ended::MONITOR_LOST);
    }
}

/// Our own stdout and stderr, for a container that writes to them itself.
///
/// Never a terminal: whoever holds one may type on it, and what he types is executed by the caller's shell.
fn callers_streams(made: &Made) -> Result<Option<[OwnedFd; 2]>> {
    if made.record.wishes.log.driver != LogDriver::Passthrough {
        return Ok(None);
    }
    let [_, output, error] = file::standard_streams();
    if terminal::is_terminal(output) || terminal::is_terminal(error) {
        return Err(Error::cannot_keep("cannot give the container our own streams (--log-driver passthrough)")
            .because("stdout or stderr is a terminal, on which it could type")
            .hint("send both to a file or a pipe, or take -t and no driver"));
    }
    let duplicate = |fd| file::duplicate(fd).context("cannot hand our streams on");
    Ok(Some([duplicate(output)?, duplicate(error)?]))
}

/// The monitor's whole life.
fn be_monitor(paths: &Paths, made: Made, client: OwnedFd, wants: Wants, callers: Option<[OwnedFd; 2]>) -> Result<()> {
    leave_the_caller(&made, &client, callers.as_ref())?;
    let mut container = match begin(paths, &made, callers) {
        Ok(container) => container,
        Err(error) => {
            // Recorded before it is told: whoever hears of it may look at once.
            let recorded = record_failure(paths, &made, &error);
            monitor::tell_failure(client.as_fd(), &error);
            return recorded;
        }
    };
    monitor::tell(client.as_fd(), &ToClient::Started { pid: container.pid });
    let group = container.group.take();
    let watch = Watch {
        init: container.pidfd,
        status: container.status,
        streams: container.streams,
        listener: Some(container.listener),
        first: Some(client),
        first_wants: wants,
        log: log_keeping::keeping(&made),
        open_stdin: made.record.wishes.interactive,
    };
    let (pid, started) = (container.pid, container.started);
    watch::watch(watch, &mut |ending| record_end(paths, &made, started, ending, group.as_ref()));
    finish(paths, made, pid, group);
    repair::sweep_now_and_then(paths);
    Ok(())
}

/// A session of its own, no stream of the caller's, no directory that cannot be unmounted, no descriptor but ours.
fn leave_the_caller(made: &Made, client: &OwnedFd, callers: Option<&[OwnedFd; 2]>) -> Result<()> {
    const WHAT: &str = "cannot leave the caller";
    let mut kept = vec![client.as_raw_fd(), made.alive.descriptor()];
    kept.extend(callers.into_iter().flatten().map(AsRawFd::as_raw_fd));
    let nothing = file::open_dev_null().context(WHAT)?;
    process::leave_caller(nothing, &kept).context(WHAT)
}

/// A container that has become the user's program.
struct Begun {
    pid: i32,
    pidfd: OwnedFd,
    status: Option<OwnedFd>,
    streams: watch::Streams,
    listener: OwnedFd,
    group: Option<Group>,
    started: u64,
}

fn begin(paths: &Paths, made: &Made, callers: Option<[OwnedFd; 2]>) -> Result<Begun> {
    let neighbours = Neighbours::meet(paths, &made.record)?;
    let listener = socket::listen(&made.files.attach_socket()).context("cannot open the attach socket")?;
    let group = make_group(made)?;
    let begun = begin_in(made, &neighbours, group, listener, callers);
    begun.map_err(|(error, group)| {
        if let Some(group) = group {
            let _ = group.kill();
            repair::remove_group(&group);
        }
        error
    })
}

fn make_group(made: &Made) -> Result<Option<Group>> {
    let linux = made.spec.linux().as_ref();
    let resources = linux.and_then(|linux| linux.resources().as_ref());
    let below = linux.and_then(|linux| linux.cgroups_path().as_deref()).unwrap_or(std::path::Path::new("/"));
    let group = Group::make(below)?;
    let Some(mut group) = group else {
        return match made.record.wishes.limits.any() {
            true => Err(Error::cannot_keep("cannot limit the container").because("this host has no cgroup v2 mounted")),
            false => Ok(None),
        };
    };
    let limited = resources.map_or(Ok(()), |resources| group.limit(resources)).and_then(|()| group.guard_devices(resources));
    match limited {
        Ok(()) => Ok(Some(group)),
        Err(error) => {
            repair::remove_group(&group);
            Err(error)
        }
    }
}

fn begin_in(
    made: &Made,
    neighbours: &Neighbours,
    group: Option<Group>,
    listener: OwnedFd,
    callers: Option<[OwnedFd; 2]>,
) -> std::result::Result<Begun, (Error, Option<Group>)> {
    match begin_first_process(made, neighbours, group.as_ref(), callers) {
        Ok((created, streams, started)) => {
            Ok(Begun { pid: created.pid, pidfd: created.pidfd, status: created.status, streams, listener, group, started })
        }
        Err(error) => Err((error, group)),
    }
}

fn begin_first_process(
    made: &Made,
    neighbours: &Neighbours,
    group: Option<&Group>,
    callers: Option<[OwnedFd; 2]>,
) -> Result<(runtime::Created, watch::Streams, u64)> {
    let record = &made.record;
    let spec = neighbours.joined(&made.spec);
    let has_files = !matches!(record.wishes.network, Network::Container(_));
    let beyond = Beyond {
        small_files: has_files.then(|| SmallFiles { dir: &made.files.live, files: etc_files::contents(record) }),
        borrowed: neighbours.lent(),
        user: Some(&record.user),
        groups: &record.wishes.groups,
        reaper: record.reaper,
        held: mounts::open(&record.wishes)?,
        ..Beyond::default()
    };
    let mut plan = Plan::new(&spec, beyond)?;
    plan.person.filter = filter::choose(&record.wishes, plan.person.capabilities.bounding)?;
    let pipes = Pipes::make(record.wishes.interactive && !record.wishes.terminal, callers).context("cannot make pipes")?;
    let input = pipes.input.as_ref().map(|(read, _)| read.as_fd());
    let theirs = Streams::Separate { input, output: pipes.theirs[0].as_fd(), error: pipes.theirs[1].as_fd() };
    let own = group.filter(|_| record.is_furnished_for_systemd()).map(Group::own_tree).transpose()?;
    let created = runtime::create(&plan, own.as_ref().or(group), theirs)?;
    let started = now();
    write_state(made, created.pid, group, started)?;
    pid_file::write(record, created.pid)?;
    let begun = match created.start() {
        Ok(begun) => begun,
        Err(error) => {
            let _ = file::remove_file(&made.files.state());
            pid_file::forget(record, created.pid);
            let _ = process::wait(created.pid);
            return Err(error);
        }
    };
    let streams = match begun.terminal {
        Some(master) => watch::Streams::Terminal(master),
        None => watch::Streams::Pipes { stdin: pipes.input.map(|(_, write)| write), outputs: pipes.ours },
    };
    Ok((created, streams, started))
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

fn write_state(made: &Made, pid: i32, group: Option<&Group>, started: u64) -> Result<()> {
    let live = Live {
        pid,
        monitor: process::own_pid(),
        pid_started: process::start_time(pid).unwrap_or(0),
        started,
        cgroup: group.map(|group| group.path().display().to_string()).unwrap_or_default(),
    };
    store::write_json(&made.files.state(), &live, Durable::No)
}

/// A container that could not start: removed if it was to be, else kept with the reason.
fn record_failure(paths: &Paths, made: &Made, error: &Error) -> Result<()> {
    if made.record.wishes.remove {
        remove::erase(paths, &made.record, &made.files);
        return Ok(());
    }
    let exit_code = match error.kind() {
        Kind::CommandNotFound => 127,
        Kind::CannotExecute => 126,
        _ => 125,
    };
    let mut record = made.record.clone();
    record.ended = Some(Ended { exit_code, error: error.to_string(), ..Ended::default() });
    store::write_json(&made.files.record(), &record, Durable::No)?;
    hold::forget_live(&made.files);
    Ok(())
}

/// The command has ended. What others look at changes now; what only takes time comes later, in `finish`.
fn record_end(paths: &Paths, made: &Made, started: u64, ending: &Ending, group: Option<&Group>) {
    let (record, _apart) = amend::at_the_end(&made.files, &made.record);
    if record.wishes.remove {
        remove::unlist(paths, &record, &made.files);
        volumes::forget_nameless(paths, &record);
        return;
    }
    let ended = Ended {
        exit_code: ending.exit_code,
        started,
        finished: ending.finished,
        out_of_memory: group.is_some_and(|group| group.out_of_memory_kills() > 0),
        error: String::new(),
        signal: ending.signal,
        from_outside: ending.of_first_process && matches!(made.record.wishes.pid, Pid::Own),
        asked: store::read_json::<Asked>(&made.files.asked()).ok().flatten(),
    };
    let record = Container { ended: Some(ended), ..record };
    if store::write_json(&made.files.record(), &record, Durable::No).is_err() {
        let _ = store::overwrite_json(&made.files.record(), &record);
    }
    let _ = file::remove_file(&made.files.state());
}

/// Pid 1 is gone, and with it every process and mount. What is left is ours to take away.
fn finish(paths: &Paths, made: Made, pid: i32, group: Option<Group>) {
    pid_file::forget(&made.record, pid);
    if let Some(group) = group {
        let _ = group.kill();
        repair::remove_group(&group);
    }
    if made.record.wishes.remove {
        remove::erase(paths, &made.record, &made.files);
        return;
    }
    hold::forget_live(&made.files);
    let files = made.files.clone();
    drop(made);
    // At rest it survives a power cut. Nobody waits for the disk: the lock is free already.
    let _ = create::sync(paths, &files);
}
