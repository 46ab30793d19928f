//! A new user namespace for an ordinary user: with all ids that are his to give, or with himself alone.

use crate::error::{Context, Error, Result};
use crate::rootless::find::Ids;
use crate::rootless::obstacles;
use crate::rootless::ranges;
use crate::rootless::who::{self, Who};
use crate::sys::user_namespace::{self, Range, Unmapped};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

pub struct Made {
    pub namespace: OwnedFd,
    pub kind: Ids,
    pub note: Option<Error>,
}

/// Who the user and his further ids are inside.
#[derive(Clone, Copy)]
pub enum Inside {
    /// He is root, and they follow.
    Root,
    /// All are who they are outside.
    Themselves,
}

impl Inside {
    fn map(self, own: u32, further: &[ranges::Owned]) -> Vec<Range> {
        match self {
            Inside::Root => ranges::map(own, further),
            Inside::Themselves => ranges::map_to_themselves(own, further),
        }
    }
}

pub fn make(who: &Who, inside: Inside) -> Result<Made> {
    let unmapped = Unmapped::new().context("cannot make a user namespace").map_err(obstacles::explain)?;
    let programs = who::find_program(who::NEWUIDMAP).zip(who::find_program(who::NEWGIDMAP));
    let (kind, note) = match programs {
        Some((uids, gids)) if who.has_ranges() => {
            write_map(&uids, unmapped.pid, &inside.map(who.uid, &who.uids))?;
            write_map(&gids, unmapped.pid, &inside.map(who.gid, &who.gids))?;
            (Ids::Many, obstacles::why_few_ids(who))
        }
        found => {
            let (uid, gid) = (inside.map(who.uid, &[]), inside.map(who.gid, &[]));
            user_namespace::write_own_map(unmapped.pid, &uid, &gid).context("cannot map our own user").map_err(obstacles::explain)?;
            (Ids::One, Some(obstacles::why_one_id(who, found.is_some())))
        }
    };
    let namespace = unmapped.hold().context("cannot hold the user namespace")?;
    Ok(Made { namespace, kind, note })
}

/// By a program that may: it looks into /etc/subuid itself.
fn write_map(program: &Path, pid: i32, map: &[Range]) -> Result<()> {
    let numbers = map.iter().flat_map(|(inside, outside, count)| [inside, outside, count]).map(u32::to_string);
    let called = program.display();
    let ran = Command::new(program).arg(pid.to_string()).args(numbers).stdin(Stdio::null()).output();
    let output = ran.map_err(|error| Error::failed(format!("cannot run {called}")).because(error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().rsplit('\n').next().unwrap_or_default().to_owned();
    Err(obstacles::of_program(program, Error::failed("cannot map the ids of /etc/subuid and /etc/subgid").because(said)))
}
