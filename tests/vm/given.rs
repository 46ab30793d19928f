//! An ordinary user to whom a group was given by hand: his limits are kept in there, and nothing of his is made elsewhere.

use super::can_limit;
use crate::common::{Person, Ran, Store, cgroup2, eventually, fresh_directory, process};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Given {
    group: PathBuf,
    person: Person,
}

impl Given {
    fn new(person: Person) -> Given {
        let group = fresh_directory(&cgroup2().expect("a cgroup2 mount").0, "tare-given-");
        for name in ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"] {
            std::os::unix::fs::chown(group.join(name), Some(person.uid), Some(person.uid)).expect("a new owner");
        }
        Given { group, person }
    }

    /// In the group, and as the user.
    fn tare(&self, store: &Store, words: &[&str]) -> Ran {
        let plain = store.command(words);
        let mut command = Command::new(plain.get_program());
        command.args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // As soon as it hands controllers on it can have no processes itself: those that were in it are in a leaf then.
        let leaf = Some(self.group.join("tare-others")).filter(|leaf| leaf.is_dir()).unwrap_or_else(|| self.group.clone());
        let procs = std::ffi::CString::new(leaf.join("cgroup.procs").to_str().expect("utf-8")).expect("a path");
        // SAFETY: system calls between fork and exec, on a string made before.
        unsafe {
            command.pre_exec(move || {
                let file = libc::open(procs.as_ptr(), libc::O_WRONLY);
                match libc::write(file, c"0".as_ptr().cast(), 1) {
                    1 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        self.person.takes(&mut command, &store.root.parent().expect("a directory").join("home-of-given"), &[]);
        process::run(command, None)
    }

    fn group_of(pid: &str) -> PathBuf {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("cgroup");
        let path = text.lines().find_map(|line| line.strip_prefix("0::/")).expect("a group").to_owned();
        cgroup2().expect("a cgroup2 mount").0.join(path)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        fn remove(group: &Path) {
            for below in std::fs::read_dir(group).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
                remove(&below.path());
            }
            let _ = std::fs::remove_dir(group);
        }
        let _ = std::fs::write(self.group.join("cgroup.kill"), "1");
        eventually("the group can be removed", || {
            remove(&self.group);
            !self.group.exists()
        });
    }
}

#[test]
fn limits_of_an_ordinary_user_are_kept_in_his_group() {
    if !can_limit() {
        return;
    }
    let person = Person::single();
    let store = Store::of(person);
    let given = Given::new(person);
    let flags =
        ["run", "-d", "--name", "small", "-m", "32m", "--pids-limit", "20", "--cpus", "0.5", "--cpuset-cpus", "0", "--network", "none"];
    given.tare(&store, &[&flags[..], &["box", "sleep", "1000"]].concat()).ok();
    let pid = given.tare(&store, &["inspect", "-f", "{{.State.Pid}}", "small"]).ok().trim().to_owned();
    let group = Given::group_of(&pid);
    assert_eq!(group.ancestors().nth(2), Some(given.group.as_path()));
    let read = |file: &str| std::fs::read_to_string(group.join(file)).expect("a limit").trim().to_owned();
    assert_eq!((read("memory.max"), read("pids.max")), ((32 << 20).to_string(), "20".into()));
    assert_eq!((read("cpu.max").as_str(), read("cpuset.cpus").as_str()), ("50000 100000", "0"));
    assert_eq!(given.tare(&store, &["exec", "small", "tail", "/dev/zero"]).code, 137, "it is ended for want of memory");
    given.tare(&store, &["pause", "small"]).ok();
    assert_eq!(read("cgroup.freeze"), "1");
    given.tare(&store, &["unpause", "small"]).ok();
    // Nobody whom it was not given to is let in: from elsewhere the same user can limit nothing.
    let elsewhere = store.tare(&["run", "--rm", "-m", "32m", "--network", "none", "box", "true"]);
    assert!(elsewhere.code == 125 && elsewhere.stderr.contains("no control group is given to you"), "{}", elsewhere.story());
    given.tare(&store, &["rm", "-f", "small"]).ok();
    eventually("its group is gone", || !group.exists());
}
