//! The one error type: what went wrong with which object, why, and what the reader can do about it.
//!
//! An error is made where the fact is known, gains context on its way up, and is printed once, by a face.
//! Text: lower case, no full stop; the object first, then the cause, then a hint that is an action.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is. A face turns it into an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The engine could not do it.
    Failed,
    /// The words typed make no sense.
    Usage,
    /// A container, image or file that was named does not exist.
    NoSuch,
    /// It exists already, or is in a state in which this cannot be done.
    Conflict,
    /// It became something else while it was looked at: who tries again may have more luck.
    Changed,
    /// This host cannot keep the wish (a limit, a user, a mount); it is never dropped in silence.
    CannotKeep,
    /// What came from outside (an archive, a JSON file) is broken or hostile.
    Damaged,
    /// A newer version of tare has written it.
    Newer,
    /// The container's command is there but cannot be executed: exit code 126.
    CannotExecute,
    /// The container's command is not there: exit code 127.
    CommandNotFound,
}

impl Kind {
    /// On the way to another process each is its place in this list. Both ends are the same program, so the order may change between
    /// versions but not within a run.
    const ALL: [Kind; 10] = [
        Kind::Failed,
        Kind::Usage,
        Kind::NoSuch,
        Kind::Conflict,
        Kind::Changed,
        Kind::CannotKeep,
        Kind::Damaged,
        Kind::Newer,
        Kind::CannotExecute,
        Kind::CommandNotFound,
    ];

    pub fn number(self) -> u8 {
        Kind::ALL.iter().position(|known| *known == self).unwrap_or(0) as u8
    }

    pub fn of_number(number: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(number)).copied()
    }
}

/// Boxed inside, so that a `Result` on the start path stays one word wide.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    what: String,
    because: Vec<String>,
    hint: Option<String>,
    errno: Option<nix_errno::Errno>,
}

/// Only the error numbers of nix: they are names, not calls into the kernel.
mod nix_errno {
    pub use nix::errno::Errno;
}

impl Error {
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, what: what.into(), because: Vec::new(), hint: None, errno: None }))
    }
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }
    pub fn no_such(what: impl Into<String>) -> Self {
        Self::new(Kind::NoSuch, what)
    }
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, what)
    }
    pub fn cannot_keep(what: impl Into<String>) -> Self {
        Self::new(Kind::CannotKeep, what)
    }
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::new(Kind::Damaged, what)
    }

    /// The cause, in words; a further call adds a cause behind the first.
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.because.push(cause.to_string());
        self
    }
    /// An action that helps. The innermost hint wins: it is the most exact.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| one_line(&hint.into()).into_owned());
        self
    }
    /// The object in whose service this failed: it comes first, and what was first becomes the cause.
    pub fn context(mut self, what: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.0.what, what.into());
        self.0.because.insert(0, inner);
        self
    }
    /// What was being done when it failed: stands before the other causes.
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        self.0.because.insert(0, what.into());
        self
    }
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
    /// The kernel's answer behind this error, where there was one.
    pub fn errno(&self) -> Option<nix::errno::Errno> {
        self.0.errno
    }
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
    /// A system call that failed, as cause.
    pub fn from_errno(what: impl Into<String>, errno: nix::errno::Errno) -> Self {
        let mut error = Self::failed(what).because(errno.desc());
        error.0.errno = Some(errno);
        error
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.0.what))?;
        for cause in &self.0.because {
            write!(f, ": {}", one_line(cause))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// What a terminal does not show but obeys: control characters, and those that turn the direction of what follows, which make a
/// name look like another one.
pub fn is_obeyed(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Names from archives and messages of libraries may hold anything, also what moves a terminal's cursor.
fn one_line(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return text.into();
    }
    text.chars()
        .map(|letter| if is_obeyed(letter) { letter.escape_default().to_string() } else { letter.to_string() })
        .collect::<String>()
        .into()
}

/// Says which object a system call or a library failed on.
pub trait Context<T> {
    fn context(self, what: impl Into<String>) -> Result<T>;
    /// The same, with the words made only when they are needed.
    fn with_context<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T>;
}

impl<T> Context<T> for Result<T, Error> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|e| e.context(what))
    }
    fn with_context<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|e| e.context(what()))
    }
}

impl<T> Context<T> for Result<T, nix::errno::Errno> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|e| Error::from_errno(what, e))
    }
    fn with_context<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|e| Error::from_errno(what(), e))
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.with_context(|| what)
    }
    fn with_context<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|e| match e.raw_os_error() {
            Some(number) => Error::from_errno(what(), nix::errno::Errno::from_raw(number)),
            None => Error::failed(what()).because(e),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_comes_first_then_the_causes() {
        let error = Error::failed("memory.max").because("no such file").context("cannot limit memory of container web1");
        assert_eq!(error.to_string(), "cannot limit memory of container web1: memory.max: no such file");
    }

    #[test]
    fn what_came_from_outside_stays_on_one_line() {
        let error = Error::damaged("entry \u{1b}[2Jx").because("line\nline");
        assert_eq!(error.to_string(), "entry \\u{1b}[2Jx: line\\nline");
    }

    #[test]
    fn a_kind_is_the_same_on_the_other_side() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_number(kind.number()), Some(kind));
        }
        assert_eq!(Kind::of_number(Kind::ALL.len() as u8), None);
    }

    #[test]
    fn the_innermost_hint_wins() {
        let error = Error::failed("a").hint("do this").context("b").hint("do that");
        assert_eq!(error.hint_text(), Some("do this"));
    }

    #[test]
    fn the_kernel_s_answer_is_kept() {
        let error = Err::<(), _>(nix::errno::Errno::ENOSPC).context("write blob").unwrap_err();
        assert_eq!(error.errno(), Some(nix::errno::Errno::ENOSPC));
        assert_eq!(error.to_string(), "write blob: No space left on device");
    }
}
