//! The child's half of a start, from the first instruction in the new namespaces to exec: a table of contents.
//!
//! It never prints and never returns: a failure goes up the socket as a word, and the process ends.

use crate::runtime::create::Streams;
use crate::runtime::handshake::{self, Word};
use crate::runtime::hooks::{self, Moment};
use crate::runtime::namespaces::{self, Held};
use crate::runtime::plan::{Person, Plan, Strict};
use crate::runtime::{identity, root};
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{Errno, channel, file, identity as kernel_identity, inside, mount, network, poll, pty, terminal};
use crate::trace::Step;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

pub use crate::runtime::handshake::Failure;
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Names the step at which a call failed; the words are made only when they are needed.
pub trait At<T> {
    fn at(self, step: Step, what: impl Into<What>) -> Result<T>;
}
impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: Step, what: impl Into<What>) -> Result<T> {
        self.map_err(|errno| Failure { step, errno, what: what.into().0 })
    }
}
pub struct What(String);
impl From<&str> for What {
    fn from(text: &str) -> What {
        What(text.to_owned())
    }
}
impl<F: FnOnce() -> String> From<F> for What {
    fn from(text: F) -> What {
        What(text())
    }
}

impl Failure {
    pub fn new(step: Step, errno: Errno, what: impl Into<String>) -> Failure {
        Failure { step, errno, what: what.into() }
    }
}

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
    hide_from_tracers()?;
    match inherited.of_another_user_namespace {
        true => become_its_root(plan, inherited.socket)?,
        false => namespaces::join(inherited.held, namespaces::BY_THE_CHILD)?,
    }
    match &plan.strict {
        None => die_with_monitor(inherited.socket)?,
        Some(strict) => begin_strictly(strict)?,
    }
    let own = plan.namespaces.when_grown();
    if own != 0 {
        process::unshare(own).at(Step::OwnGroupView, "unshare(CLONE_NEWCGROUP)")?;
    }
    let umask = mount::set_umask(0);
    root::furnish(plan, &|| run_hooks_before_root(plan, inherited.socket))?;
    if let (Some(hostname), true) = (plan.hostname, plan.namespaces.has(namespace::UTS)) {
        kernel_identity::set_hostname(hostname).at(Step::NameHost, || format!("sethostname({hostname:?})"))?;
    }
    if let (Some(name), true) = (plan.domainname, plan.namespaces.has(namespace::UTS)) {
        kernel_identity::set_domainname(name).at(Step::NameHost, || format!("setdomainname({name:?})"))?;
    }
    if plan.namespaces.is_new(namespace::NET) {
        network::loopback_up().at(Step::SwitchLoopbackOn, "switch lo on")?;
    }
    let terminal = open_terminal(plan)?;
    mount::set_umask(if umask == 0 { 0o022 } else { umask });
    identity::make_working_directory(plan.person.cwd)?;

    let mut inherited = inherited;
    if let Some((_, slave)) = &terminal {
        inherited.streams = Streams::Terminal(slave.as_fd());
    }
    if plan.strict.is_some() {
        identity::look_for_command(&plan.person)?;
        // Who waits with a terminal holds the caller's streams no longer: containerd's shim reads them to their end.
        place_streams(&inherited.streams).at(Step::OpenTerminal, "place the streams")?;
    }
    let master = terminal.as_ref().map(|(master, _)| master.as_fd());
    channel::send(inherited.socket, &Word::Ready.encode(), master).at(Step::OpenTerminal, "say ready")?;
    if let Some(strict) = &plan.strict {
        return wait_at_gate(&plan.person, inherited, strict);
    }
    wait_for_start(inherited.socket)?;
    match inherited.status {
        Some(status) => divide(&plan.person, &inherited, status),
        None => become_command(&plan.person, &inherited),
    }
}

/// Until now we were somebody whom the user namespace does not know. As that one we go to the root's directory, because its own
/// root may not look into the directories above it.
fn become_its_root(plan: &Plan, socket: BorrowedFd) -> Result<()> {
    const STEP: Step = Step::CloneContainer;
    if plan.namespaces.is_new(namespace::USER) {
        hear(socket, handshake::MAPPED).at(STEP, "wait for the users to be mapped")?;
    }
    mount::change_dir(plan.root).at(Step::MountRoot, || format!("chdir {}", plan.root.display()))?;
    kernel_identity::become_user(0, 0, &[]).at(STEP, "become the root of the user namespace")?;
    // The change of the user may have undone it: prctl(2), PR_SET_DUMPABLE.
    hide_from_tracers()
}

fn hide_from_tracers() -> Result<()> {
    process::hide_from_tracers().at(Step::CloneContainer, "hide from tracers")
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

/// Those of the host are run by the parent, then those in the container's namespaces by us.
fn run_hooks_before_root(plan: &Plan, socket: BorrowedFd) -> Result<()> {
    const STEP: Step = Step::EnterRoot;
    let Some(strict) = &plan.strict else { return Ok(()) };
    channel::send(socket, &Word::Hooks.encode(), None).at(STEP, "ask for the hooks")?;
    let state = hear_state(socket, handshake::GO_ON).ok_or_else(|| Failure::new(STEP, Errno::ECANCELED, "wait for the hooks"))?;
    run_hooks(strict, Moment::CreateContainer, &state, STEP)
}

/// The world is built. When it is on record, its maker may go; somebody else comes to the gate and says Start. From then on he hears our failures.
fn wait_at_gate(person: &Person, inherited: Inherited, strict: &Strict) -> Result<Never> {
    wait_for_start(inherited.socket)?;
    let visitor = channel::accept(strict.gate).at(Step::OpenTerminal, "wait at the gate")?;
    let state = hear_state(visitor.as_fd(), handshake::START);
    let started = match state {
        Some(state) => run_hooks(strict, Moment::StartContainer, &state, Step::BecomeReaper),
        None => Err(Failure::new(Step::OpenTerminal, Errno::ECANCELED, "wait for the start")),
    };
    let inherited = Inherited { socket: visitor.as_fd(), ..inherited };
    fail(visitor.as_fd(), started.and_then(|()| become_command(person, &inherited)))
}

/// The state that stands behind a word of the other side; `None`: it said something else, or is gone.
fn hear_state(socket: BorrowedFd, word: &[u8]) -> Option<String> {
    let mut message = vec![0; handshake::LONGEST_STATE];
    let (length, _) = channel::receive(socket, &mut message).ok()?;
    String::from_utf8(message[..length].strip_prefix(word)?.to_vec()).ok()
}

fn run_hooks(strict: &Strict, moment: Moment, state: &str, step: Step) -> Result<()> {
    hooks::run(strict.hooks, moment, state).map_err(|error| Failure::new(step, Errno::ECANCELED, error.to_string()))
}

/// Out of the container's own /dev/pts; the slave is also its /dev/console.
fn open_terminal(plan: &Plan) -> Result<Option<(OwnedFd, OwnedFd)>> {
    let Some(pair) = open_pty(&plan.person).at(Step::OpenTerminal, "open /dev/pts/ptmx")? else { return Ok(None) };
    let console = Path::new("/dev/console");
    let target = inside::open(console, file::OFlag::O_PATH | file::OFlag::O_NOFOLLOW).at(Step::OpenTerminal, "open /dev/console")?;
    let tree = mount::detached_copy_of(pair.1.as_fd()).at(Step::OpenTerminal, "hold the terminal")?;
    mount::attach_over(tree, target.as_fd()).at(Step::OpenTerminal, "mount the terminal on /dev/console")?;
    Ok(Some(pair))
}

/// With its size from the first moment: a program that asks at once must not be told 0 by 0.
pub fn open_pty(person: &Person) -> Result<Option<(OwnedFd, OwnedFd)>, Errno> {
    if !person.terminal {
        return Ok(None);
    }
    let pair = pty::open(Path::new("/dev/pts/ptmx"))?;
    if let Some(size) = person.terminal_size {
        terminal::set_size(pair.0.as_fd(), size)?;
    }
    Ok(Some(pair))
}

pub fn wait_for_start(socket: BorrowedFd) -> Result<()> {
    hear(socket, handshake::START).at(Step::OpenTerminal, "wait for the start")
}

fn hear(socket: BorrowedFd, wanted: &[u8]) -> Result<(), Errno> {
    let mut word = [0; 8];
    let (length, _) = channel::receive(socket, &mut word)?;
    if &word[..length] == wanted { Ok(()) } else { Err(Errno::ECANCELED) }
}

/// Pid 1 and the command part: the command is forked first and becomes the user, while pid 1 becomes the reaper.
///
/// The command waits until pid 1 is no longer the tare binary: from then on no `/proc/1/exe` leads to a file of the host
/// (CVE-2019-5736). Signals are blocked before the fork, so that a child that ends at once is not missed.
fn divide(person: &Person, inherited: &Inherited, status: BorrowedFd) -> Result<Never> {
    const STEP: Step = Step::BecomeReaper;
    process::block_every_signal(true).at(STEP, "block signals")?;
    let (gate, gate_keeper) = file::pipe().at(STEP, "pipe")?;
    let command = match process::clone3(0, None).at(STEP, "fork")? {
        Forked::Parent { pid, .. } => pid,
        Forked::Child => {
            drop(gate_keeper);
            fail(inherited.socket, wait_for_reaper(gate.as_fd()).and_then(|()| become_command(person, inherited)))
        }
    };
    // Above every number that is given out below.
    let program = file::duplicate_above(inherited.program, 10).at(STEP, "hold the reaper's program")?;
    process::place(status, 3).at(STEP, "place the status pipe")?;
    process::close_on_exec_from(4).at(STEP, "close descriptors")?;
    let arguments = [c"tare-init".to_owned(), CString::new(command.to_string()).unwrap_or_default()];
    let errno = process::exec_fd(program.as_fd(), &arguments, &[]);
    Err(Failure::new(STEP, errno, "execute the reaper"))
}

/// Exec closes the other end of the gate.
fn wait_for_reaper(gate: BorrowedFd) -> Result<()> {
    file::read(gate, &mut [0]).at(Step::BecomeReaper, "wait for the reaper").map(drop)
}

/// The last stretch: from here on it is the user's process. `enter.rs` comes this way too.
pub fn become_command(person: &Person, inherited: &Inherited) -> Result<Never> {
    process::new_session().or_else(|errno| if errno == Errno::EPERM { Ok(()) } else { Err(errno) }).at(Step::OpenTerminal, "setsid")?;
    place_streams(&inherited.streams).at(Step::OpenTerminal, "place the streams")?;
    if person.terminal {
        pty::control_session().at(Step::OpenTerminal, "take the terminal")?;
    }
    process::default_every_signal();
    process::block_every_signal(false).at(Step::Execute, "unblock signals")?;
    if !inherited.of_another_user_namespace {
        set_oom_score_adj(person)?;
        person.placement.take()?;
    }
    for (resource, soft, hard) in &person.limits {
        set_limit(*resource, *soft, *hard)?;
    }
    if let Some(umask) = person.umask {
        mount::set_umask(umask);
    }
    identity::become_somebody(person, inherited)
}

/// By the cloner, for a child that will be in another user namespace and inherits it: limits are only raised, so that they do not
/// hinder what is still to be done.
pub fn take_what_only_the_host_gives(person: &Person) -> Result<()> {
    set_oom_score_adj(person)?;
    for (resource, _, hard) in &person.limits {
        let (soft, now) = kernel_identity::limit(*resource).at(Step::SetProcessLimits, "read the limits")?;
        if *hard > now {
            set_limit(*resource, soft, *hard)?;
        }
    }
    person.placement.take()
}

fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    kernel_identity::set_limit(resource, soft, hard)
        .at(Step::SetProcessLimits, || format!("set --ulimit {}={soft}:{hard}", kernel_identity::rlimit_name(resource)))
}

/// Through a procfs of our own: what the image, or a process of the container, put over /proc could lead the write elsewhere
/// (CVE-2019-16884, CVE-2025-52881).
fn set_oom_score_adj(person: &Person) -> Result<()> {
    let Some(score) = person.oom_score_adj else { return Ok(()) };
    let file = format!("{}/oom_score_adj", process::own_pid());
    let set = mount::private_proc().and_then(|proc| file::write_kernel_file_beneath(proc.as_fd(), &file, &score.to_string()));
    set.at(Step::SetProcessLimits, || format!("set --oom-score-adj to {score}"))
}

/// The sources lie above 2, or are there already: whoever starts a process keeps its own three streams there.
fn place_streams(streams: &Streams) -> Result<(), Errno> {
    let [input, output, error] = file::standard_streams();
    let sources = match *streams {
        Streams::Terminal(one) => [Some(one); 3],
        Streams::Separate { input, output, error } => [input, Some(output), Some(error)],
        Streams::Callers => [Some(input), Some(output), Some(error)],
        Streams::Nothing => [None; 3],
    };
    for (source, number) in sources.into_iter().zip(0..) {
        match source {
            // Whoever is root in the container could change the mode of the host's, through the descriptor (CVE-2026-88265).
            Some(fd) if !mount::is_null_device(fd)? => process::place(fd, number)?,
            _ => process::place(own_null_device()?.as_fd(), number)?,
        }
    }
    Ok(())
}

/// The container's, and no fifo that somebody put in its place: where it is not the real one, an empty file in memory will do.
fn own_null_device() -> Result<OwnedFd, Errno> {
    let flags = file::OFlag::O_RDWR | file::OFlag::O_NONBLOCK | file::OFlag::O_NOCTTY | file::OFlag::O_NOFOLLOW;
    match inside::open(Path::new("/dev/null"), flags) {
        Ok(null) if mount::is_null_device(null.as_fd())? => Ok(null),
        _ => process::memory_file(c"null"),
    }
}
