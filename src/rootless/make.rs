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

pub fn make(who: &Who) -> Result<Made> {
    let unmapped = Unmapped::new().context("cannot make a user namespace").map_err(obstacles::explain)?;
    let programs = who::find_program(who::NEWUIDMAP).zip(who::find_program(who::NEWGIDMAP));
    let (kind, note) = match programs {
        Some((uids, gids)) if who.has_ranges() => {
            write_map(&uids, unmapped.pid, &ranges::map(who.uid, &who.uids))?;
            write_map(&gids, unmapped.pid, &ranges::map(who.gid, &who.gids))?;
            (Ids::Many, obstacles::why_few_ids(who))
        }
        found => {
            user_namespace::write_own_map(unmapped.pid).context("cannot map our own user").map_err(obstacles::explain)?;
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
