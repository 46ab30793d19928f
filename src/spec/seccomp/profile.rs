//! What a filter shall say, in words: which calls, under which conditions, get which answer.
//!
//! Both an OCI specification and Docker's profile file become a `Profile`; our own table is one from the start.

use super::architecture::Architecture;

pub const EPERM: u16 = 1;
pub const ENOSYS: u16 = 38;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile<'a> {
    /// The answer to every call that no rule matches.
    pub default: Action,
    /// Calls from programs of other kinds end the process. The kind of the host itself is always covered.
    pub architectures: Vec<Architecture>,
    pub rules: Vec<Rule<'a>>,
}

/// Several rules for one call: any of them may match. Several conditions in one rule: all of them must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    pub names: Vec<&'a str>,
    pub action: Action,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    KillThread,
    KillProcess,
    Trap,
    Errno(u16),
    Notify,
    Trace(u16),
    Log,
    Allow,
}

impl Action {
    /// What the filter returns to the kernel (SECCOMP_RET_… in linux/seccomp.h).
    pub fn verdict(self) -> u32 {
        match self {
            Action::KillProcess => 0x8000_0000,
            Action::KillThread => 0,
            Action::Trap => 0x0003_0000,
            Action::Errno(number) => 0x0005_0000 | u32::from(number),
            Action::Notify => 0x7fc0_0000,
            Action::Trace(number) => 0x7ff0_0000 | u32::from(number),
            Action::Log => 0x7ffc_0000,
            Action::Allow => 0x7fff_0000,
        }
    }

    /// The call is carried out, perhaps watched. A tracer answers for itself what it does not know.
    pub fn lets_pass(self) -> bool {
        matches!(self, Action::Allow | Action::Log | Action::Trace(_))
    }
}

/// A comparison with one argument of the call; all arguments are unsigned and 64 bits wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// 0 to 5.
    pub index: u8,
    pub compare: Compare,
    pub value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    /// Only these bits of the argument are compared.
    MaskedEqual(u64),
}

impl Rule<'_> {
    /// libseccomp compares an argument once per rule, so runc and crun read a rule that names one argument
    /// twice as several rules of one condition each. We read it the same way: any of the conditions is enough.
    pub fn alternatives(&self) -> Vec<&[Condition]> {
        let twice = (1..self.conditions.len()).any(|n| self.conditions[..n].iter().any(|other| other.index == self.conditions[n].index));
        if twice { self.conditions.chunks(1).collect() } else { vec![&self.conditions] }
    }
}
