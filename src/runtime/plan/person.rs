//! One process of a container, as the kernel wants it told: words with a zero at their end, numbers, masks.

use crate::error::{Error, Result};
use crate::runtime::filter::Filter;
use crate::runtime::impossible;
use crate::runtime::labels::Label;
use crate::runtime::placement::{Affinity, Placement};
use crate::sys::identity::{self, Capabilities};
use crate::sys::terminal::Size;
use oci_spec::runtime::{Capability, Process};
use std::collections::HashSet;
use std::ffi::CString;
use std::path::Path;

/// What one process of a container shall be: the first one, or one that enters later.
pub struct Person<'a> {
    pub args: Vec<CString>,
    pub env: Vec<CString>,
    pub cwd: &'a Path,
    /// As typed, to be looked up in the container; `None`: the numbers of the spec.
    pub user: Option<&'a str>,
    pub uid: u32,
    pub gid: u32,
    pub groups: &'a [u32],
    /// Names and numbers of further groups, to be looked up with the user.
    pub further_groups: &'a [String],
    pub capabilities: Capabilities,
    /// Number, soft, hard.
    pub limits: Vec<(u32, u64, u64)>,
    pub oom_score_adj: Option<i32>,
    pub no_new_privileges: bool,
    pub umask: Option<u32>,
    pub placement: Placement,
    /// Only of one that enters.
    pub affinity: Affinity,
    /// So many descriptors from 3 on are the user's.
    pub preserved: i32,
    pub terminal: bool,
    pub terminal_size: Option<Size>,
    pub filter: Filter,
    pub label: Option<Label>,
}

impl<'a> Person<'a> {
    pub fn new(process: &'a Process, user: Option<&'a str>, filter: Filter) -> Result<Person<'a>> {
        let args = process.args().as_deref().unwrap_or_default();
        if args.is_empty() {
            return Err(Error::usage("no command to execute"));
        }
        impossible::check_process(process)?;
        Ok(Person {
            args: c_strings(args, "command")?,
            env: c_strings(process.env().as_deref().unwrap_or_default(), "environment")?,
            cwd: process.cwd(),
            user,
            uid: process.user().uid(),
            gid: process.user().gid(),
            groups: process.user().additional_gids().as_deref().unwrap_or_default(),
            further_groups: &[],
            capabilities: process.capabilities().as_ref().map(capabilities).unwrap_or_default(),
            limits: limits(process)?,
            oom_score_adj: process.oom_score_adj(),
            no_new_privileges: process.no_new_privileges().unwrap_or(false),
            umask: process.user().umask(),
            placement: Placement::new(process, None, None)?,
            affinity: Affinity::new(process)?,
            preserved: 0,
            terminal: process.terminal().unwrap_or(false),
            terminal_size: process.console_size().map(|size| Size { rows: size.height() as u16, columns: size.width() as u16 }),
            filter,
            label: Label::of_process(process)?,
        })
    }
}

fn c_strings(words: &[String], what: &str) -> Result<Vec<CString>> {
    let convert = |word: &String| CString::new(word.as_bytes()).map_err(|_| Error::usage(format!("{what} has a zero byte in {word:?}")));
    words.iter().map(convert).collect()
}

fn capabilities(sets: &oci_spec::runtime::LinuxCapabilities) -> Capabilities {
    let mask = |set: &Option<HashSet<Capability>>| set.iter().flatten().fold(0, |mask, capability| mask | bit(*capability));
    Capabilities {
        bounding: mask(sets.bounding()),
        effective: mask(sets.effective()),
        permitted: mask(sets.permitted()),
        inheritable: mask(sets.inheritable()),
        ambient: mask(sets.ambient()),
    }
}

/// One that this program's tables do not know cannot be given.
fn bit(capability: Capability) -> u64 {
    format!("CAP_{capability}").parse::<caps::Capability>().map_or(0, |capability| capability.bitmask())
}

fn limits(process: &Process) -> Result<Vec<(u32, u64, u64)>> {
    let wanted = process.rlimits().as_deref().unwrap_or_default();
    let limit = |limit: &oci_spec::runtime::PosixRlimit| {
        let name = limit.typ().to_string();
        let number = identity::rlimit_number(&name).ok_or_else(|| Error::cannot_keep(format!("unknown limit {name}")))?;
        Ok((number, limit.soft(), limit.hard()))
    };
    wanted.iter().map(limit).collect()
}
