//! A further process in a container that runs: joined to its namespaces, born in its group, made somebody like the first.

use crate::error::{Context, Result};
use crate::init;
use crate::runtime::cgroup::Group;
use crate::runtime::child::{self, At, Inherited, Never};
use crate::runtime::create::{Created, Streams};
use crate::runtime::handshake::Word;
use crate::runtime::namespaces;
use crate::runtime::plan::Person;
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{channel, mount};
use crate::trace::Step;
use std::os::fd::{AsFd, BorrowedFd};

/// All but the view of cgroups, which the child joins itself once it is born in the container's group: where namespaces are
/// delegation boundaries (`nsdelegate`, every systemd host), nobody is cloned into a group from outside of his view.
const FIRST: u64 = namespace::MOUNT | namespace::PID | namespace::IPC | namespace::UTS | namespace::NET;

/// Runs a process beside the container's first one (`init`, a pidfd, of process `pid`). The calling process itself goes over to the container's
/// namespaces, all but the one for pids, which only its children enter: it must have opened before what it needs of the host.
///
/// The caller should run from a file that cannot be written, because processes of the container see its child from birth on,
/// and with CAP_SYS_PTRACE may open its `/proc/PID/exe` (CVE-2019-5736).
pub fn enter(init: BorrowedFd, pid: i32, group: Option<&Group>, person: &Person, streams: Streams) -> Result<Created> {
    const WHAT: &str = "cannot enter the container";
    process::hide_from_tracers().context(WHAT)?;
    let others = [(namespace::TIME, "time"), (namespace::USER, "user")];
    let others = others.into_iter().filter(|(_, name)| namespaces::differs(pid, name)).fold(0, |all, (bit, _)| all | bit);
    // All at once and by the process, not by the paths we have just looked at: should it have ended, this fails.
    process::join(init, FIRST | others).context(WHAT)?;
    let (ours, theirs) = channel::pair().context(WHAT)?;
    let program = process::sealed_program(c"tare-init", init::PROGRAM).context(WHAT)?;
    match process::clone3(0, group.map(Group::descriptor)).context(WHAT)? {
        Forked::Child => {
            drop(ours);
            let inherited = Inherited { socket: theirs.as_fd(), program: program.as_fd(), streams, status: None, held: &[] };
            child::fail(inherited.socket, become_command(person, init, inherited))
        }
        Forked::Parent { pid, pidfd } => Ok(Created::entered(pid, pidfd, ours)),
    }
}

fn become_command(person: &Person, init: BorrowedFd, inherited: Inherited) -> child::Result<Never> {
    process::join(init, namespace::CGROUP).at(Step::OwnGroupView, "join the view of cgroups")?;
    mount::set_umask(0o022);
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
