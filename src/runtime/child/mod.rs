//! The child's half of a start, from the first instruction in the new namespaces to exec: a table of contents.
//!
//! It never prints and never returns: a failure goes up the socket as a word (`failing.rs`), and the process ends. `waiting.rs` is what
//! it hears from its maker, `streams.rs` its terminal, `divide.rs` the fork into reaper and command, `score.rs` who ends last, `command.rs` the end of the way.

mod command;
mod divide;
mod failing;
mod score;
mod streams;
mod waiting;

pub use crate::runtime::handshake::Failure;
pub use command::{become_command, take_what_only_the_host_gives};
pub use failing::{At, Result};
pub use score::take_score;
pub use streams::open_pty;
pub use waiting::wait_for_start;

use crate::runtime::create::Streams;
use crate::runtime::handshake::{self, Word};
use crate::runtime::namespaces::{self, Held};
use crate::runtime::plan::{Plan, SmallFiles, Strict};
use crate::runtime::{identity, newcomer, root, unseen};
use crate::sys::process::{self, namespace};
use crate::sys::{Errno, channel, file, identity as kernel_identity, mount, network, poll};
use crate::trace::{self, Step};
use score::Score;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// What the child has from its parent, besides the plan.
#[derive(Clone, Copy)]
pub struct Inherited<'a> {
    pub socket: BorrowedFd<'a>,
    /// The sealed little program (`init/`).
    pub program: BorrowedFd<'a>,
    pub streams: Streams<'a>,
    /// Where the reaper tells the command's status; `None`: no reaper, the command itself is pid 1.
    pub status: Option<BorrowedFd<'a>>,
    /// The namespaces that exist already.
    pub held: &'a [Held],
    /// The cloner has joined them all, and has taken what only the host gives.
    pub of_another_user_namespace: bool,
    /// The command shares its pid namespace with others, and nobody may have a group of it to end it by.
    pub dies_with_reaper: bool,
    /// What the command has for want of memory, where no cloner has taken it already.
    pub score: Option<i32>,
    /// Its maker needs its files in /proc until its users are mapped.
    pub hides_when_mapped: bool,
}

impl Inherited<'_> {
    fn descriptors(&self) -> Vec<i32> {
        let all = [self.socket, self.program].into_iter().chain(self.streams.descriptors()).chain(self.status);
        all.chain(self.held.iter().map(AsFd::as_fd)).map(|fd| fd.as_raw_fd()).collect()
    }
}

pub fn become_container(plan: &Plan, inherited: Inherited) -> ! {
    let socket = inherited.socket;
    // Nothing else that our maker has open is ours: its directory of control groups would be a way to the host (CVE-2024-21626).
    let alone = process::close_all_above_2_but(&[inherited.descriptors(), plan.descriptors()].concat());
    let alone = alone.at(Step::CloneContainer, "leave the host's descriptors behind");
    fail(socket, alone.and_then(|()| build_world(plan, inherited)))
}

/// Says why, and ends. The exit code is seen where nobody reads the word: 127 not found, 126 cannot be executed, 125 ours.
pub fn fail(socket: BorrowedFd, failed: Result<Never>) -> ! {
    let Err(failure) = failed;
    let code = match (failure.step, failure.errno) {
        (Step::Execute, Errno::ENOENT) => 127,
        (Step::Execute | Step::EnterDirectory, _) => 126,
        _ => 125,
    };
    let _ = channel::send(socket, &Word::Failed(failure).encode(), None);
    process::exit_now(code)
}

/// A function that returns it does not return.
pub enum Never {}

fn build_world(plan: &Plan, inherited: Inherited) -> Result<Never> {
    let score = inherited.score.map(Score::hold).transpose()?;
    if let (Some(score), None) = (&score, inherited.status) {
        score.take()?;
    }
    if !inherited.hides_when_mapped {
        hide_from_tracers()?;
    }
    let place = match inherited.of_another_user_namespace {
        true => become_its_root(plan, inherited.socket)?,
        false => namespaces::join(inherited.held, namespaces::BY_THE_CHILD).map(|()| None)?,
    };
    if plan.hands_over_network {
        const STEP: Step = Step::CloneContainer;
        let own = file::open(std::path::Path::new("/proc/self/ns/net"), file::OFlag::O_RDONLY).at(STEP, "open the own network")?;
        channel::send(inherited.socket, &Word::Network.encode(), Some(own.as_fd())).at(STEP, "hand over the network")?;
    }
    match &plan.strict {
        None => die_with_monitor(inherited.socket)?,
        Some(strict) => begin_strictly(strict)?,
    }
    let own = plan.namespaces.when_grown();
    if own != 0 {
        trace::begin(Step::OwnGroupView);
        process::unshare(own).at(Step::OwnGroupView, "unshare(CLONE_NEWCGROUP)")?;
    }
    let umask = mount::set_umask(0);
    root::furnish(plan, place, &|| waiting::run_hooks_before_root(plan, inherited.socket))?;
    if let (Some(hostname), true) = (plan.hostname, plan.namespaces.has(namespace::UTS)) {
        trace::begin(Step::NameHost);
        kernel_identity::set_hostname(hostname).at(Step::NameHost, || format!("sethostname({hostname:?})"))?;
    }
    if let (Some(name), true) = (plan.domainname, plan.namespaces.has(namespace::UTS)) {
        kernel_identity::set_domainname(name).at(Step::NameHost, || format!("setdomainname({name:?})"))?;
    }
    if plan.namespaces.is_new(namespace::NET) {
        trace::begin(Step::SwitchLoopbackOn);
        network::loopback_up().at(Step::SwitchLoopbackOn, "switch lo on")?;
    }
    trace::begin(Step::OpenTerminal);
    let terminal = streams::open_terminal(plan)?;
    mount::set_umask(if umask == 0 { 0o022 } else { umask });
    if let Some(newcomer) = &plan.newcomer {
        newcomer::introduce(newcomer);
    }
    identity::make_working_directory(plan.person.cwd)?;

    let mut inherited = inherited;
    if let Some((_, slave)) = &terminal {
        inherited.streams = Streams::Terminal(slave.as_fd());
    }
    if plan.strict.is_some() {
        identity::look_for_command(&plan.person)?;
        // Who waits with a terminal holds the caller's streams no longer: containerd's shim reads them to their end.
        streams::place_streams(&inherited.streams).at(Step::OpenTerminal, "place the streams")?;
    }
    let master = terminal.as_ref().map(|(master, _)| master.as_fd());
    channel::send(inherited.socket, &Word::Ready.encode(), master).at(Step::OpenTerminal, "say ready")?;
    if let Some(strict) = &plan.strict {
        return waiting::wait_at_gate(&plan.person, inherited, strict);
    }
    wait_for_start(inherited.socket)?;
    match inherited.status {
        Some(status) => divide::divide(&plan.person, &inherited, status, score),
        None => become_command(&plan.person, &inherited),
    }
}

/// Until now we were somebody whom the user namespace does not know. As that one we go to the root's directory, because its own
/// root may not look into the directories above it; and we take hold of where the container's own files go.
fn become_its_root(plan: &Plan, socket: BorrowedFd) -> Result<Option<OwnedFd>> {
    const STEP: Step = Step::CloneContainer;
    waiting::hear(socket, handshake::MAPPED).at(STEP, "wait for the users to be mapped")?;
    let hold = |small: &SmallFiles| file::open_dir(small.dir).at(STEP, || format!("open {}", small.dir.display()));
    let place = plan.small_files.as_ref().map(hold).transpose()?;
    mount::change_dir(plan.root).at(Step::MountRoot, || format!("chdir {}", plan.root.display()))?;
    kernel_identity::become_user(0, 0, &[]).at(STEP, "become the root of the user namespace")?;
    // The change of the user may have undone it: prctl(2), PR_SET_DUMPABLE.
    hide_from_tracers().map(|()| place)
}

fn hide_from_tracers() -> Result<()> {
    unseen::hide_from_tracers().at(Step::CloneContainer, "hide from tracers")
}

fn die_with_monitor(socket: BorrowedFd) -> Result<()> {
    process::die_with_parent().at(Step::CloneContainer, "ask to die with the monitor")?;
    // Asked too late, nobody is told any more; but then the other end of the socket is closed.
    match poll::has_ended(socket) {
        true => Err(Failure::new(Step::CloneContainer, Errno::ESRCH, "find the monitor")),
        false => Ok(()),
    }
}

/// It does not die with the one who made it, who leaves as soon as the world is built.
fn begin_strictly(strict: &Strict) -> Result<()> {
    if strict.own_keyring {
        kernel_identity::new_session_keyring().at(Step::CloneContainer, "make a keyring")?;
    }
    Ok(())
}
