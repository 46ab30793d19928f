//! Image, wishes and facts of this machine become an OCI runtime spec: the whole description of a container, for the runtime.
//!
//! It stands on the way of every start, so the spec's types are filled directly; nothing goes through JSON.

pub use crate::spec::command::{command, known_init};
pub use crate::spec::image_words::ImageWords;
pub use crate::spec::mounts::place_of;

use crate::error::{Error, Result};
use crate::options::clocks;
use crate::options::mounts::clean_path;
use crate::options::users::{self, Who};
use crate::options::without::Part;
use crate::options::{ClockOffsets, IoRateKind, Ipc, Network, Pid, Seccomp, Ulimit, Wishes, groups};
use crate::spec::{capabilities, environment, mounts, protected, resources, systemd};
use oci_spec::runtime::{
    Capabilities, Linux, LinuxCapabilities, LinuxNamespace, LinuxNamespaceType, LinuxTimeOffset, PosixRlimit, PosixRlimitBuilder,
    PosixRlimitType, Process, Root, Spec, User,
};
use std::collections::HashMap;
use std::path::PathBuf;

/// What only this machine, or this one container, can say.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub id: String,
    pub hostname: String,
    /// The directory on which the overlay is mounted.
    pub root: PathBuf,
    /// Layers, top to bottom, as overlay wants them.
    pub lower: Vec<String>,
    pub upper: PathBuf,
    pub work: PathBuf,
    /// What the container writes may be lost in a power cut, because it is removed when it ends.
    pub volatile: bool,
    /// We are not root of the machine, but of a user namespace.
    pub in_user_namespace: bool,
    /// Asked for then only: whether the host has its message queues mounted.
    pub host_shows_queues: bool,
    /// Nobody but root exists in it.
    pub only_one_group: bool,
    /// Its command is systemd: what that wants is there.
    pub for_systemd: bool,
    pub hosts: PathBuf,
    pub hostname_file: PathBuf,
    pub resolv_conf: PathBuf,
    /// Below the cgroup2 mount.
    pub cgroup_path: String,
    pub cgroup2_mounted: bool,
    /// The devices that were asked for; of a privileged container, all there are.
    pub devices: Vec<DeviceNode>,
    /// The numbers of the devices that are slowed down, and how.
    pub io_rates: Vec<DeviceRate>,
    /// The capabilities that we hold ourselves: "all" can mean no more. `None`: every one there is.
    pub held: Option<u64>,
    /// Paths of this machine to be masked beside those of every machine (`thermal_throttle` of each processor).
    pub masked: Vec<String>,
}

/// A device of the host, as it shall appear inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceNode {
    pub path: PathBuf,
    pub character: bool,
    pub major: u64,
    pub minor: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Some of `r`, `w`, `m`.
    pub access: String,
}

/// A rate that was asked for, of a block device that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRate {
    pub major: u64,
    pub minor: u64,
    pub kind: IoRateKind,
    pub rate: u64,
}

/// Says which system call filter is meant where `linux.seccomp` says nothing: `default`, `unconfined` or `profile`.
/// The table itself is not spelt out: reading 400 names back would cost more than the start itself.
pub const SECCOMP_ANNOTATION: &str = "tare.seccomp";

pub fn runtime_spec(wishes: &Wishes, image: &ImageWords, facts: &Facts) -> Result<Spec> {
    let mut root = Root::default();
    root.set_path(facts.root.clone()).set_readonly(Some(wishes.read_only));
    let seccomp = match &wishes.seccomp {
        _ if wishes.privileged => "unconfined",
        Seccomp::Default => "default",
        Seccomp::Unconfined => "unconfined",
        Seccomp::Profile(_) => "profile",
    };
    let mut annotations: HashMap<String, String> = wishes.annotations.iter().cloned().collect();
    annotations.insert(SECCOMP_ANNOTATION.to_owned(), seccomp.to_owned());
    let mut spec = Spec::default();
    spec.set_version("1.2.0".to_owned())
        .set_root(Some(root))
        .set_mounts(Some(mounts::mounts(wishes, facts)?))
        .set_process(Some(process(wishes, image, facts)?))
        .set_hostname((!wishes.host_uts).then(|| facts.hostname.clone()))
        .set_domainname(wishes.domainname.clone())
        .set_annotations(Some(annotations))
        .set_linux(Some(linux(wishes, facts)?));
    Ok(spec)
}

fn process(wishes: &Wishes, image: &ImageWords, facts: &Facts) -> Result<Process> {
    let workdir = wishes.workdir.as_deref().unwrap_or(&image.workdir);
    let further = if facts.for_systemd { systemd::environment(&facts.id).to_vec() } else { Vec::new() };
    let mut process = Process::default();
    process
        .set_args(Some(command(wishes, image)?))
        .set_env(Some(environment::environment(&facts.hostname, wishes.terminal, &further, &image.env, &wishes.env)))
        .set_cwd(clean_path(workdir).into())
        .set_user(user(wishes.user.as_deref().unwrap_or(&image.user), &wishes.groups)?)
        .set_oom_score_adj(wishes.oom_score_adj)
        .set_terminal(Some(wishes.terminal))
        .set_capabilities(Some(capability_sets(wishes, facts)?))
        .set_rlimits(Some(wishes.ulimits.iter().map(rlimit).collect::<Result<_>>()?))
        .set_no_new_privileges(Some(wishes.no_new_privileges));
    Ok(process)
}

/// Numbers as they are. Names stand in `username`, and are looked up in the container's own files when it starts.
fn user(text: &str, further: &[String]) -> Result<User> {
    let mut user = User::default();
    if !further.is_empty() {
        user.set_additional_gids(Some(groups::numbers(further)));
    }
    if text.is_empty() {
        return Ok(user);
    }
    let wish = users::parse(text).map_err(|e| e.context(format!("invalid user {text:?}")))?;
    if let Who::Number(uid) = wish.user {
        user.set_uid(uid);
    }
    if let Some(Who::Number(gid)) = wish.group {
        user.set_gid(gid);
    }
    user.set_username(Some(text.to_owned()));
    Ok(user)
}

/// Inheritable and ambient stay empty: a process that is not root must not find capabilities (CVE-2022-29162).
fn capability_sets(wishes: &Wishes, facts: &Facts) -> Result<LinuxCapabilities> {
    let mask = if wishes.privileged { capabilities::EVERY } else { capabilities::after_changes(&wishes.cap_add, &wishes.cap_drop)? };
    let names_all = wishes.privileged || wishes.cap_add.iter().any(|word| word.eq_ignore_ascii_case("all"));
    let mask = if names_all { mask & facts.held.unwrap_or(capabilities::EVERY) } else { mask };
    let set = Capabilities::from_iter(capabilities::of_mask(mask).filter_map(|name| name.strip_prefix("CAP_")?.parse().ok()));
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(Some(set.clone())).set_effective(Some(set.clone())).set_permitted(Some(set));
    sets.set_inheritable(Some(Capabilities::new())).set_ambient(Some(Capabilities::new()));
    Ok(sets)
}

fn rlimit(ulimit: &Ulimit) -> Result<PosixRlimit> {
    let name = format!("RLIMIT_{}", ulimit.name.to_ascii_uppercase());
    let kind: PosixRlimitType = name.parse().map_err(|_| Error::usage(format!("unknown resource {}", ulimit.name)))?;
    let limit = PosixRlimitBuilder::default().typ(kind).soft(ulimit.soft).hard(ulimit.hard).build();
    limit.map_err(|e| Error::failed(format!("cannot write limit {} down", ulimit.name)).because(e))
}

fn linux(wishes: &Wishes, facts: &Facts) -> Result<Linux> {
    let mut linux = Linux::default();
    linux
        .set_namespaces(Some(namespaces(wishes)))
        .set_time_offsets(time_offsets(&wishes.clocks))
        .set_resources(Some(resources::resources(wishes, facts)?))
        .set_cgroups_path(Some(facts.cgroup_path.clone().into()))
        .set_rootfs_propagation(Some(propagation(wishes).to_owned()));
    if !wishes.sysctls.is_empty() {
        linux.set_sysctl(Some(wishes.sysctls.iter().cloned().collect()));
    }
    if !facts.devices.is_empty() {
        linux.set_devices(Some(facts.devices.iter().map(resources::device).collect()));
    }
    let owned = |paths: &[&str]| -> Vec<String> { paths.iter().map(|path| (*path).to_owned()).collect() };
    if wishes.privileged || wishes.without.contains(&Part::Masks) {
        linux.set_masked_paths(None).set_readonly_paths(None);
    } else {
        let mut masked = owned(protected::MASKED);
        masked.extend(facts.masked.iter().cloned());
        linux.set_masked_paths(Some(masked)).set_readonly_paths(Some(owned(protected::READ_ONLY)));
    }
    Ok(linux)
}

/// That of another container stands here like one of its own: where it is, only the start can say, and fills in the path.
fn namespaces(wishes: &Wishes) -> Vec<LinuxNamespace> {
    let own = [
        (LinuxNamespaceType::Mount, true),
        (LinuxNamespaceType::Uts, !wishes.host_uts),
        (LinuxNamespaceType::Pid, wishes.pid != Pid::Host),
        (LinuxNamespaceType::Ipc, wishes.ipc != Ipc::Host),
        (LinuxNamespaceType::Network, wishes.network != Network::Host),
        // Even a privileged container sees only its own group: what it does to others it must not do by mistake.
        (LinuxNamespaceType::Cgroup, !wishes.host_group_view),
        (LinuxNamespaceType::Time, wishes.clocks != ClockOffsets::default()),
    ];
    let namespace = |kind| {
        let mut namespace = LinuxNamespace::default();
        namespace.set_typ(kind);
        namespace
    };
    own.into_iter().filter(|(_, own)| *own).map(|(kind, _)| namespace(kind)).collect()
}

fn time_offsets(wish: &ClockOffsets) -> Option<HashMap<String, LinuxTimeOffset>> {
    let offset = |nanoseconds| {
        let (seconds, rest) = clocks::seconds_and_rest(nanoseconds);
        let mut offset = LinuxTimeOffset::default();
        offset.set_secs(Some(seconds)).set_nanosecs(Some(rest));
        offset
    };
    let clocks = [("monotonic", wish.monotonic), ("boottime", wish.boottime)];
    let set: HashMap<_, _> = clocks.into_iter().filter(|(_, by)| *by != 0).map(|(name, by)| (name.to_owned(), offset(by))).collect();
    (!set.is_empty()).then_some(set)
}

/// What passes between the host's mounts and the container's: nothing, unless a mount asks for it.
fn propagation(wishes: &Wishes) -> &'static str {
    let asked = |word: &str| {
        wishes.mounts.iter().any(|mount| matches!(mount, crate::options::Mount::Bind { propagation, .. } if propagation.ends_with(word)))
    };
    match () {
        () if asked("shared") => "shared",
        () if asked("slave") => "rslave",
        () => "rprivate",
    }
}

#[cfg(test)]
#[path = "runtime_spec_tests.rs"]
mod tests;
