//! Tables, chains and rules as messages.

use super::expressions::Expressions;
use super::{Family, message};
use crate::sys::netlink::message::{APPEND, CREATE, EXCLUSIVE, Message};

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;

/// Every kind of object says first in which table it is.
pub(super) const TABLE: u16 = 1;

/// One of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub family: Family,
    pub name: String,
}

/// Where on its way a packet meets a chain, and when among other chains there: the lowest number is the first.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    pub kind: &'static str,
    pub place: u32,
    pub priority: i32,
}

/// NF_INET_…: before it is known where a packet goes, for this host, for another one, from this host, and when all is said.
pub const PREROUTING: u32 = 0;
pub const INPUT: u32 = 1;
pub const FORWARD: u32 = 2;
pub const OUTPUT: u32 = 3;
pub const POSTROUTING: u32 = 4;

impl Table {
    pub(super) fn message(&self, kind: u16, flags: u16) -> Message {
        message(kind, flags, self.family as u8).text(TABLE, &self.name)
    }

    /// One that is there already is fine.
    pub fn make(&self) -> Message {
        self.message(NEW_TABLE, CREATE)
    }
    /// With everything in it.
    pub fn remove(&self) -> Message {
        self.message(DELETE_TABLE, 0)
    }

    /// It must not be there yet: rules are always added, so whoever makes a chain must know that he alone fills it.
    pub fn chain(&self, name: &str, hook: Option<Hook>) -> Message {
        const NAME: u16 = 3;
        const HOOK: u16 = 4;
        const TYPE: u16 = 7;
        let message = self.message(NEW_CHAIN, CREATE | EXCLUSIVE).text(NAME, name);
        let Some(hook) = hook else { return message };
        let place = |inner: Message| inner.number_of_nftables(1, hook.place).number_of_nftables(2, hook.priority as u32);
        message.nest(HOOK, place).text(TYPE, hook.kind)
    }

    /// `why` is shown by `nft list ruleset`.
    pub fn rule(&self, chain: &str, why: &str, expressions: &Expressions) -> Message {
        const CHAIN: u16 = 2;
        const EXPRESSIONS: u16 = 4;
        const USER_DATA: u16 = 7;
        let message = self.message(NEW_RULE, CREATE | APPEND).text(CHAIN, chain);
        message.nest(EXPRESSIONS, |inner| expressions.write(inner)).bytes(USER_DATA, &comment(why))
    }
}

/// As nft writes it: kind 0, length, text with a zero at its end.
pub fn comment(text: &str) -> Vec<u8> {
    [&[0, text.len() as u8 + 1], text.as_bytes(), &[0]].concat()
}
