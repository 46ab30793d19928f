//! A further process in a container that runs: joined to its namespaces, born in its group, made somebody like the first.
//!
//! ```text
//!   caller (host)          cloner (host)                        the process (among the container's)
//!     │ clone3 ────────────► │ leaves everything of the host behind
//!     │                      │ joins the container's namespaces
//!     │                      │ clone3, as the caller's child ──────► │ Born
//!     │ ◄── pid and pidfd ── │ ends                                  │ … as in handshake.rs
//! ```
//!
//! The container's processes see the new one from its birth on, and with CAP_SYS_PTRACE they may open whatever it has open: the
//! caller's terminal and files, or a directory of the host, from which `..` leads to all of it (as in CVE-2024-21626). So it is
//! born of a process that has nothing of the kind.

use crate::error::{Context, Error, Result};
use crate::init;
use crate::runtime::cgroup::Group;
use crate::runtime::child::{self, At, Inherited, Never};
use crate::runtime::create::{Created, Streams};
use crate::runtime::handshake::{self, Word};
use crate::runtime::namespaces;
use crate::runtime::plan::Person;
use crate::runtime::unseen;
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{Errno, channel, file, identity, mount, user_namespace};
use crate::trace::{self, Step, Who};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// All but the view of cgroups, which the process joins itself once it is born in the container's group: where namespaces are
/// delegation boundaries (`nsdelegate`, every systemd host), nobody is cloned into a group from outside of his view.
const FIRST: u64 = namespace::MOUNT | namespace::PID | namespace::IPC | namespace::UTS | namespace::NET;

const WHAT: &str = "cannot enter the container";

/// Runs a process beside the container's first one (`init`, a pidfd, of process `pid`).
///
/// The caller should run from a file that cannot be written, because the process's `/proc/PID/exe` is seen, too (CVE-2019-5736).
pub fn enter(init: BorrowedFd, pid: i32, group: Option<&Group>, person: &Person, streams: Streams) -> Result<Created> {
    trace::begin(Step::JoinNamespaces);
    let others = [(namespace::TIME, "time"), (namespace::USER, "user"), (namespace::CGROUP, "cgroup")];
    let others = others.into_iter().filter(|(_, name)| namespaces::differs(pid, name)).fold(0, |all, (bit, _)| all | bit);
    let of_another_user_namespace = others & namespace::USER != 0;
    let first = if user_namespace::is_machine_s_root() { FIRST } else { FIRST & !the_machine_s(pid) };
    let (ours, theirs) = channel::pair().context(WHAT)?;
    let (birth, midwife) = channel::pair().context(WHAT)?;
    let program = process::sealed_program(c"tare-init", init::PROGRAM).context(WHAT)?;
    let out_of_reach = group.filter(|group| !group.is_in_reach());
    match process::clone3(0, None).context(WHAT)? {
        Forked::Child => {
            drop(birth);
            trace::act_as(Who::Cloner);
            if out_of_reach.is_some() && !matches!(channel::receive(midwife.as_fd(), &mut [0]), Ok((1.., _))) {
                process::exit_now(1);
            }
            let (socket, program) = (theirs.as_fd(), program.as_fd());
            let inherited = Inherited {
                socket,
                program,
                streams,
                status: None,
                held: &[],
                of_another_user_namespace,
                dies_with_reaper: false,
                score: None,
                hides_when_mapped: false,
            };
            child::fail(midwife.as_fd(), bear(init, first | others, group, person, inherited, &midwife))
        }
        Forked::Parent { pid: cloner, .. } => {
            drop((theirs, midwife));
            let near = out_of_reach.map_or(Ok(()), |group| group.let_in(cloner));
            if let Err(error) = near {
                drop(birth);
                process::wait(cloner).context(WHAT)?;
                return Err(error);
            }
            if out_of_reach.is_some() {
                channel::send(birth.as_fd(), handshake::GO_ON, None).context(WHAT)?;
            }
            let born = hear_of_birth(birth.as_fd());
            process::wait(cloner).context(WHAT)?;
            born.map(|(pid, pidfd)| Created::entered(pid, pidfd, ours))
        }
    }
}

/// What the container shares with the host, and so with us: a user namespace's root may not join it, and need not.
fn the_machine_s(pid: i32) -> u64 {
    let kinds = [(namespace::PID, "pid"), (namespace::IPC, "ipc"), (namespace::UTS, "uts"), (namespace::NET, "net")];
    kinds.into_iter().filter(|(_, name)| !namespaces::differs(pid, name)).fold(0, |all, (bit, _)| all | bit)
}

fn hear_of_birth(birth: BorrowedFd) -> Result<(i32, OwnedFd)> {
    let mut buffer = [0; handshake::LONGEST];
    let (length, pidfd) = channel::receive(birth, &mut buffer).context(WHAT)?;
    match (<[u8; 4]>::try_from(&buffer[..length]), pidfd, Word::decode(&buffer[..length])) {
        (Ok(pid), Some(pidfd), _) => Ok((i32::from_le_bytes(pid), pidfd)),
        (_, _, Some(Word::Failed(failure))) => Err(Error::from_errno(WHAT, failure.errno).doing(failure.what)),
        _ => Err(Error::failed(WHAT).because("the process that should enter it was killed")),
    }
}

/// The cloner's work. What goes wrong is told to the caller, who is not in the container.
fn bear(
    init: BorrowedFd,
    namespaces: u64,
    group: Option<&Group>,
    person: &Person,
    inherited: Inherited,
    midwife: &OwnedFd,
) -> child::Result<Never> {
    const STEP: Step = Step::JoinNamespaces;
    child::take_score(person)?;
    unseen::hide_from_tracers().at(STEP, "hide from tracers")?;
    let group = group.map(hold_group).transpose().at(STEP, "hold the container's group")?;
    let mut its_own = vec![init.as_raw_fd(), inherited.socket.as_raw_fd(), inherited.program.as_raw_fd()];
    its_own.extend(3..3 + person.preserved);
    its_own.extend(inherited.streams.descriptors().iter().map(AsRawFd::as_raw_fd));
    let ours = group.iter().chain([midwife]).map(AsRawFd::as_raw_fd);
    leave_behind(&[&its_own[..], &ours.collect::<Vec<_>>()].concat()).at(STEP, "leave the host's descriptors behind")?;
    if inherited.of_another_user_namespace {
        child::take_what_only_the_host_gives(person)?;
    }
    person.affinity.take_initial()?;
    // All at once and by the process, not by the paths that were looked at: should it have ended, this fails.
    process::join(init, namespaces & !namespace::CGROUP).at(STEP, "join its namespaces")?;
    match process::clone3_for_parent(0, group.as_ref().map(AsFd::as_fd)).at(STEP, "clone")? {
        Forked::Parent { pid, pidfd } => {
            channel::send(midwife.as_fd(), &pid.to_le_bytes(), Some(pidfd.as_fd())).at(STEP, "tell the process's number")?;
            process::exit_now(0)
        }
        Forked::Child => {
            // Without the midwife: the caller learns by its end that the cloner was killed.
            let alone = process::close_all_above_2_but(&its_own).at(STEP, "close the cloner's descriptors");
            let group_view = (namespaces & namespace::CGROUP != 0).then_some(init);
            child::fail(inherited.socket, alone.and_then(|()| become_command(person, group_view, inherited)))
        }
    }
}

/// By a mount from which no `..` leads on. An ordinary user who is in no namespace makes no mounts; but what he holds is out of reach for
/// those in the container, who are in another user namespace and cannot look at one who hides.
fn hold_group(group: &Group) -> Result<OwnedFd, Errno> {
    match mount::dead_end(group.path()) {
        Err(Errno::EPERM) if !user_namespace::is_machine_s_root() => file::open_dir(group.path()),
        other => other,
    }
}

/// Every descriptor but these. The standard streams are the caller's: something dead takes their place.
fn leave_behind(keep: &[i32]) -> Result<(), Errno> {
    let (nothing, _) = file::pipe()?;
    for fd in 0..3 {
        process::place(nothing.as_fd(), fd)?;
    }
    drop(nothing);
    process::close_all_above_2_but(keep)
}

fn become_command(person: &Person, group_view: Option<BorrowedFd>, inherited: Inherited) -> child::Result<Never> {
    trace::act_as(Who::Process);
    if let Some(init) = group_view {
        trace::begin(Step::OwnGroupView);
        process::join(init, namespace::CGROUP).at(Step::OwnGroupView, "join the view of cgroups")?;
    }
    if inherited.of_another_user_namespace {
        identity::become_user(0, 0, &[]).at(Step::CloneContainer, "become the root of the user namespace")?;
    }
    person.affinity.take_last()?;
    mount::set_umask(0o022);
    trace::begin(Step::OpenTerminal);
    let terminal = child::open_pty(person).at(Step::OpenTerminal, "open /dev/pts/ptmx")?;
    let master = terminal.as_ref().map(|(master, _)| master.as_fd());
    channel::send(inherited.socket, &Word::Ready.encode(), master).at(Step::OpenTerminal, "say ready")?;
    child::wait_for_start(inherited.socket)?;
    let mut inherited = inherited;
    if let Some((_, slave)) = &terminal {
        inherited.streams = Streams::Terminal(slave.as_fd());
    }
    child::become_command(person, &inherited)
}
