//! A changed bundle, run from nothing to nothing.

use super::variations::{self, Variation};
use super::{Facts, Part, REFUSED, facts};
use crate::bundle::Bundle;
use crate::common::{Report, cgroup2, eventually, in_vm};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IoSliceMut, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

pub fn parts() -> Vec<Box<dyn Part>> {
    let mut all = variations::all();
    if in_vm() {
        // Its processors are slow, and every second shows what differs there.
        all = all.into_iter().step_by(2).collect();
    }
    let mut parts: Vec<Box<dyn Part>> = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(10));
        parts.push(Box::new(Runs(std::mem::replace(&mut all, rest))));
    }
    parts
}

struct Runs(Vec<Variation>);

impl Part for Runs {
    fn names(&self) -> Vec<(String, Option<&'static str>)> {
        self.0.iter().map(|one| (one.name.clone(), one.unseen)).collect()
    }
    fn see(&self, runtime: &str) -> Vec<Facts> {
        std::iter::once(&Variation::default()).chain(&self.0).map(|one| seen(one, runtime)).collect()
    }
}

/// The calling thread, and what it starts, has mounts of its own from here on, which are shared as they are on most hosts.
pub fn leave_the_hosts_mounts() {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_FS).expect("mounts of our own");
    for how in [MsFlags::MS_PRIVATE, MsFlags::MS_SHARED] {
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | how, None::<&str>).expect("propagation");
    }
    // crun refuses hosts that have both kinds of cgroups, so nobody sees the old ones.
    if let Some(groups) = cgroup2().map(|(mount, _)| mount).filter(|mount| mount != Path::new("/sys/fs/cgroup")) {
        mount(Some(&groups), "/sys/fs/cgroup", None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("cgroup2 alone");
    }
}

fn seen(variation: &Variation, runtime: &str) -> Facts {
    let mut bundle = bundle();
    let shared = Shared::new(&bundle.dir);
    change(&mut bundle, &variation.changes);
    let ran = match bundle.config["process"]["terminal"] == true {
        true => {
            let ran = on_a_terminal(&bundle, runtime, &["run", "--detach", "--console-socket", "console", "one"]);
            let _ = bundle.command(runtime, &["delete", "--force", "one"]).output();
            ran
        }
        false => with_descriptor_3(bundle.command(runtime, &[&["run"], variation.flags, &["one"]].concat())).output().expect("a runtime"),
    };
    let mut facts = facts_of(&ran, &bundle);
    for note in std::fs::read_dir(bundle.dir.join("notes")).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(note.path()).expect("a note").replace(&bundle.dir.display().to_string(), "BUNDLE");
        facts.insert(format!("note {}", note.file_name().to_string_lossy()), json!(text));
    }
    drop(shared);
    facts
}

/// And writes it.
pub fn change(bundle: &mut Bundle, changes: &[(String, Value)]) {
    for (place, value) in changes {
        let text = value.to_string().replace("BUNDLE", &bundle.dir.display().to_string()).replace("HOLDER", &holder().to_string());
        put(&mut bundle.config, place, serde_json::from_str(&text).expect("JSON"));
    }
    bundle.write();
}

/// What nobody should hand on without being asked for it.
pub fn with_descriptor_3(mut command: Command) -> Command {
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(|| {
            let zero = libc::open(c"/dev/zero".as_ptr(), libc::O_RDONLY);
            if zero != 3 {
                libc::dup2(zero, 3);
                libc::close(zero);
            }
            Ok(())
        });
    }
    command
}

/// What a process has said and how it ended.
pub fn facts_of(ran: &Output, bundle: &Bundle) -> Facts {
    let name = bundle.dir.file_name().expect("a name").to_string_lossy();
    let said = String::from_utf8_lossy(&ran.stdout).replace(&bundle.dir.display().to_string(), "BUNDLE").replace(&*name, "NAME");
    // The probe writes no errors: what is said there is the runtime's.
    if !ran.status.success() && !ran.stderr.is_empty() {
        return Facts::from([(REFUSED.into(), json!(String::from_utf8_lossy(&ran.stderr).trim()))]);
    }
    let mut facts = match said.starts_with('{') {
        true => facts::of_report(&Report::parse(&said), joined()),
        false => Facts::from([("said".into(), json!(said))]),
    };
    facts.insert("exit code".into(), json!(ran.status.code()));
    facts
}

/// Small, and with something in it to be mounted over, hidden and looked at.
pub fn bundle() -> Bundle {
    let mut bundle = Bundle::bare();
    std::fs::create_dir(bundle.root("tmp/below")).expect("a directory");
    std::fs::write(bundle.root("tmp/below/file"), "x").expect("a file");
    std::os::unix::fs::symlink("/tmp", bundle.root("etc/link")).expect("a link");
    std::fs::create_dir(bundle.dir.join("notes")).expect("a directory");
    bundle.config["process"]["args"] = json!(["/probe", "survey"]);
    // For these crun would raise a limit, which root may not everywhere.
    bundle.config["linux"].as_object_mut().expect("members").remove("resources");
    bundle
}

/// `BUNDLE/shared`: a mount with a file in it and another mount below, which goes with this.
struct Shared(PathBuf);

impl Shared {
    fn new(dir: &Path) -> Shared {
        let shared = dir.join("shared");
        for place in [shared.clone(), shared.join("below")] {
            std::fs::create_dir(&place).expect("a directory");
            mount(Some("host"), &place, Some("tmpfs"), MsFlags::MS_NOATIME, None::<&str>).expect("a mount of our own");
            std::fs::write(place.join("file"), "x").expect("a file");
        }
        Shared(shared)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.0, nix::mount::MntFlags::MNT_DETACH);
    }
}

fn put(config: &mut Value, place: &str, value: Value) {
    let (above, last) = place.rsplit_once('/').expect("a place");
    let above = config.pointer_mut(above).unwrap_or_else(|| panic!("no {above}"));
    match above.as_array_mut() {
        Some(list) if last == "-" => list.push(value),
        Some(list) => list[last.parse::<usize>().expect("a number")] = value,
        None => above[last] = value,
    }
}

/// As engines do it: the runtime goes, and whoever listens at a socket gets the terminal.
pub fn on_a_terminal(bundle: &Bundle, runtime: &str, words: &[&str]) -> Output {
    let (socket, errors) = (bundle.dir.join("console"), bundle.dir.join("stderr"));
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).expect("a socket");
    let mut command = bundle.command(runtime, words);
    let mut child = command.stdout(Stdio::null()).stderr(std::fs::File::create(&errors).expect("a file")).spawn().expect("a runtime");
    let reader = std::thread::spawn(move || receive_terminal(&listener).map(|master| read_to_hangup(&master)).unwrap_or_default());
    let status = child.wait().expect("the runtime ends");
    if !status.success() {
        // So that nobody waits for a terminal that does not come.
        let _ = UnixStream::connect(&socket);
    }
    let stdout = reader.join().expect("no panic").into_bytes();
    Output { status, stdout, stderr: std::fs::read(&errors).expect("a file") }
}

fn receive_terminal(listener: &UnixListener) -> Option<OwnedFd> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    let (stream, _) = listener.accept().expect("a caller");
    let (mut bytes, mut space) = ([0; 256], nix::cmsg_space!([i32; 4]));
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC).ok()?;
    let fds =
        message.cmsgs().ok()?.find_map(|part| if let ControlMessageOwned::ScmRights(fds) = part { fds.first().copied() } else { None });
    // SAFETY: the kernel has just made it for us.
    fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The end of a terminal is an error (EIO).
fn read_to_hangup(master: &OwnedFd) -> String {
    let mut all = Vec::new();
    let _ = std::fs::File::from(master.try_clone().expect("dup")).read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// A process with namespaces of its own, to be joined by their paths. It ends when we do, and its input with us.
fn holder() -> u32 {
    static HOLDER: OnceLock<Child> = OnceLock::new();
    let holder = HOLDER.get_or_init(|| {
        let mut command = Command::new("sh");
        // Its child is the first process of the new pid namespace.
        command.args(["-c", "exec 3<&0; cat <&3 & wait"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: only a system call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                Ok(unshare(CloneFlags::from_bits_retain(
                    libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWCGROUP | libc::CLONE_NEWPID,
                ))?)
            });
        }
        let child = command.spawn().expect("a holder");
        eventually("it has a child", || std::fs::read_link(format!("/proc/{}/ns/pid_for_children", child.id())).is_ok());
        child
    });
    holder.id()
}

/// Its namespaces, by their names.
fn joined() -> &'static BTreeMap<String, String> {
    static JOINED: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    JOINED.get_or_init(|| {
        let link = |name: &str| std::fs::read_link(format!("/proc/{}/ns/{name}", holder())).expect("a namespace").display().to_string();
        let all = [("net", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"), ("pid", "pid_for_children")];
        all.iter().map(|(name, path)| ((*name).to_owned(), link(path))).collect()
    })
}
