//! A further process in a container that runs: joined to its namespaces, born in its group, made somebody like the first.

use crate::error::{Context, Result};
use crate::runtime::cgroup::Group;
use crate::runtime::child::{self, At, Never};
use crate::runtime::create::{Created, Streams};
use crate::runtime::handshake::Word;
use crate::runtime::plan::Person;
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{channel, mount, pty};
use crate::trace::Step;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

const ALL: u64 = namespace::MOUNT | namespace::PID | namespace::IPC | namespace::UTS | namespace::NET | namespace::CGROUP;

/// Runs a process beside the container's first one (`init`, a pidfd). The calling process itself goes over to the container's
/// namespaces, all but the one for pids, which only its children enter: it must have opened before what it needs of the host.
///
/// The caller should run from a file that cannot be written, because processes of the container see its child from birth on,
/// and with CAP_SYS_PTRACE may open its `/proc/PID/exe` (CVE-2019-5736).
pub fn enter(init: BorrowedFd, group: Option<&Group>, person: &Person, streams: Streams) -> Result<Created> {
    const WHAT: &str = "cannot enter the container";
    process::hide_from_tracers().context(WHAT)?;
    process::join(init, ALL).context(WHAT)?;
    let (ours, theirs) = channel::pair().context(WHAT)?;
    match process::clone3(0, group.map(Group::descriptor)).context(WHAT)? {
        Forked::Child => {
            drop(ours);
            let socket = theirs.as_fd();
            child::fail(socket, become_command(person, socket, streams))
        }
        Forked::Parent { pid, pidfd } => Ok(Created::entered(pid, pidfd, ours)),
    }
}

fn become_command(person: &Person, socket: BorrowedFd, streams: Streams) -> child::Result<Never> {
    mount::set_umask(0o022);
    let terminal =
        person.terminal.then(|| pty::open(Path::new("/dev/pts/ptmx"))).transpose().at(Step::OpenTerminal, "open /dev/pts/ptmx")?;
    let master = terminal.as_ref().map(|(master, _)| master.as_fd());
    channel::send(socket, &Word::Ready.encode(), master).at(Step::OpenTerminal, "say ready")?;
    child::wait_for_start(socket)?;
    let streams = terminal.as_ref().map_or(streams, |(_, slave)| Streams::Terminal(slave.as_fd()));
    child::become_command(person, &streams)
}
