//! Where our groups may lie: for root of the machine below its top, for anybody else below a group that was given to him.
//!
//! A group is given away by giving somebody its directory ("Delegation" in the kernel's cgroup-v2.rst): a service with `Delegate=yes`
//! has one, a container that may keep groups has one. Nothing is noted down: whoever asks looks at the group that he is in, and upwards
//! as far as it is his. A monitor that systemd has moved into a scope finds the scope so, and all that it starts does, too.

use super::own_scope::{self, Unit};
use super::{hints, mount_point};
use crate::error::{Error, Result};
use crate::sys::{file, identity, user_namespace};
use std::path::{Path, PathBuf};

/// The group below which all of ours are made. `None`: we have none.
pub fn top() -> Option<PathBuf> {
    match user_namespace::is_machine_s_root() {
        true => mount_point().map(Path::to_owned),
        false => given(),
    }
}

/// The same for a new container, and if it has to be asked for: then the calling process moves there, too.
pub fn top_for(unit: &Unit) -> Result<PathBuf> {
    let none = || Error::cannot_keep("cannot limit the container");
    if mount_point().is_none() {
        return Err(none().because("this host has no cgroup v2 mounted"));
    }
    match top() {
        Some(top) => Ok(top),
        None if user_namespace::is_machine_s_root() => Err(none().because("this host has no cgroup v2 mounted")),
        None => own_scope::move_into_one(unit).map_err(|error| match error {
            own_scope::Refusal::Nobody => nobody_gives_one(none()),
            own_scope::Refusal::Said(error) => error.context("cannot limit the container"),
        }),
    }
}

/// For `info`: where groups of containers come from here.
#[derive(Debug)]
pub enum Source {
    Given(PathBuf),
    /// A scope for each, by the systemd whose own group this is.
    Systemd(PathBuf),
    Nobody(Error),
}

impl Source {
    /// Of somebody who is not root of the machine.
    pub fn of_user() -> Source {
        let none = || Error::cannot_keep("containers have no groups");
        match (given(), mount_point()) {
            (Some(group), _) => Source::Given(group),
            (None, None) => Source::Nobody(none().because("this host has no cgroup v2 mounted")),
            (None, Some(top)) => {
                let uid = user_namespace::outside(identity::own_uid()).unwrap_or_default();
                let systemd = top.join(format!("user.slice/user-{uid}.slice/user@{uid}.service"));
                match super::bus::of_user() {
                    Ok(Some(_)) => Source::Systemd(systemd),
                    Ok(None) => Source::Nobody(nobody_gives_one(none())),
                    Err(error) => Source::Nobody(error),
                }
            }
        }
    }

    pub fn controllers(&self) -> Vec<String> {
        let text = match self {
            Source::Given(group) | Source::Systemd(group) => std::fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default(),
            Source::Nobody(_) => String::new(),
        };
        text.split_whitespace().map(str::to_owned).collect()
    }
}

fn nobody_gives_one(error: Error) -> Error {
    if hints::is_in_v1("memory") {
        return error
            .because("this host keeps its controllers in cgroup v1, which gives nothing away to users")
            .hint("boot with systemd.unified_cgroup_hierarchy=1, or do without limits");
    }
    match super::systemd::runs_here() {
        true => error.because("no control group is given to you, and no systemd of yours runs, which could give one").hint(format!(
            "log in (ssh, a console, or sudo machinectl shell {name}@), or: sudo loginctl enable-linger {name}",
            name = our_name()
        )),
        false => error
            .because("no control group is given to you")
            .hint("as root: make one, give its directory and cgroup.procs, cgroup.subtree_control and cgroup.threads in it to the user, and put his shell into it"),
    }
}

/// For a line that root shall type.
fn our_name() -> String {
    let uid = user_namespace::outside(identity::own_uid()).unwrap_or_default();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    };
    passwd.lines().find_map(of_line).unwrap_or_else(|| uid.to_string())
}

/// The highest group above us that is ours, unless it is that of a systemd, which keeps what is below it.
fn given() -> Option<PathBuf> {
    let top = mount_point()?;
    let mut group = own_group()?;
    while is_ours(&group) {
        let above = group.parent().filter(|above| group != top && is_ours(above));
        match above {
            Some(above) if !is_given(&group) => group = above.to_owned(),
            _ => return (!group.join("init.scope").is_dir()).then_some(group),
        }
    }
    None
}

/// Where this process is.
pub fn own_group() -> Option<PathBuf> {
    group_of("self")
}

/// Where a process is; `None`: outside of what we see.
pub fn group_of(pid: &str) -> Option<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let path = mount_point()?.join(path);
    path.is_dir().then_some(path).filter(|path| !path.components().any(|part| part.as_os_str() == ".."))
}

/// Its directory, to make groups in, and the file that lets processes in.
fn is_ours(group: &Path) -> bool {
    file::may_write(group) && file::may_write(&group.join("cgroup.procs"))
}

/// Systemd of an ordinary user owns all that he has. What is not its own any more it marks (or not: 252), or it told us so when we
/// asked. Scopes that we asked for we know by their names.
fn is_given(group: &Path) -> bool {
    file::has_attribute(group, "user.delegate") || file::has_attribute(group, GIVEN) || own_scope::is_name(group)
}

/// Our own mark on such a group.
pub const GIVEN: &str = "user.tare.given";

/// The unit in which we are, if the user's own systemd has made it.
pub fn own_unit() -> Option<PathBuf> {
    let own = own_group()?;
    let is_unit = |path: &&Path| path.extension().is_some_and(|kind| kind == "service" || kind == "scope");
    own.ancestors().find(is_unit).filter(|unit| is_ours(unit) && !unit.join("init.scope").is_dir()).map(Path::to_owned)
}

/// Whether a process of ours can be put into a group: the kernel asks for power over what lies above both where it is and where it
/// shall be, which nobody but root has over the groups of sessions.
pub fn reaches(group: &Path) -> bool {
    user_namespace::is_machine_s_root() || own_group().is_none_or(|own| has_power_over_what_lies_above(&own, group))
}

fn has_power_over_what_lies_above(one: &Path, other: &Path) -> bool {
    let common = other.ancestors().find(|above| one.starts_with(above));
    common.is_some_and(|common| file::may_write(&common.join("cgroup.procs")))
}
