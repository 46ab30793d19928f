//! `kill -9` of command, monitor, reaper and program at random moments: the next command finds what is left and puts it right.

use crate::common::{Person, Ran, Random, Running, Store, eventually, leftovers, rounds};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// The ids of all containers that are ever begun in a store, however short their lives: told by the kernel (inotify(7)).
struct Born {
    changes: OwnedFd,
    ids: BTreeSet<String>,
}

impl Born {
    fn new(store: &Store) -> Self {
        // The run directory and our groups are there from now on.
        store.ok(&["run", "--rm", "box", "true"]);
        let dir = std::ffi::CString::new(store.run.join("container").to_str().expect("utf-8")).expect("a path");
        // SAFETY: plain calls; the descriptor is ours, the name ends with a zero byte.
        let changes = unsafe {
            let changes = libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK);
            assert!(changes >= 0 && libc::inotify_add_watch(changes, dir.as_ptr(), libc::IN_CREATE) >= 0, "inotify");
            OwnedFd::from_raw_fd(changes)
        };
        Born { changes, ids: BTreeSet::new() }
    }

    fn ids(&mut self) -> &BTreeSet<String> {
        const HEAD: usize = size_of::<libc::inotify_event>();
        let mut buffer = [0u8; 65536];
        loop {
            // SAFETY: the kernel writes at most as many bytes as it is told.
            let count = unsafe { libc::read(self.changes.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
            let Ok(count @ 1..) = usize::try_from(count) else { return &self.ids };
            let mut place = 0;
            while place < count {
                let length = u32::from_ne_bytes(buffer[place + HEAD - 4..place + HEAD].try_into().expect("four bytes")) as usize;
                let name = String::from_utf8_lossy(&buffer[place + HEAD..place + HEAD + length]).trim_end_matches('\0').to_string();
                if name.len() == 64 {
                    self.ids.insert(name);
                }
                place += HEAD + length;
            }
        }
    }
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Command,
    Monitor,
    FirstProcess,
    Program,
}

const PROGRAMS: &[&[&str]] = &[&["true"], &["sleep", "0.02"], &["sleep", "1000"]];

/// One container as it is run, and killed.
#[derive(Clone, Debug)]
struct Round {
    number: usize,
    victim: Victim,
    kept: bool,
    detached: bool,
    reaper: bool,
    program: &'static [&'static str],
    moment: Duration,
}

impl Round {
    fn new(number: usize, victim: Victim, random: &mut Random) -> Self {
        Round {
            number,
            victim,
            kept: random.below(2) == 0,
            detached: random.below(2) == 0,
            reaper: random.below(3) > 0,
            program: random.choose(PROGRAMS),
            moment: random.moment(),
        }
    }

    fn name(&self) -> String {
        format!("round{}", self.number)
    }

    fn words(&self) -> Vec<String> {
        let name = self.name();
        let mut words = vec!["run", "--name", &name];
        words.extend((!self.kept).then_some("--rm"));
        words.extend(self.detached.then_some("-d"));
        words.extend((!self.reaper).then_some("--init=false"));
        words.push("box");
        words.extend(self.program);
        words.iter().map(|word| word.to_string()).collect()
    }

    /// `None`: it was over before there was anybody to kill.
    fn kill(&self, command: &mut Running) -> Option<i32> {
        let generation = match self.victim {
            Victim::Command => 0,
            Victim::Monitor => 1,
            Victim::Program if self.reaper => 3,
            Victim::FirstProcess | Victim::Program => 2,
        };
        if generation > 0 && Person::of_this_run().is_some() {
            has_come_home(command);
        }
        let victim = (0..generation).try_fold(command.pid(), |parent, _| first_child(parent, command))?;
        let since = Instant::now();
        while since.elapsed() < self.moment {
            std::hint::spin_loop();
        }
        // Whoever has ended meanwhile has been waited for by nobody but us or its parent: the number may be free, not taken anew.
        let _ = kill(Pid::from_raw(victim), Signal::SIGKILL);
        Some(victim)
    }
}

/// An ordinary user's command has other children before it is in its user namespace.
fn has_come_home(command: &mut Running) {
    let home = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    let (pid, ours) = (command.pid().to_string(), home("self"));
    while home(&pid) == ours && !command.is_over() {
        std::hint::spin_loop();
    }
}

/// Waits until a process has a child; not longer than the command runs, nor for the child of a zombie.
fn first_child(parent: i32, command: &mut Running) -> Option<i32> {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().ok();
        }
        if !Path::new(&format!("/proc/{parent}")).exists() || (parent == command.pid() && command.is_over()) {
            return None;
        }
    }
    None
}

/// What is cheap to see: directories, names, groups.
fn files_left(store: &Store, born: &mut Born) -> Vec<String> {
    let mut left = Vec::new();
    for place in [
        store.root.join("container"),
        store.run.join("container"),
        store.root.join("unfinished"),
        store.root.join("name"),
        store.run.join("name"),
    ] {
        left.extend(std::fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path().display().to_string()));
    }
    let groups = crate::common::cgroup2().map(|(mount, _)| mount.join("tare"));
    for id in born.ids() {
        left.extend(groups.iter().map(|groups| groups.join(id)).filter(|group| group.exists()).map(|group| group.display().to_string()));
    }
    left
}

fn kill_many_times(victim: Victim) {
    let store = Store::new();
    let mut born = Born::new(&store);
    let mut random = Random::new();
    let rounds = rounds(100);
    for number in 0..rounds {
        let round = Round::new(number, victim, &mut random);
        let words = round.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = store.start(&words);
        let killed = round.kill(&mut command);
        if !round.detached && round.program == ["sleep", "1000"] && !command.is_over() {
            end_it(&store, &round, &mut command);
        }
        let ran = command.wait();
        assert!(!ran.stderr.contains("panicked"), "{round:?}: {}", ran.story());
        judge(&store, &round, &ran, killed.is_some());
        let mut left = Vec::new();
        eventually(&format!("nothing is left of {round:?}: {left:?}"), || {
            store.ok(&["ps", "-aq"]);
            left = files_left(&store, &mut born);
            left.is_empty()
        });
        if number % 20 == 19 || number + 1 == rounds {
            let left = leftovers::find(&store, born.ids());
            assert!(left.is_empty(), "after round {number} this is left:\n  {}", left.join("\n  "));
            born.ids.clear();
        }
    }
}

/// The victim was not the one who mattered, or it was killed before it could matter: then the container runs on.
fn end_it(store: &Store, round: &Round, command: &mut Running) {
    eventually(&format!("{round:?} runs or is over"), || {
        store.tare(&["kill", &round.name()]);
        command.is_over()
    });
}

fn is_nobody_at_work(store: &Store) -> bool {
    std::fs::read_dir(store.run.join("container")).expect("the run directory").count() == 0
}

/// What the next command says of it: a container to be removed vanishes by itself, a kept one is whole.
fn judge(store: &Store, round: &Round, ran: &Ran, killed: bool) {
    let name = round.name();
    let is_monitor_lost = round.victim == Victim::Monitor && killed;
    // A command that is gone leaves its container running; and only a monitor that is gone ends one that says nothing.
    eventually(&format!("{round:?} comes to an end"), || {
        let found = store.ok(&["ps", "-a", "--filter", &format!("name={name}"), "--format", "{{.State}}"]);
        if found == "running" && !is_monitor_lost {
            store.tare(&["kill", &name]);
        }
        match found.as_str() {
            "" => !round.kept || round.victim == Victim::Command,
            "created" => round.kept && is_nobody_at_work(store) && ran.code != 0,
            "exited" => round.kept,
            _ => false,
        }
    });
    if store.ok(&["ps", "-aq", "--filter", &format!("name={name}")]).is_empty() {
        return;
    }
    let state = &store.inspect(&name)["State"];
    if state["Error"] == "monitor lost" {
        assert_eq!(state["ExitCode"], 137, "{round:?}: {state:#}");
        assert_eq!(round.victim, Victim::Monitor, "{state:#}");
    }
    if round.number.is_multiple_of(4) && round.program != ["sleep", "1000"] {
        store.tare(&["start", "-a", &name]).expect_code(0);
    }
    store.ok(&["rm", &name]);
}

#[test]
fn kill_9_of_the_command_at_any_moment() {
    kill_many_times(Victim::Command);
}

#[test]
fn kill_9_of_the_monitor_at_any_moment() {
    kill_many_times(Victim::Monitor);
}

#[test]
fn kill_9_of_the_first_process_at_any_moment() {
    kill_many_times(Victim::FirstProcess);
}

#[test]
fn kill_9_of_the_program_at_any_moment() {
    kill_many_times(Victim::Program);
}
