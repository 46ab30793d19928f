//! A small world for a daemon: network, mounts and processes of its own, so that the host's bridges, rules and mounts stay as
//! they were. Whatever is started in it ends with it: with the first process of a pid namespace the kernel ends all others.

use super::process::{Ran, tool};
use super::{cgroup2, eventually, image_dir, patience, program};
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Every address of a driver's own network begins so: then it is known again wherever it should not be.
pub const NETWORK: &str = "10.213.";

/// The directories that drivers write to whatever their options say. The first process reaps whom nobody waits for.
const BEGIN: &str = "mount -t proc proc /proc
for dir in /run /dev/shm /etc/docker /etc/cni/net.d /var/lib/cni /var/lib/containers; do
    [ ! -d $dir ] || mount -t tmpfs none $dir
done
ip link set lo up
touch \"$1/begun\"
while :; do sleep 1000 & wait; done";

pub struct World {
    pub dir: PathBuf,
    /// Containers' groups are to be made below it.
    pub group: String,
    keeper: Child,
    /// Its first process, in the host's numbers.
    first: i32,
}

impl World {
    pub fn new() -> World {
        // On a disk: in older kernels a tmpfs cannot hold every attribute that layers have. Short, for the sake of sockets.
        let dir = super::fresh_directory(Path::new("/var/tmp"), "tare-world-");
        std::os::unix::fs::symlink(program(), dir.join("tare-oci")).expect("a link");
        let mut keeper = Command::new("unshare");
        keeper.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", BEGIN, "sh"]).arg(&dir);
        // SAFETY: one system call between fork and exec. A test that is killed takes its world with it.
        unsafe {
            keeper.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        let keeper = keeper.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("unshare runs");
        eventually("a world begins", || dir.join("begun").exists());
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", keeper.id())).expect("its children");
        let first = children.trim().parse().expect("one child");
        let group = format!("/{}", dir.file_name().expect("a name").to_string_lossy());
        World { dir, group, keeper, first }
    }

    /// A path below the world's directory.
    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first.to_string(), "--net", "--mount", "--pid"]).args(words);
        command.env("HOME", &self.dir).stdin(Stdio::null());
        command
    }

    /// To its end. Through files, because who goes on in the background would hold pipes open.
    pub fn run(&self, mut command: Command) -> Ran {
        let (out, error) = (self.dir.join("stdout"), self.dir.join("stderr"));
        let file = |path: &Path| File::create(path).expect("a file");
        let started = Instant::now();
        let mut child = command.stdout(file(&out)).stderr(file(&error)).spawn().expect("nsenter runs");
        let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned();
        let status = loop {
            match child.try_wait().expect("wait") {
                Some(status) => break status,
                None => assert!(started.elapsed() < patience(), "hung: {command:?}\n{}\n{}", read(&out), read(&error)),
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        Ran {
            command: format!("{command:?}"),
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            raw: std::fs::read(&out).expect("a file"),
            stdout: read(&out),
            stderr: read(&error),
            took: started.elapsed(),
        }
    }

    /// Starts what stays, and waits until `is_up` says so.
    pub fn daemon(&self, words: &[&str], mut is_up: impl FnMut() -> bool) {
        let log = self.dir.join(format!("{}.log", words[0]));
        let file = || File::create(&log).expect("a log");
        let mut child = self.command(words).stdout(file()).stderr(file()).spawn().expect("nsenter runs");
        eventually("a daemon comes up", || {
            let over = child.try_wait().expect("wait");
            assert!(over.is_none(), "{} has ended:\n{}", words[0], std::fs::read_to_string(&log).unwrap_or_default());
            is_up()
        });
        // Waited for when it is over, which is when the world ends.
        std::thread::spawn(move || child.wait());
    }

    /// No group of a container is left; podman keeps one for its watchers.
    pub fn assert_no_groups(&self) {
        let Some((top, _)) = cgroup2() else { return };
        let groups = || std::fs::read_dir(top.join(&self.group[1..])).into_iter().flatten().flatten();
        let is_left = |entry: std::fs::DirEntry| entry.path().is_dir() && entry.file_name() != "conmon";
        eventually("every container's group is gone", || !groups().any(is_left));
    }

    /// What the host shows of the world's mounts, addresses and rules: there should be nothing.
    fn seen_outside(&self) -> Vec<String> {
        let mut told = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        for words in [&["ip", "addr"][..], &["ip", "route"], &["iptables-save"]] {
            if super::installed(words[0]) {
                told += &format!("\n{}", tool(words).ok());
            }
        }
        let dir = self.dir.to_string_lossy();
        told.lines().filter(|line| line.contains(NETWORK) || line.contains(&*dir)).map(str::to_owned).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let seen = if std::thread::panicking() { Vec::new() } else { self.seen_outside() };
        // SAFETY: a process that we started and have not waited for.
        unsafe { libc::kill(self.first, libc::SIGKILL) };
        let _ = self.keeper.wait();
        // podman keeps a group for its watchers in each hierarchy of cgroup v1, too.
        let tops = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
        for top in tops.chain([PathBuf::from("/sys/fs/cgroup")]) {
            remove_groups(&top.join(&self.group[1..]));
        }
        let _ = super::leftovers::remove_tree(&self.dir);
        assert!(seen.is_empty(), "the host shows what is the world's:\n{}", seen.join("\n"));
    }
}

fn remove_groups(group: &Path) {
    for below in std::fs::read_dir(group).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        remove_groups(&below.path());
    }
    let _ = std::fs::remove_dir(group);
}

/// An image that every driver can load.
pub fn busybox_archive() -> String {
    image_dir().join("busybox.tar").display().to_string()
}

/// A block of configuration from the README, whose paths and addresses are replaced by the test's own: so what people copy is
/// what was tried.
pub fn from_readme(first_words: &str, replacements: &[(&str, &str)]) -> String {
    let readme = include_str!("../../README.md");
    let block = readme.split("\n```").find(|block| block.split_once('\n').is_some_and(|(_, text)| text.starts_with(first_words)));
    let block = block.unwrap_or_else(|| panic!("the README has no block that begins with {first_words:?}"));
    let mut text = block.split_once('\n').expect("a first line").1.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "no {from} in the README's block:\n{text}");
        text = text.replace(from, to);
    }
    text
}
