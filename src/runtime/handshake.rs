//! What the two halves of a start say to each other, and in which order.
//!
//! ```text
//!   parent (monitor)                          child (in the new namespaces)
//!        │   clone3                                │  Born
//!        │ ──────────────────────────────────────► │
//!        │ ─ Mapped ─────────────────────────────► │  only in a new user namespace
//!        │ ◄───────────── Network (+ a namespace) ─│  only where it is wanted, and we are not root of the machine
//!        │                                         │  builds its world, steps 12 to 25
//!        │ ◄─────────────────────────────── Hooks ─│  only where the specification has some
//!        │ ─ Go on ──────────────────────────────► │
//!        │ ◄────────────────── Ready (+ terminal) ─│  Ready
//!        │ ─ Start ──────────────────────────────► │  (the strict runtime: it is on record; then again at the gate, later)
//!        │                                         │  becomes the user, steps 26 to 34
//!        │ ◄──────────────────── Filter(+ a pipe) ─│  only where calls are left to an agent
//!        │ ─ Go on ──────────────────────────────► │
//!        │ ◄──── the socket closes: exec took place │  Started
//!
//!   at any time:  ◄── Failed{step, what, errno} ── │  and the child ends
//! ```
//!
//! Where the parent cannot make the child itself, a cloner does (`cloner.rs`), and says Born with its pid on a socket of its own.
//! `run` says Start before it hears Ready: the socket keeps it, and nobody waits. The child never prints.

use crate::error::{Error, Kind};
use crate::sys::Errno;
use crate::trace::Step;

/// From the child, or from the cloner before it.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    Born(i32),
    /// With its network namespace, which nobody may take from /proc who is not root of the machine: it hides from tracers.
    Network,
    /// The mounts are there and the root is not yet entered: the moment for hooks of the host. Said only where there are any.
    Hooks,
    Ready,
    /// The filter is loaded next, and its descriptor for the agent will have this number (`agent.rs`).
    Filter(i32),
    Failed(Failure),
}

/// At which step, doing what, with which answer of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub step: Step,
    pub errno: Errno,
    /// `mount /data: …`; for a failed execution the command alone.
    pub what: String,
}

/// The child goes on when it reads this.
pub const START: &[u8] = b"S";
/// Its users are mapped: the first word of all, where it is in a new user namespace.
pub const MAPPED: &[u8] = b"M";
/// The hooks have been run.
pub const GO_ON: &[u8] = b"G";
/// Behind the word stands the container's state, for hooks that the child runs.
pub fn with_state(word: &[u8], state: &str) -> Vec<u8> {
    [word, state.as_bytes()].concat()
}
/// Bounded by what an engine writes into annotations.
pub const LONGEST_STATE: usize = 128 << 10;

/// No word is longer.
pub const LONGEST: usize = 4096;

impl Word {
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Word::Born(pid) => [&b"B"[..], &pid.to_le_bytes()].concat(),
            Word::Network => vec![b'N'],
            Word::Hooks => vec![b'H'],
            Word::Ready => vec![b'R'],
            Word::Filter(number) => [&b"L"[..], &number.to_le_bytes()].concat(),
            Word::Failed(failure) => {
                let mut bytes = vec![b'F', failure.step.number()];
                bytes.extend((failure.errno as i32).to_le_bytes());
                let mut end = failure.what.len().min(LONGEST - bytes.len());
                while !failure.what.is_char_boundary(end) {
                    end -= 1;
                }
                bytes.extend(&failure.what.as_bytes()[..end]);
                bytes
            }
        }
    }

    /// `None`: not a word of ours.
    pub fn decode(bytes: &[u8]) -> Option<Word> {
        match bytes {
            [b'B', a, b, c, d] => Some(Word::Born(i32::from_le_bytes([*a, *b, *c, *d]))),
            [b'N'] => Some(Word::Network),
            [b'H'] => Some(Word::Hooks),
            [b'R'] => Some(Word::Ready),
            [b'L', a, b, c, d] => Some(Word::Filter(i32::from_le_bytes([*a, *b, *c, *d]))),
            [b'F', step, a, b, c, d, what @ ..] => Some(Word::Failed(Failure {
                step: Step::from_number(*step)?,
                errno: Errno::from_raw(i32::from_le_bytes([*a, *b, *c, *d])),
                what: std::str::from_utf8(what).ok()?.to_owned(),
            })),
            _ => None,
        }
    }
}

/// Where a start stands, seen from the parent: words that come out of order are a fault of ours, and end the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Born,
    HooksDue,
    Ready,
    AgentDue(i32),
    Started,
    Failed,
}

impl Stage {
    /// What follows after a word; `None` stands for the socket's end.
    pub fn after(self, word: Option<&Word>) -> Option<Stage> {
        match (self, word) {
            (Stage::Born, Some(Word::Network)) => Some(Stage::Born),
            (Stage::Born, Some(Word::Hooks)) => Some(Stage::HooksDue),
            (Stage::Born | Stage::HooksDue, Some(Word::Ready)) => Some(Stage::Ready),
            (Stage::Ready, Some(Word::Filter(number))) => Some(Stage::AgentDue(*number)),
            (Stage::Ready | Stage::AgentDue(_), None) => Some(Stage::Started),
            (Stage::Born | Stage::HooksDue | Stage::Ready | Stage::AgentDue(_), Some(Word::Failed(_))) => Some(Stage::Failed),
            _ => None,
        }
    }
}

impl Failure {
    /// The same in words for a person. A command that is not there or cannot be executed is the user's matter, and has
    /// exit codes of its own; everything else is ours and says at which step.
    pub fn into_error(self) -> Error {
        if (self.step, self.errno) == (Step::FindUser, Errno::EINVAL) {
            return Error::no_such(self.what)
                .hint("ids to give away stand in /etc/subuid and /etc/subgid: sudo usermod --add-subuids, --add-subgids");
        }
        if self.step == Step::FindUser {
            let file =
                if self.what.starts_with("no group") { "a group of the image's /etc/group" } else { "a user of the image's /etc/passwd" };
            return Error::no_such(self.what).hint(format!("name {file}, or a number"));
        }
        if self.step == Step::TuneKernel {
            let error = Error::from_errno(format!("cannot {}", self.what), self.errno).of_kind(Kind::CannotKeep);
            return match self.errno {
                Errno::ENOENT => error.hint("this kernel has no such setting for containers: look for it below /proc/sys inside one"),
                _ => error.hint("the kernel does not take this value"),
            };
        }
        if self.step == Step::SetProcessLimits && matches!(self.errno, Errno::EACCES | Errno::EPERM) {
            return Error::cannot_keep(format!("cannot {}", self.what))
                .because("tare itself may not: it has no CAP_SYS_RESOURCE here")
                .hint("ask for no more than tare itself has, or leave it out");
        }
        if self.step != Step::Execute && self.step != Step::EnterDirectory {
            return Error::from_errno(format!("failed at {}", self.step.place()), self.errno).doing(self.what);
        }
        if self.step == Step::EnterDirectory {
            let error = Error::new(Kind::CannotExecute, format!("cannot enter working directory {}", self.what));
            return error.because(self.errno.desc());
        }
        let what = format!("cannot execute {}", self.what);
        match self.errno {
            Errno::ENOENT if self.what.contains('/') => {
                Error::new(Kind::CommandNotFound, what).because("no such file in the container, or its interpreter is missing there")
            }
            Errno::ENOENT if self.what.starts_with('-') => Error::new(Kind::CommandNotFound, what)
                .because("not found in the container's PATH")
                .hint("flags of tare stand before the image's name; what comes behind it is the command"),
            Errno::ENOENT => Error::new(Kind::CommandNotFound, what).because("not found in the container's PATH"),
            Errno::ENOEXEC => Error::new(Kind::CannotExecute, what)
                .because("not a program for this machine")
                .hint("check the image's architecture, or that a script begins with #!"),
            Errno::EACCES => Error::new(Kind::CannotExecute, what)
                .because("permission denied")
                .hint("it must be a file with the executable bit set for the user"),
            errno => Error::new(Kind::CannotExecute, what).because(errno.desc()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure { step: Step::EnterRoot, errno: Errno::EINVAL, what: "pivot_root(\".\", \".\")".into() }
    }

    #[test]
    fn words_survive_the_way() {
        for word in [Word::Born(1 << 22), Word::Hooks, Word::Ready, Word::Filter(7), Word::Failed(failure())] {
            assert_eq!(Word::decode(&word.encode()), Some(word));
        }
        let long = Word::Failed(Failure { what: "ä".repeat(5000), ..failure() });
        assert!(long.encode().len() <= LONGEST);
        assert!(Word::decode(&long.encode()).is_some());
    }

    #[test]
    fn the_sealed_program_names_the_same_step() {
        let source = include_str!("../init/reaper.rs");
        assert!(source.contains(&format!("const STEP_EXECUTE: u8 = {};", Step::Execute.number())));
        assert!(source.contains(&format!("const STEP_CHANGE_IDENTITY: u8 = {};", Step::ChangeIdentity.number())));
    }

    #[test]
    fn garbage_is_no_word() {
        for bytes in
            [&b""[..], b"R!", b"B", b"B\x01", b"F", b"F\x00\x00\x00\x00\x00", b"F\xff\x01\x00\x00\x00", b"F\x01\x01\x00\x00\x00\xff"]
        {
            assert_eq!(Word::decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_drawn_order_is_legal() {
        let failed = Word::Failed(failure());
        assert_eq!(Stage::Born.after(Some(&Word::Ready)), Some(Stage::Ready));
        assert_eq!(Stage::Ready.after(None), Some(Stage::Started));
        assert_eq!(Stage::Born.after(Some(&failed)), Some(Stage::Failed));
        assert_eq!(Stage::Ready.after(Some(&failed)), Some(Stage::Failed));
        assert_eq!(Stage::Born.after(Some(&Word::Hooks)), Some(Stage::HooksDue));
        assert_eq!(Stage::HooksDue.after(Some(&Word::Ready)), Some(Stage::Ready));
        assert_eq!(Stage::Ready.after(Some(&Word::Filter(5))), Some(Stage::AgentDue(5)));
        assert_eq!(Stage::AgentDue(5).after(None), Some(Stage::Started));
        assert_eq!(Stage::AgentDue(5).after(Some(&Word::Filter(6))), None);
        assert_eq!(Stage::Born.after(Some(&Word::Filter(5))), None);
        assert_eq!(Stage::Ready.after(Some(&Word::Hooks)), None);
        assert_eq!(Stage::Born.after(None), None);
        assert_eq!(Stage::Born.after(Some(&Word::Born(7))), None, "the cloner's word, on the child's socket");
        assert_eq!(Stage::Ready.after(Some(&Word::Ready)), None);
        assert_eq!(Stage::Started.after(None), None);
    }

    #[test]
    fn a_failure_says_where_and_why() {
        let text = failure().into_error().to_string();
        assert_eq!(text, "failed at step 16 of 34, make the new root the only root: pivot_root(\".\", \".\"): Invalid argument");
    }
}
