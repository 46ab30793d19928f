//! A group that systemd makes and knows: a transient scope (systemd.scope(5)), for hosts on which it owns the whole tree.
//!
//! A scope cannot be empty, and a container is born into a group that is there already. So a process of ours holds the place until
//! the container is in it. What stands in the group's files is told to systemd, too, which writes it again whenever it likes.

use super::bus::{self, Bus, Refusal};
use super::message::{Value, Words};
use super::{Group, home};
use crate::error::{Context, Error, Result};
use crate::spec::number_list::NumberList;
use crate::sys::process::{self, Forked};
use crate::sys::{Errno, file, signal, user_namespace};
use oci_spec::runtime::LinuxResources;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

const PRIVATE_SOCKET: &str = "/run/systemd/private";
/// sd_booted(3).
const RUNS: &str = "/run/systemd/system";

/// `slice:prefix:name` of a specification.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    slice: String,
    scope: String,
}

/// A scope that is there, and held.
pub struct Scope {
    pub name: String,
    place_holder: Option<PlaceHolder>,
}

/// Ends when we let go of it, or are killed.
struct PlaceHolder {
    pid: i32,
    pidfd: OwnedFd,
}

impl Scope {
    /// Makes the group, with every limit but that of processes: our own is still in it.
    pub fn make(path: Option<&Path>, id: &str, resources: &LinuxResources) -> Result<(Group, Scope)> {
        let mut bus = connect().context("cannot let systemd make the control group")?;
        let names = Names::parse(path, id)?;
        let what = || format!("cannot let systemd make {}", names.scope);
        let place_holder = PlaceHolder::new().with_context(what)?;
        let properties = [
            ("Description", Value::Text(format!("container {id}"))),
            ("Slice", Value::Text(names.slice.clone())),
            ("PIDs", Value::Pids(vec![place_holder.pid as u32])),
            ("Delegate", Value::Flag(true)),
            ("DefaultDependencies", Value::Flag(false)),
            // Nobody looks at a scope that has failed (a process was killed for want of memory): it goes like any other.
            ("CollectMode", Value::Text("inactive-or-failed".to_owned())),
        ];
        let body = Words::default().text(&names.scope).text("fail").properties(&properties).nothing();
        run(&mut bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body).with_context(what)?;
        let mut scope = Scope { name: names.scope.clone(), place_holder: Some(place_holder) };
        let made = scope.group().and_then(|mut group| {
            let mut without_pids = resources.clone();
            without_pids.set_pids(None);
            group.limit(&without_pids)?;
            tell(&mut bus, &scope.name, &group)?;
            Ok(group)
        });
        if made.is_err() {
            scope.place_holder = None;
            let _ = stop(&scope.name);
        }
        made.with_context(what).map(|group| (group, scope))
    }

    /// Where systemd has put the one who holds the place.
    fn group(&self) -> Result<Group> {
        let pid = self.place_holder.as_ref().map_or(0, |holder| holder.pid);
        let path = home::group_of(&pid.to_string()).filter(|path| path.ends_with(&self.name));
        let path = path.ok_or_else(|| Error::failed("cannot find the group").because("systemd has put nobody into it"))?;
        Group::open(&path).ok_or_else(|| Error::failed(format!("cannot open the group {}", path.display())))
    }

    /// The container is in it: nobody has to hold the place any more, and only its own processes are counted.
    pub fn release(mut self, group: &mut Group, resources: &LinuxResources) -> Result<()> {
        self.place_holder = None;
        let Some(pids) = resources.pids() else { return Ok(()) };
        let mut only_pids = LinuxResources::default();
        only_pids.set_pids(Some(*pids));
        group.limit(&only_pids)?;
        tell(&mut connect()?, &self.name, group)
    }
}

/// Tells systemd of the limits of a group that have changed.
pub fn tell_of(scope: &str, group: &Group) -> Result<()> {
    tell(&mut connect()?, scope, group)
}

fn tell(bus: &mut Bus, scope: &str, group: &Group) -> Result<()> {
    let properties = properties(|name| file::read_at(group.descriptor(), name).ok());
    let body = Words::default().text(scope).flag(true).properties(&properties);
    bus.call("SetUnitProperties", "sba(sv)", &body)?.map(drop).map_err(refused).with_context(|| format!("cannot limit {scope}"))
}

/// Ends it with all that is in it. That it is gone already is what is wanted.
pub fn stop(scope: &str) -> Result<()> {
    let mut bus = connect()?;
    match bus.call("StopUnit", "ss", &Words::default().text(scope).text("replace"))? {
        Ok(answer) => bus.wait_for(answer.first().map_or("", String::as_str)).map(drop),
        Err((name, _)) if name.ends_with(".NoSuchUnit") => Ok(()),
        Err(refusal) => Err(refused(refusal)),
    }
    .with_context(|| format!("cannot let systemd stop {scope}"))
}

pub fn runs_here() -> bool {
    Path::new(RUNS).is_dir()
}

/// That of the machine for its root, an ordinary user's own for him.
fn connect() -> Result<Bus> {
    if !user_namespace::is_machine_s_root() {
        let nobody = || Error::cannot_keep("no systemd of yours can be reached").hint("log in, or sudo loginctl enable-linger YOU");
        return bus::of_user()?.ok_or_else(nobody);
    }
    if !runs_here() {
        return Err(Error::cannot_keep("systemd does not run here").because(format!("there is no {RUNS}")).hint("use cgroupfs"));
    }
    Bus::connect(Path::new(PRIVATE_SOCKET))
}

/// A call that begins a job, to the job's end.
fn run(bus: &mut Bus, member: &str, signature: &str, body: &Words) -> Result<()> {
    let answer = bus.call(member, signature, body)?.map_err(refused)?;
    end_of_job(bus, &answer)
}

pub(super) fn end_of_job(bus: &mut Bus, answer: &[String]) -> Result<()> {
    match bus.wait_for(answer.first().map_or("", String::as_str))?.as_str() {
        "done" => Ok(()),
        other => Err(Error::failed(format!("systemd's job has ended as {other:?}"))),
    }
}

pub(super) fn refused((name, text): Refusal) -> Error {
    Error::failed(if text.is_empty() { name } else { text })
}

impl Names {
    fn parse(path: Option<&Path>, id: &str) -> Result<Names> {
        let text = path.map_or("::", |path| path.to_str().unwrap_or_default());
        let wrong = || Error::damaged(format!("cgroupsPath {text:?} is not slice:prefix:name")).because("systemd makes the group");
        let [slice, prefix, name] = text.split(':').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let (prefix, name) = if path.is_none() { ("tare", id) } else { (prefix, name) };
        let usual = if user_namespace::is_machine_s_root() { "system.slice" } else { "user.slice" };
        let slice = if slice.is_empty() { usual } else { slice };
        let stem = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}-{name}") };
        let stem = stem.strip_suffix(".scope").unwrap_or(&stem);
        // systemd.unit(5) has few letters for names, and the kernel 255 for those of directories.
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-\\@".contains(&byte)) && text.len() < 240;
        if name.is_empty() || !is_name(stem) || !is_name(slice) || !slice.ends_with(".slice") || name.ends_with(".slice") {
            return Err(wrong());
        }
        Ok(Names { slice: slice.to_owned(), scope: format!("{stem}.scope") })
    }
}

impl PlaceHolder {
    fn new() -> Result<PlaceHolder, Errno> {
        let maker = process::own_pid();
        match process::clone3(0, None)? {
            Forked::Parent { pid, pidfd } => Ok(PlaceHolder { pid, pidfd }),
            Forked::Child => {
                // Asked too late, nobody is told any more; but then somebody else is the parent.
                let asked = process::die_with_parent();
                while asked.is_ok() && std::os::unix::process::parent_id() == maker as u32 {
                    process::sleep(Duration::from_secs(3600));
                }
                process::exit_now(0)
            }
        }
    }
}

impl Drop for PlaceHolder {
    fn drop(&mut self) {
        let _ = signal::send(self.pidfd.as_fd(), signal::KILL);
        let _ = process::wait(self.pid);
    }
}

/// What stands in a group's files, as systemd.resource-control(5) calls it on the bus.
fn properties(read: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, Value)> {
    let number = |text: &str| if text == "max" { Some(u64::MAX) } else { text.parse().ok() };
    let mut properties = Vec::new();
    for (file, name) in [
        ("memory.max", "MemoryMax"),
        ("memory.low", "MemoryLow"),
        ("memory.high", "MemoryHigh"),
        ("memory.swap.max", "MemorySwapMax"),
        ("pids.max", "TasksMax"),
        ("cpu.weight", "CPUWeight"),
    ] {
        properties.extend(read(file).and_then(|text| number(text.trim())).map(|number| (name, Value::Number(number))));
    }
    let processors = read("cpu.max").unwrap_or_default();
    if let Some((quota, Ok(period))) = processors.trim().split_once(' ').map(|(quota, period)| (quota, period.parse::<u64>())) {
        let in_a_second = number(quota).map_or(u64::MAX, |quota| if quota == u64::MAX { quota } else { quota * 1_000_000 / period.max(1) });
        properties.push(("CPUQuotaPerSecUSec", Value::Number(in_a_second)));
        properties.push(("CPUQuotaPeriodUSec", Value::Number(period)));
    }
    for (file, name) in [("cpuset.cpus", "AllowedCPUs"), ("cpuset.mems", "AllowedMemoryNodes")] {
        let list = read(file).and_then(|text| NumberList::parse(text.trim()));
        properties.extend(list.map(|list| (name, Value::Bits(list.bits()))));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_runc() {
        let parse = |text: &str| Names::parse(Some(Path::new(text)), "id").ok().map(|names| (names.slice, names.scope));
        let both = |slice: &str, scope: &str| Some((slice.to_owned(), scope.to_owned()));
        assert_eq!(parse("a-b.slice:runc:1"), both("a-b.slice", "runc-1.scope"));
        assert_eq!(parse(":libpod:x"), both("system.slice", "libpod-x.scope"));
        assert_eq!(parse("::x"), both("system.slice", "x.scope"));
        assert_eq!(Names::parse(None, "id").unwrap().scope, "tare-id.scope");
        for bad in ["", "/a/b", "a:b", "a.slice:b:", "a:b:c", "a.slice:b:c:d", "a.slice:b/../x:c", ":b:c.slice", "::a b"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_files_become_properties() {
        let files = [
            ("memory.max", "1000\n"),
            ("pids.max", "max\n"),
            ("cpu.max", "50000 100000\n"),
            ("cpuset.cpus", "0,9\n"),
            ("cpuset.mems", "\n"),
        ];
        let made = properties(|name| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned()));
        let number = |name, number| (name, Value::Number(number));
        assert_eq!(
            made,
            [
                number("MemoryMax", 1000),
                number("TasksMax", u64::MAX),
                number("CPUQuotaPerSecUSec", 500_000),
                number("CPUQuotaPeriodUSec", 100_000),
                ("AllowedCPUs", Value::Bits(vec![1, 2])),
            ]
        );
    }
}
