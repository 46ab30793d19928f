//! How a step of the child fails: with its name, the kernel's answer, and the call in words that are made only when they are needed.

use crate::runtime::handshake::Failure;
use crate::sys::Errno;
use crate::trace::Step;

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
