//! Everything a container sees as a file system, in the order in which it is mounted.

use crate::error::{Error, Result};
use crate::options::user_namespaces::UserNamespace;
use crate::options::{self, Below, Ipc, Network, Pid, Wishes};
use crate::spec::runtime_spec::Facts;
use crate::spec::systemd;
use oci_spec::runtime::Mount;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub fn mounts(wishes: &Wishes, facts: &Facts) -> Result<Vec<Mount>> {
    wishes.mounts.iter().try_for_each(|mount| keep_out_of_proc(mount.target()))?;
    let mut all = Vec::with_capacity(12 + wishes.mounts.len());
    all.push(overlay(facts)?);
    all.extend(of_the_kernel(wishes, facts));
    let memory = facts.for_systemd.then(|| systemd::memory(wishes)).into_iter().flatten();
    let mut wished: Vec<Mount> = etc_files(wishes, facts).chain(memory).chain(wishes.mounts.iter().map(wished)).collect();
    // What lies deeper comes later, or a mount on /data would hide the one on /data/cache.
    wished.sort_by_key(|mount| mount.destination().components().count());
    all.extend(wished);
    Ok(all)
}

/// The layers, and on top what the container writes.
fn overlay(facts: &Facts) -> Result<Mount> {
    let writes = Writes { upper: &facts.upper, work: &facts.work, volatile: facts.volatile };
    layers(&facts.lower, Some(writes), facts.in_user_namespace)
}

/// Steps that change nothing give the same layer again and again, and overlay wants no directory twice. What the lower one of two equal
/// layers shows, the upper one shows, too, whatever lies between them.
fn each_once(lower: &[String]) -> Vec<&str> {
    let mut seen = HashSet::new();
    lower.iter().map(String::as_str).filter(|layer| seen.insert(*layer)).collect()
}

/// Where an overlay puts what is written.
pub struct Writes<'a> {
    pub upper: &'a Path,
    pub work: &'a Path,
    /// No file of it is ever synced: 250 µs less at the end of a container that is removed anyway.
    pub volatile: bool,
}

/// Layers, the top one first.
pub fn layers(lower: &[String], writes: Option<Writes>, in_user_namespace: bool) -> Result<Mount> {
    let directory = |path: &str| {
        // overlay separates with these, and old kernels do not undo every escape.
        if path.contains([',', ':', '\\']) {
            return Err(Error::cannot_keep(format!("{path} has a comma, colon or backslash in it")).hint("move the store: --root DIR"));
        }
        Ok(())
    };
    let own = writes.as_ref().map(|writes| [("upperdir", writes.upper), ("workdir", writes.work)]);
    let own: Vec<(&str, String)> = own.into_iter().flatten().map(|(name, path)| (name, path.display().to_string())).collect();
    lower.iter().chain(own.iter().map(|(_, path)| path)).try_for_each(|path| directory(path))?;
    let mut options = vec![format!("lowerdir={}", each_once(lower).join(":"))];
    options.extend(own.iter().map(|(name, path)| format!("{name}={path}")));
    // Some kernels do it unasked; then the container's own layer would tell nothing without those below, and no image could be
    // made of it.
    match in_user_namespace {
        // Its marks are attributes that the root of a namespace may write; and then it does none of the two.
        true => options.push("userxattr".to_owned()),
        false => options.extend(["redirect_dir=off".to_owned(), "metacopy=off".to_owned()]),
    }
    if writes.is_some_and(|writes| writes.volatile) {
        options.push("volatile".to_owned());
    }
    let mut mount = Mount::default();
    mount.set_destination("/".into()).set_typ(Some("overlay".into())).set_source(Some("overlay".into())).set_options(Some(options));
    Ok(mount)
}

pub fn mount(destination: &str, kind: &str, source: &str, options: &[&str]) -> Mount {
    let mut mount = Mount::default();
    mount.set_destination(destination.into()).set_typ(Some(kind.to_owned())).set_source(Some(PathBuf::from(source)));
    mount.set_options(Some(options.iter().map(|option| (*option).to_owned()).collect()));
    mount
}

/// What programs expect to be there; the same as in Docker, in the same order.
fn of_the_kernel(wishes: &Wishes, facts: &Facts) -> impl Iterator<Item = Mount> {
    const SAFE: [&str; 3] = ["nosuid", "noexec", "nodev"];
    const SAFE_AND_READ_ONLY: [&str; 4] = ["nosuid", "noexec", "nodev", "ro"];
    let for_reading = if wishes.privileged { &SAFE[..] } else { &SAFE_AND_READ_ONLY[..] };
    // The group tree of cgroup v2; its own group is the top of it (the cgroup namespace).
    // systemd keeps groups of its own below (`cgroup/own_tree.rs`).
    let of_groups = if facts.for_systemd { &SAFE[..] } else { for_reading };
    // Where they are shared with a host that shows none, there are none.
    let shows_queues = wishes.ipc != Ipc::Host || !facts.in_user_namespace || facts.host_shows_queues;
    let queues = shows_queues.then_some(("/dev/mqueue", "mqueue", "mqueue", &SAFE[..]));
    // gid 5 is tty on every distribution, as grantpt(3) wants it; who is alone in a user namespace has no such group.
    const TERMINALS: [&str; 6] = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
    let of_terminals = if facts.only_one_group { &TERMINALS[..5] } else { &TERMINALS[..] };
    let groups = facts.cgroup2_mounted.then_some(("/sys/fs/cgroup", "cgroup2", "cgroup", of_groups));
    [
        Some(("/proc", "proc", "proc", &SAFE[..])),
        Some(("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"][..])),
        Some(("/dev/pts", "devpts", "devpts", of_terminals)),
        Some(("/sys", "sysfs", "sysfs", for_reading)),
        groups,
        queues,
    ]
    .into_iter()
    .flatten()
    .map(|(destination, kind, source, options)| match is_the_host_s(wishes, facts, kind) {
        true => borrowed(destination, if kind == "cgroup2" { &SAFE_AND_READ_ONLY } else { options }),
        false => mount(destination, kind, source, options),
    })
    .chain(shared_memory(wishes))
    .filter(|mount| !replaced(wishes, mount.destination().to_str().unwrap_or_default()))
}

/// A view of what belongs to the machine: a user namespace's root cannot mount one of his own, and gets the host's.
fn is_the_host_s(wishes: &Wishes, facts: &Facts, kind: &str) -> bool {
    let shared = match kind {
        "proc" => wishes.pid == Pid::Host,
        "sysfs" => wishes.network == Network::Host,
        "mqueue" => wishes.ipc == Ipc::Host,
        // And that nobody may write, whoever's group it is (CVE-2023-25809).
        "cgroup2" => wishes.host_group_view,
        _ => false,
    };
    shared && (facts.in_user_namespace || wishes.user_namespace != UserNamespace::Host)
}

/// With all that is mounted below it, which the kernel does not let a user namespace uncover.
fn borrowed(path: &str, options: &[&str]) -> Mount {
    let options = options.iter().map(|option| if *option == "ro" { "rro" } else { option });
    mount(path, "bind", path, &["rbind", "rprivate"].into_iter().chain(options).collect::<Vec<_>>())
}

/// System V objects and message queues go with the ipc namespace; POSIX shared memory is files, so it is shared by a mount.
fn shared_memory(wishes: &Wishes) -> Option<Mount> {
    const TARGET: &str = "/dev/shm";
    match &wishes.ipc {
        Ipc::None => None,
        Ipc::Host => Some(mount(TARGET, "bind", TARGET, &["rbind", "rprivate"])),
        Ipc::Container(id) => Some(mount(TARGET, "bind", &(place_of(id) + TARGET), &["bind", "rprivate", "nosuid", "noexec", "nodev"])),
        Ipc::Private | Ipc::Shareable => {
            let size = format!("size={}k", wishes.shm_size.unwrap_or(64 << 20).div_ceil(1024));
            Some(mount(TARGET, "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", &size]))
        }
    }
}

/// Stands before the path of a source that is another container's: no path of the host begins like this.
pub fn place_of(id: &str) -> String {
    format!("container:{id}")
}

/// A mount that was asked for takes the place of ours; one on /dev that of everything below it.
fn replaced(wishes: &Wishes, destination: &str) -> bool {
    let covers = |target: &str| target == destination || (target == "/dev" && destination.starts_with("/dev/"));
    wishes.mounts.iter().any(|mount| covers(mount.target()))
}

/// The three files that are the container's own although the image may have them too; with the network of another container,
/// those of that one.
fn etc_files<'a>(wishes: &'a Wishes, facts: &'a Facts) -> impl Iterator<Item = Mount> {
    let files = [("/etc/resolv.conf", &facts.resolv_conf), ("/etc/hostname", &facts.hostname_file), ("/etc/hosts", &facts.hosts)];
    let options: &[&str] = if wishes.read_only { &["rbind", "rprivate", "ro"] } else { &["rbind", "rprivate"] };
    let own = files.into_iter().filter(|(target, _)| !wishes.mounts.iter().any(|mount| mount.target() == *target));
    own.map(move |(target, source)| {
        let mut made = mount(target, "bind", "", options);
        made.set_source(Some(match &wishes.network {
            Network::Container(id) => (place_of(id) + target).into(),
            Network::None | Network::Host | Network::Networks(_) => source.clone(),
        }));
        made
    })
}

fn wished(wish: &options::Mount) -> Mount {
    match wish {
        options::Mount::Bind { source, target, read_only, propagation, below, .. } => {
            let propagation = if propagation.is_empty() { "rprivate" } else { propagation };
            let bind = if *below == Below::Hidden { "bind" } else { "rbind" };
            bound(source, target, bind, propagation, writable(*read_only, *below))
        }
        options::Mount::Volume(volume) => {
            bound(&volume.source, &volume.target, "rbind", "rprivate", writable(volume.read_only, Below::Seen))
        }
        options::Mount::Tmpfs { target, options } => {
            // The wishes come last: `exec` takes back our `noexec`.
            let options: Vec<&str> =
                ["noexec", "nosuid", "nodev", "rprivate"].into_iter().chain(options.iter().map(String::as_str)).collect();
            mount(target, "tmpfs", "tmpfs", &options)
        }
    }
}

/// In the words of the OCI spec `ro` is the topmost mount alone, and `rro` all that are mounted below it too. `rw` is never said: it
/// would make writable what the host has mounted read-only there.
fn writable(read_only: bool, below: Below) -> Option<&'static str> {
    match (read_only, below) {
        (false, _) => None,
        (true, Below::Writable) => Some("ro"),
        // A writable mount below a read-only one would be a hole.
        (true, Below::Seen | Below::Hidden) => Some("rro"),
    }
}

fn bound(source: &Path, target: &str, bind: &str, propagation: &str, writable: Option<&str>) -> Mount {
    let options: Vec<&str> = [bind, propagation].into_iter().chain(writable).collect();
    let mut made = mount(target, "bind", "", &options);
    made.set_source(Some(source.to_owned()));
    made
}

/// What is mounted over /proc or into it could make writes to our own protections go elsewhere (CVE-2019-16884,
/// CVE-2025-52881). Single files that show numbers, as lxcfs gives them, do no harm.
fn keep_out_of_proc(target: &str) -> Result<()> {
    const HARMLESS: &[&str] = &["cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo"];
    match Path::new(target).strip_prefix("/proc") {
        Ok(below) if !HARMLESS.iter().any(|name| below == Path::new(name)) => {
            Err(Error::usage(format!("cannot mount on {target}")).because("what protects /proc would protect nothing"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::mounts::{parse_tmpfs, parse_volume};

    fn facts() -> Facts {
        Facts { lower: vec!["/l2".into(), "/l1".into()], upper: "/u".into(), work: "/w".into(), cgroup2_mounted: true, ..Facts::default() }
    }

    fn made(wishes: &Wishes, facts: &Facts) -> Vec<(String, String)> {
        let text = |mount: &Mount| (mount.destination().display().to_string(), mount.options().as_ref().unwrap().join(","));
        mounts(wishes, facts).unwrap().iter().map(text).collect()
    }

    fn targets(wishes: &Wishes) -> String {
        made(wishes, &facts()).into_iter().map(|(target, _)| target).collect::<Vec<_>>().join(" ")
    }

    fn with(binds: &[&str], tmpfs: &[&str]) -> Wishes {
        let binds = binds.iter().map(|text| parse_volume(text, Path::new("/")).unwrap().mount);
        Wishes { mounts: binds.chain(tmpfs.iter().map(|text| parse_tmpfs(text).unwrap())).collect(), ..Wishes::default() }
    }

    #[test]
    fn the_layers_come_first_and_then_the_kernel_s_own() {
        let all = made(&Wishes::default(), &Facts { volatile: true, ..facts() });
        assert_eq!(all[0], ("/".into(), "lowerdir=/l2:/l1,upperdir=/u,workdir=/w,redirect_dir=off,metacopy=off,volatile".into()));
        assert_eq!(
            targets(&Wishes::default()),
            "/ /proc /dev /dev/pts /sys /sys/fs/cgroup /dev/mqueue /dev/shm /etc/resolv.conf /etc/hostname /etc/hosts"
        );
        assert!(all.iter().any(|(target, options)| target == "/sys" && options.ends_with(",ro")));
    }

    #[test]
    fn without_cgroup2_there_is_no_group_tree() {
        let all = made(&Wishes::default(), &Facts { cgroup2_mounted: false, ..facts() });
        assert!(!all.iter().any(|(target, _)| target == "/sys/fs/cgroup"));
    }

    #[test]
    fn privileged_writes_to_sys_and_read_only_closes_the_three_files() {
        let privileged = made(&Wishes { privileged: true, ..Wishes::default() }, &facts());
        assert!(privileged.iter().all(|(_, options)| !options.split(',').any(|option| option == "ro")));
        let closed = made(&Wishes { read_only: true, ..Wishes::default() }, &facts());
        assert!(closed.iter().filter(|(target, _)| target.starts_with("/etc/")).all(|(_, options)| options.ends_with(",ro")));
    }

    #[test]
    fn shared_memory_has_the_size_that_was_asked_for() {
        let shm = |shm_size| {
            let all = made(&Wishes { shm_size, ..Wishes::default() }, &facts());
            all.into_iter().find(|(target, _)| target == "/dev/shm").unwrap().1
        };
        assert!(shm(None).ends_with("size=65536k") && shm(Some(1 << 20)).ends_with("size=1024k") && shm(Some(1)).ends_with("size=1k"));
    }

    #[test]
    fn deeper_mounts_come_later() {
        let wishes = with(&["/a:/data/cache/x", "/b:/data"], &["/data/cache", "/etc"]);
        assert!(targets(&wishes).ends_with("/data /etc /etc/resolv.conf /etc/hostname /etc/hosts /data/cache /data/cache/x"));
    }

    #[test]
    fn a_wish_replaces_what_would_be_there() {
        assert!(
            !made(&with(&["/h:/etc/hosts:ro"], &["/dev/shm:size=1g"]), &facts())
                .iter()
                .any(|(_, options)| options.contains("65536k,") || options == "rbind,rprivate,x")
        );
        assert_eq!(targets(&with(&["/h:/etc/hosts"], &["/dev/shm"])).matches("/etc/hosts").count(), 1);
        assert_eq!(targets(&with(&[], &["/dev/shm"])).matches("/dev/shm").count(), 1);
        assert!(!targets(&with(&["/dev:/dev"], &[])).contains("/dev/pts"));
    }

    #[test]
    fn options_of_wishes_are_complete() {
        let all = made(&with(&["/a:/a:ro,rslave", "/b:/b"], &["/t:size=1m,exec"]), &facts());
        let options = |target: &str| all.iter().find(|(known, _)| known == target).unwrap().1.clone();
        assert_eq!(options("/a"), "rbind,rslave,rro");
        assert_eq!(options("/b"), "rbind,rprivate");
        assert_eq!(options("/t"), "noexec,nosuid,nodev,rprivate,size=1m,exec");
    }

    #[test]
    fn what_lies_below_a_mount_is_said_in_the_words_of_the_spec() {
        let bind = |words: &str| options::mounts::parse_mount(&format!("type=bind,src=/a,dst=/b,{words}"), Path::new("/")).unwrap();
        let volume = options::VolumeMount { source: "/store/data".into(), target: "/v".into(), read_only: true, ..Default::default() };
        for (mount, expected) in [
            (bind("ro"), "rbind,rprivate,rro"),
            (bind("ro,bind-recursive=writable"), "rbind,rprivate,ro"),
            (bind("bind-recursive=disabled"), "bind,rprivate"),
            (options::Mount::Volume(volume), "rbind,rprivate,rro"),
        ] {
            assert_eq!(wished(&mount).options().as_ref().unwrap().join(","), expected);
        }
    }

    #[test]
    fn cve_2019_16884_nothing_is_mounted_over_proc() {
        for target in ["/proc", "/proc/sys", "/proc/self/attr", "/proc/meminfo/x"] {
            assert!(mounts(&with(&[&format!("/a:{target}")], &[]), &facts()).is_err(), "{target}");
        }
        assert!(mounts(&with(&["/a:/proc/meminfo", "/b:/process"], &[]), &facts()).is_ok());
    }

    #[test]
    fn a_store_that_overlay_cannot_be_told_of_is_refused() {
        assert!(mounts(&Wishes::default(), &Facts { upper: "/a,b/u".into(), ..facts() }).is_err());
    }
}
