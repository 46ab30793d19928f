//! A scope of an ordinary user's own systemd, for a container and its monitor.
//!
//! ```text
//!   user@1000.service                 kept by the user's systemd
//!     tare.slice                      everything that tare runs: systemctl --user status tare.slice
//!       tare-0123456789ab.scope       given to us: controllers are handed on from here
//!         tare/monitors               the monitor, and who helps it
//!         tare/0123456789ab…          the container
//! ```
//!
//! The monitor asks for it, and is moved by systemd: from a session's group nobody else can, cgroup-v2.rst. So the end of the session
//! does not end the container, and a scope in which nobody is left goes by itself, however it was left.

use super::bus::{self, Bus};
use super::message::{Value, Words};
use super::{Group, MONITORS, home, systemd};
use crate::error::{Context, Error};
use crate::sys::{file, process};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SLICE: &str = "tare.slice";

/// What systemd shall call it.
pub struct Unit<'a> {
    pub id: &'a str,
    pub description: String,
    /// `--cgroup-parent`
    pub slice: Option<&'a str>,
}

pub enum Refusal {
    /// There is no systemd that could be asked.
    Nobody,
    Said(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Said(error)
    }
}

fn name_of(id: &str) -> String {
    format!("tare-{}.scope", &id[..id.len().min(12)])
}

/// Whether a group is called like one that we have asked for.
pub fn is_name(group: &Path) -> bool {
    let name = group.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("tare-")?.strip_suffix(".scope"));
    name.is_some_and(|id| id.len() == 12 && id.bytes().all(|letter| letter.is_ascii_hexdigit()))
}

/// Moves the calling process there, and returns the group of the scope; or of the unit in which it is, if that was given to us.
pub fn move_into_one(unit: &Unit) -> Result<PathBuf, Refusal> {
    let mut bus = bus::of_user()?.ok_or(Refusal::Nobody)?;
    let group = match home::own_unit().filter(|own| is_given(&mut bus, own)) {
        Some(own) => own,
        None => make(&mut bus, unit)?,
    };
    // Who hands controllers on has no processes of its own.
    let what = || format!("cannot live in {}", group.display());
    let leaf = Group::make_at(&group.join(MONITORS)).with_context(what)?;
    file::write_kernel_file_at(leaf.descriptor(), "cgroup.procs", &process::own_pid().to_string()).with_context(what)?;
    Ok(group)
}

/// To put nobody into it is a wish that systemd grants only where `Delegate=yes`. Marked, so that the next one need not ask.
fn is_given(bus: &mut Bus, unit: &Path) -> bool {
    let name = unit.file_name().unwrap_or_default().to_string_lossy();
    let answer = bus.call("AttachProcessesToUnit", "ssau", &Words::default().text(&name).text("/").pids(&[]));
    let is_given = matches!(answer, Ok(Ok(_)));
    if is_given {
        let _ = file::set_attribute(unit, home::GIVEN, b"1");
    }
    is_given
}

fn make(bus: &mut Bus, unit: &Unit) -> Result<PathBuf, Refusal> {
    let name = name_of(unit.id);
    let what = || format!("cannot let systemd make {name}");
    let slice = match unit.slice.map(|slice| slice.trim_start_matches('/')) {
        None => SLICE,
        Some(slice) if slice.ends_with(".slice") && !slice.contains('/') => slice,
        Some(other) => {
            let error = Error::cannot_keep(what()).because(format!("--cgroup-parent {other} is no slice"));
            return Err(error.hint("the groups of an ordinary user are kept by systemd: --cgroup-parent NAME.slice").into());
        }
    };
    start(bus, unit, &name, slice).with_context(what)?;
    let group = home::own_group().filter(|group| group.ends_with(&name));
    Ok(group.ok_or_else(|| Error::failed(what()).because("it has moved nobody into it"))?)
}

/// The scope of the run before may just be going: systemd hears a little later that nobody is left in it.
fn start(bus: &mut Bus, unit: &Unit, name: &str, slice: &str) -> crate::error::Result<()> {
    let properties = [
        ("Description", Value::Text(unit.description.clone())),
        ("Slice", Value::Text(slice.to_owned())),
        ("PIDs", Value::Pids(vec![process::own_pid() as u32])),
        ("Delegate", Value::Flag(true)),
        ("CollectMode", Value::Text("inactive-or-failed".to_owned())),
    ];
    for attempt in 0.. {
        let body = Words::default().text(name).text("fail").properties(&properties).nothing();
        match bus.call("StartTransientUnit", "ssa(sv)a(sa(sv))", &body)? {
            Ok(answer) => return systemd::end_of_job(bus, &answer),
            Err((kind, _)) if kind.ends_with(".UnitExists") && attempt < 200 => process::sleep(Duration::from_millis(20)),
            Err(refusal) => return Err(systemd::refused(refusal)),
        }
    }
    Ok(())
}

/// Lets a process of ours into the group, or as near to it as processes of ours live: from there it reaches the group itself.
pub fn let_in(group: &Path, pid: i32) -> crate::error::Result<()> {
    let what = || format!("cannot get into {}", group.display());
    let scope = group.ancestors().find(|above| above.extension().is_some_and(|kind| kind == "scope"));
    let bus = if scope.is_some() { bus::of_user()? } else { None };
    let (Some(scope), Some(mut bus)) = (scope, bus) else {
        return Err(Error::cannot_keep(what())
            .because("it is not above this session, and no systemd of yours is here that could help")
            .hint("log in as you did when you started the container"));
    };
    let leaf = scope.join(MONITORS);
    let place = if leaf.is_dir() { &leaf } else { group }.strip_prefix(scope).unwrap_or(Path::new(""));
    let name = scope.file_name().unwrap_or_default().to_string_lossy();
    let body = Words::default().text(&name).text(&format!("/{}", place.display())).pids(&[pid as u32]);
    bus.call("AttachProcessesToUnit", "ssau", &body)?.map(drop).map_err(systemd::refused).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_scopes_are_known_by_their_names() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert!(is_name(&Path::new("/sys/fs/cgroup/user.slice").join(name_of(id))));
        for other in ["tare-0123456789ab.service", "tare-.scope", "tare-nohexadecima.scope", "session-1.scope", "tare.slice"] {
            assert!(!is_name(Path::new(other)), "{other}");
        }
    }
}
