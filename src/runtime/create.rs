//! The parent's half of a start: one clone3 (or a cloner's), then it listens until the child has become the user's program.

use crate::error::{Context, Error, Result};
use crate::init;
use crate::runtime::cgroup::Group;
use crate::runtime::child::{self, Inherited};
use crate::runtime::cloner;
use crate::runtime::handshake::{self, Failure, Stage, Word};
use crate::runtime::mappings::Mappings;
use crate::runtime::plan::{Plan, PlannedMount};
use crate::runtime::root::{outside, owners};
use crate::sys::mount::Flags;
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{Errno, channel, file, user_namespace};
use crate::trace::{self, Step, Who};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What becomes the process's standard input, output and error.
#[derive(Clone, Copy)]
pub enum Streams<'a> {
    /// Without an input it is the container's own /dev/null: the host's could be changed through it (CVE-2026-88265).
    Separate {
        input: Option<BorrowedFd<'a>>,
        output: BorrowedFd<'a>,
        error: BorrowedFd<'a>,
    },
    Terminal(BorrowedFd<'a>),
    /// The caller's own, as they are.
    Callers,
    /// All three are the container's own /dev/null.
    Nothing,
}

impl Streams<'_> {
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match *self {
            Streams::Separate { input, output, error } => input.into_iter().chain([output, error]).collect(),
            Streams::Terminal(one) => vec![one],
            Streams::Callers | Streams::Nothing => Vec::new(),
        }
    }
}

/// A container whose first process is there and waits for the word to go on.
pub struct Created {
    pub pid: i32,
    pub pidfd: OwnedFd,
    /// The command's wait status, before the container is taken apart; `None`: the command itself is pid 1.
    pub status: Option<OwnedFd>,
    socket: OwnedFd,
}

/// A container that has become the user's program.
pub struct Started {
    /// The master side of its terminal, if it has one.
    pub terminal: Option<OwnedFd>,
}

/// Takes hold of what the container could not, where its root is somebody else outside. Else nothing happens.
pub fn prepare(plan: &mut Plan) -> Result<()> {
    match plan.namespaces.has(namespace::USER) {
        true => outside::hold(plan, &[]).map_err(Failure::into_error),
        false => Ok(()),
    }
}

/// A container that is root of a user namespace and sees its own group only may divide it further, where it can write at all.
pub fn give_group_away(group: &Group, plan: &Plan) -> Result<()> {
    let is_writable = |planned: &PlannedMount| planned.is_cgroup() && !planned.options.flags.contains(Flags::MS_RDONLY);
    let writes = plan.namespaces.is_new(namespace::CGROUP) && plan.mounts.iter().any(is_writable);
    match plan.namespaces.mappings().and_then(Mappings::root_outside) {
        Some((uid, gid)) if writes => group.give_to(uid, gid).context("cannot give the group to the container's root"),
        _ => Ok(()),
    }
}

/// Makes the first process. The caller has no threads (see `clone3`).
pub fn create(plan: &Plan, group: Option<&Group>, streams: Streams) -> Result<Created> {
    let step = trace::begin(Step::CloneContainer);
    let place = || format!("failed at {}", step.place());
    let (ours, theirs) = channel::pair().with_context(place)?;
    let pipe = plan.reaper.then(file::pipe).transpose().with_context(place)?;
    let program = process::sealed_program(c"tare-init", init::PROGRAM).with_context(place)?;
    let held = plan.namespaces.hold().with_context(place)?;
    let hides_when_mapped = plan.namespaces.hide_late();
    let has_cloner = plan.namespaces.need_a_cloner(plan.takes_of_host()) || group.is_some_and(|group| !group.is_in_reach());
    let forked = match has_cloner {
        true => cloner::clone_through(plan, &held, group)?,
        false => process::clone3(plan.namespaces.at_birth(), group.map(Group::descriptor)).with_context(place)?,
    };
    match forked {
        Forked::Child => {
            // Else the child would hold its own parent's end, and never learn that the parent is gone.
            drop(ours);
            trace::act_as(Who::Child);
            let status = pipe.as_ref().map(|(_, status)| status.as_fd());
            let of_another_user_namespace = plan.namespaces.has(namespace::USER);
            let dies_with_reaper = plan.reaper && !plan.namespaces.is_new(namespace::PID) && !user_namespace::is_machine_s_root();
            let inherited = Inherited {
                socket: theirs.as_fd(),
                program: program.as_fd(),
                streams,
                status,
                held: &held,
                of_another_user_namespace,
                dies_with_reaper,
                score: plan.person.oom_score_adj.filter(|_| !has_cloner),
                hides_when_mapped,
            };
            child::become_container(plan, inherited)
        }
        Forked::Parent { pid, pidfd } => {
            let created = Created { pid, pidfd, status: pipe.map(|(read, _)| read), socket: ours };
            if plan.namespaces.has(namespace::USER) { created.settle_users(plan) } else { Ok(created) }
        }
    }
}

impl Created {
    /// The process waits for it: until then it is nobody, and has no files.
    fn settle_users(self, plan: &Plan) -> Result<Created> {
        trace::begin(Step::MapUsers);
        let new = plan.namespaces.mappings().filter(|_| plan.namespaces.is_new(namespace::USER));
        let mapped = new.map_or(Ok(()), |mappings| mappings.write(self.pid));
        let owned = mapped.and_then(|()| owners::settle(plan, self.pid, self.pidfd.as_fd()));
        let told = owned.and_then(|()| {
            channel::send(self.socket.as_fd(), handshake::MAPPED, None).context("cannot reach the container's first process")
        });
        match told {
            Ok(()) => Ok(self),
            Err(error) => {
                let pid = self.pid;
                // Its end of the socket closes, so it ends.
                drop(self);
                let _ = process::wait(pid);
                Err(error)
            }
        }
    }

    pub fn entered(pid: i32, pidfd: OwnedFd, socket: OwnedFd) -> Created {
        Created { pid, pidfd, status: None, socket }
    }

    /// Its network namespace, where the plan says that it is handed over.
    pub fn network(&self) -> Result<OwnedFd> {
        let mut listener = Listener::new(Stage::Born);
        listener.next(self.socket.as_fd())?;
        listener.descriptor.ok_or_else(|| Error::failed("the container's first process did not hand over its network"))
    }

    /// Says Start, and listens until exec has closed the other end.
    pub fn start(&self) -> Result<Started> {
        // A child that has failed already has closed its end; its word is still there to be read.
        let _ = channel::send(self.socket.as_fd(), handshake::START, None);
        let mut listener = Listener::new(Stage::Born);
        while listener.next(self.socket.as_fd())? != Stage::Started {}
        Ok(Started { terminal: listener.descriptor })
    }

    /// After `until_ready`, once the container is on record: before that its process must not outlive us.
    pub fn let_wait(&self) {
        let _ = channel::send(self.socket.as_fd(), handshake::START, None);
    }

    /// After `until_ready`, where nobody else opens the gate.
    pub fn go_on(&self, serve: &dyn Fn(i32) -> Result<()>) -> Result<()> {
        start_at(self.socket.as_fd(), "", serve)
    }

    /// Listens until the world is built, and no further: the process waits at its gate. `hooks` are run at their moment, and tell
    /// the container's state for those that the process itself runs.
    /// Returns the master side of its terminal, if it has one.
    pub fn until_ready(&self, mut hooks: impl FnMut() -> Result<String>) -> Result<Option<OwnedFd>> {
        let mut listener = Listener::new(Stage::Born);
        loop {
            match listener.next(self.socket.as_fd())? {
                Stage::Ready => return Ok(listener.descriptor),
                Stage::HooksDue => {
                    let state = hooks()?;
                    channel::send(self.socket.as_fd(), &handshake::with_state(handshake::GO_ON, &state), None)
                        .context("cannot speak to the container's first process")?;
                }
                _ => {}
            }
        }
    }
}

/// Opens the gate at which a container waits, and listens until it has become the user's program. `serve` brings the filter's
/// descriptor, by its number there, to the agent that answers calls.
pub fn start_at(gate: BorrowedFd, state: &str, serve: &dyn Fn(i32) -> Result<()>) -> Result<()> {
    let _ = channel::send(gate, &handshake::with_state(handshake::START, state), None);
    let mut listener = Listener::new(Stage::Ready);
    loop {
        match listener.next(gate)? {
            Stage::Started => return Ok(()),
            Stage::AgentDue(number) => {
                // Closed when the filter is loaded.
                if let Some(not_yet) = listener.descriptor.take() {
                    let _ = file::read(not_yet.as_fd(), &mut [0]);
                }
                serve(number)?;
                // It may have failed meanwhile; then its word is still to be read.
                let _ = channel::send(gate, handshake::GO_ON, None);
            }
            _ => {}
        }
    }
}

/// Hears words in their legal order; a failure is an error.
struct Listener {
    stage: Stage,
    /// What came with a word last.
    descriptor: Option<OwnedFd>,
}

impl Listener {
    fn new(stage: Stage) -> Listener {
        Listener { stage, descriptor: None }
    }

    fn next(&mut self, socket: BorrowedFd) -> Result<Stage> {
        let mut buffer = [0; handshake::LONGEST];
        let mut heard = channel::receive(socket, &mut buffer);
        if matches!(heard, Err(Errno::ECONNRESET)) {
            // It has ended with a word of ours unread, which is told once, and before its own last word: unix(7).
            heard = channel::receive(socket, &mut buffer);
        }
        let (length, fd) = match heard {
            Err(Errno::ECONNRESET) => (0, None),
            other => other.context("cannot hear the container's first process")?,
        };
        let word = if length == 0 { None } else { Word::decode(&buffer[..length]) };
        if length != 0 && word.is_none() {
            return Err(Error::failed("the container's first process said something that makes no sense"));
        }
        if fd.is_some() {
            self.descriptor = fd;
        }
        self.stage =
            self.stage.after(word.as_ref()).ok_or_else(|| Error::failed("the container's first process ended before it could start"))?;
        match word {
            Some(Word::Failed(failure)) => Err(failure.into_error()),
            _ => Ok(self.stage),
        }
    }
}
