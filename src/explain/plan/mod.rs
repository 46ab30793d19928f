//! What a run would do, step by step, for one container: each deed in words, and in the words of a shell.
//!
//! The steps with their titles and reasons come from `trace/step.rs`, where errors and the code have them from. One file for each
//! part of the way; what they know of the container they know from what a run would write down (`engine/making/outline.rs`).

mod beginning;
mod devices;
mod ending;
mod groups;
mod hiding;
mod identity;
mod mounts;
mod namespaces;
mod networks;
mod path;
pub mod quote;
mod root;

use crate::engine::outline::Outline;
use crate::error::{Error, Result};
use crate::options::user_namespaces::UserNamespace;
use crate::options::without::Part;
use crate::options::{Ipc, Network, Pid};
use crate::runtime::plan::{Beyond, Plan};
use crate::sys::user_namespace;
use crate::trace::Step;

/// A step of this container.
pub struct Block {
    pub step: Step,
    pub deeds: Vec<Deed>,
}

impl Block {
    /// What is done instead of a step has its number.
    pub fn number(&self) -> u8 {
        if self.step == Step::OnlyChangeRoot { Step::EnterRoot.number() } else { self.step.number() }
    }
}

/// One thing that is done.
pub struct Deed {
    /// In plain words, as an order: `mount proc on /proc`.
    pub words: String,
    pub shell: Shell,
    /// What takes it back, where it would outlive the container.
    pub undo: Option<String>,
}

/// How a shell does it.
pub enum Shell {
    /// Lines that need no words beside them.
    Clear(String),
    /// Lines whose words say more than they do themselves.
    Lines(String),
    /// Before anything else, because all that follows needs it.
    First(String),
    /// It has no words for it, and why that matters.
    Cannot(String),
    /// There is nothing to be done, or other lines do it.
    Nothing,
}

impl Deed {
    pub fn new(words: impl Into<String>) -> Deed {
        Deed { words: words.into(), shell: Shell::Nothing, undo: None }
    }
    pub fn lines(self, lines: impl Into<String>) -> Deed {
        Deed { shell: Shell::Lines(lines.into()), ..self }
    }
    pub fn clear(self, lines: impl Into<String>) -> Deed {
        Deed { shell: Shell::Clear(lines.into()), ..self }
    }
    pub fn cannot(self, why: impl Into<String>) -> Deed {
        Deed { shell: Shell::Cannot(why.into()), ..self }
    }
    pub fn undo(self, lines: impl Into<String>) -> Deed {
        Deed { undo: Some(lines.into()), ..self }
    }
}

/// Everything that the files of this room look at.
struct Subject<'a> {
    outline: &'a Outline,
    /// The spec, digested as the runtime does it.
    runtime: Plan<'a>,
    /// We are root of a user namespace only.
    is_ordinary: bool,
}

/// Every step of a start, in its order.
pub fn of_run(outline: &Outline) -> Result<Vec<Block>> {
    refuse_what_depends_on_others(outline)?;
    let beyond = Beyond { user: Some(&outline.record.user), groups: &outline.record.wishes.groups, ..Beyond::default() };
    let subject = Subject { outline, runtime: Plan::new(&outline.spec, beyond)?, is_ordinary: !user_namespace::is_initial() };
    let id = &outline.record.id;
    // In words twelve digits of the id are enough.
    let short = |deed: Deed| Deed { words: deed.words.replace(id, &format!("{id:.12}…")), ..deed };
    // With --without=mount another step is taken in its place.
    let taken =
        |step| if step == Step::EnterRoot && outline.record.wishes.without.contains(&Part::Mount) { Step::OnlyChangeRoot } else { step };
    let about = |step| Block { step: taken(step), deeds: deeds(step, &subject).into_iter().map(short).collect() };
    Ok(Step::ALL[..Step::OF_A_START].iter().copied().map(about).collect())
}

fn deeds(step: Step, subject: &Subject) -> Vec<Deed> {
    match step {
        Step::FindImage => beginning::find_image(subject),
        Step::DescribeContainer => beginning::describe(subject),
        Step::MakeMonitor => beginning::make_monitor(subject),
        Step::MakeGroup => groups::make(subject),
        Step::SetLimits => groups::limit(subject),
        Step::GuardDevices => groups::guard_devices(subject),
        Step::ClaimAddresses => networks::claim(subject),
        Step::CloneContainer => namespaces::make(subject),
        Step::MapUsers => namespaces::map_users(subject),
        Step::PlugIn => networks::plug_in(subject),
        Step::RememberStart => beginning::remember(subject),
        Step::OwnGroupView => namespaces::own_group_view(subject),
        Step::CutMounts => root::cut_mounts(),
        Step::GatherSources => root::gather(subject),
        Step::MountRoot => root::stack_layers(subject),
        Step::EnterRoot => root::enter(subject),
        Step::MountSystem => mounts::of_the_kernel(subject),
        Step::MakeDevices => devices::make(subject),
        Step::MountWishes => mounts::wished(subject),
        Step::TuneKernel => hiding::tune(subject),
        Step::HidePaths => hiding::hide(subject),
        Step::CloseRoot => root::close(subject),
        Step::NameHost => namespaces::name_host(subject),
        Step::SwitchLoopbackOn => networks::loopback(subject),
        Step::OpenTerminal => ending::terminal(subject),
        Step::BecomeReaper => ending::reaper(subject),
        Step::SetProcessLimits => ending::limits(subject),
        Step::FindUser => identity::find_user(subject),
        Step::BoundCapabilities => identity::bound(subject),
        Step::FilterCalls => identity::filter(subject),
        Step::ChangeIdentity => identity::become_user(subject),
        Step::EnterDirectory => ending::enter_directory(subject),
        Step::DropCapabilities => identity::drop_capabilities(subject),
        Step::Execute => ending::execute(subject),
        _ => Vec::new(),
    }
}

/// What is another container's is known only while that one runs, and ids of its own only when they are claimed.
fn refuse_what_depends_on_others(outline: &Outline) -> Result<()> {
    let wishes = &outline.record.wishes;
    let shared = match (&wishes.network, &wishes.pid, &wishes.ipc) {
        (Network::Container(_), ..) => Some("--network container:"),
        (_, Pid::Container(_), _) => Some("--pid container:"),
        (.., Ipc::Container(_)) => Some("--ipc container:"),
        _ => None,
    };
    if let Some(flag) = shared {
        return Err(Error::cannot_keep(format!("cannot tell the plan with {flag}"))
            .because("where another container's namespaces are is known only when this one starts")
            .hint("leave it out, and see what the plan says of a namespace of its own"));
    }
    match wishes.user_namespace {
        UserNamespace::Host => Ok(()),
        _ => Err(Error::cannot_keep("cannot tell the plan with users of its own")
            .because("which ids of the host they are is known only when the container starts")
            .hint("leave --userns, --uidmap and --gidmap out")),
    }
}

/// For a step that this container has no need of.
fn nothing(why: &str) -> Vec<Deed> {
    vec![Deed::new(format!("nothing to do: {why}"))]
}
