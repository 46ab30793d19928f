//! Looks on while a command of ours works: its processes, their steps, their system calls.
//!
//! Nobody tells what he does, because telling would be one more thing to do. The command goes on in a child, and every process that
//! comes of it is followed with ptrace(2). Which step it is at lies in its memory (`trace`). So what is explained is what is done: nothing is
//! made up, nothing can be forgotten, and without an explanation nothing is different.
//!
//! Who becomes somebody else's program (the user's, pasta) is followed no further.

use crate::error::{Context, Error, Result};
use crate::explain::calls::{Asked, Call};
use crate::sys::process::{self, Forked};
use crate::sys::signal::{self, Signals};
use crate::sys::{Errno, file, tracing};
use crate::trace::{self, Step, Who};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// A process that is followed.
#[derive(Clone, Debug)]
pub struct Seen {
    pub pid: i32,
    pub who: Who,
    pub step: Option<Step>,
    /// How many generations after the command.
    pub depth: usize,
    pub is_thread: bool,
}

pub enum Happened<'a> {
    Step(Step),
    Called {
        call: &'a Call,
        answer: i64,
        took: Duration,
    },
    /// It is somebody else's program now.
    Became(String),
    Ended {
        code: i32,
    },
}

/// Told of everything, in its order, with the time since the beginning.
pub type Tell<'a> = dyn FnMut(&Seen, Duration, Happened) + 'a;

/// After `divide`, which returns twice.
pub enum Side {
    /// Go on and do it: somebody looks on.
    Observed,
    Observer(Observer),
}

pub struct Observer {
    command: i32,
}

/// The caller has no threads.
pub fn divide() -> Result<Side> {
    const WHAT: &str = "cannot explain what is done";
    let (gate, gate_keeper) = file::pipe().context(WHAT)?;
    match process::clone3(0, None).context(WHAT)? {
        Forked::Child => {
            drop(gate_keeper);
            // Without the one who looks on there is nobody whom the caller could end or wait for.
            process::ask_to_end_with_parent().context(WHAT)?;
            // One byte: followed. None: there is nobody any more.
            match file::read(gate.as_fd(), &mut [0]) {
                Ok(1) => {
                    trace::be_looked_at();
                    Ok(Side::Observed)
                }
                _ => process::exit_now(1),
            }
        }
        Forked::Parent { pid, .. } => {
            let held = tracing::follow(pid).map_err(|errno| {
                Error::from_errno(WHAT, errno)
                    .doing("look at the calls of its own child (ptrace)")
                    .hint("sysctl kernel.yama.ptrace_scope must be below 3, and a sandbox around tare must allow ptrace")
            });
            let told = held.and_then(|()| file::write_all(gate_keeper.as_fd(), b"!").context(WHAT));
            drop((gate, gate_keeper));
            if let Err(error) = told {
                let _ = process::wait(pid);
                return Err(error);
            }
            Ok(Side::Observer(Observer { command: pid }))
        }
    }
}

impl Observer {
    /// Until the command has ended, and what ends with it. Its exit code.
    pub fn look_on(self, tell: &mut Tell) -> Result<i32> {
        // Whoever types ctrl-c means the command, which gets it as well and decides.
        let _theirs = Signals::new(&[signal::INTERRUPT, signal::QUIT]).context("cannot look on")?;
        let mut scene = Scene::new(self.command);
        loop {
            let (pid, stop) = match tracing::next() {
                Err(Errno::ECHILD) => break,
                other => other.context("cannot look on any more")?,
            };
            scene.on_stop(pid, stop, tell);
            if scene.code.is_some() && !scene.is_being_cleared_up() {
                break;
            }
        }
        // Whoever is still followed is let go by our own end.
        Ok(scene.code.unwrap_or(125))
    }
}

struct Scene {
    began: Instant,
    command: i32,
    /// The command's, once it has ended.
    code: Option<i32>,
    processes: BTreeMap<i32, Process>,
    /// Taken hold of before their parents' stop was told.
    early: Vec<i32>,
}

struct Process {
    seen: Seen,
    pending: Option<(Call, Instant)>,
    /// It runs the little program that executes the command, and has no steps of its own any more.
    is_stub: bool,
    is_let_go_after_call: bool,
}

impl Process {
    fn new(pid: i32, who: Who, step: Option<Step>, depth: usize) -> Process {
        Process { seen: Seen { pid, who, step, depth, is_thread: false }, pending: None, is_stub: false, is_let_go_after_call: false }
    }
}

impl Scene {
    fn new(command: i32) -> Scene {
        let processes = BTreeMap::from([(command, Process::new(command, Who::Command, None, 0))]);
        Scene { began: Instant::now(), command, code: None, processes, early: Vec::new() }
    }

    /// The command is told of the end before its monitor has taken everything down.
    fn is_being_cleared_up(&self) -> bool {
        self.processes.values().any(|process| process.seen.who == Who::Monitor && process.seen.step >= Some(Step::RememberEnd))
    }

    fn on_stop(&mut self, pid: i32, stop: tracing::Stop, tell: &mut Tell) {
        use tracing::Stop;
        let goes_on = match stop {
            Stop::Entry { number, arguments } => self.on_entry(pid, number, &arguments, tell),
            Stop::Exit { answer } => self.on_exit(pid, answer, tell),
            Stop::Born { child } => self.on_birth(pid, child),
            Stop::Executed => self.on_new_program(pid),
            Stop::Signal(signal) => tracing::go_on(pid, signal),
            Stop::Suspended => tracing::stay_suspended(pid),
            Stop::Held if !self.processes.contains_key(&pid) => {
                self.early.push(pid);
                Ok(())
            }
            Stop::Held => tracing::go_on(pid, 0),
            Stop::Ended { code } => {
                self.on_end(pid, code, tell);
                Ok(())
            }
        };
        // It may have been killed meanwhile, and then its end is told next.
        let _ = goes_on;
    }

    fn on_entry(&mut self, pid: i32, number: u64, arguments: &[u64; 6], tell: &mut Tell) -> Result<(), Errno> {
        let Some(process) = self.processes.get_mut(&pid) else { return tracing::go_on(pid, 0) };
        let mut word = [0; 4];
        if !process.is_stub && tracing::read(pid, trace::address_of_now() as u64, &mut word) == word.len() {
            let (step, who) = trace::from_memory(u32::from_le_bytes(word));
            // A child begins with the step of its parent, which is told already.
            let is_new = step != process.seen.step;
            (process.seen.step, process.seen.who) = (step, who);
            if let (true, Some(step)) = (is_new, step) {
                tell(&process.seen, self.began.elapsed(), Happened::Step(step));
            }
        }
        let asked = Asked {
            memory: &|address, into| tracing::read(pid, address, into),
            descriptor: &|number| tracing::descriptor_leads_to(pid, number),
        };
        let call = Call::read(number, arguments, &asked);
        process.pending = Some((call, Instant::now()));
        tracing::go_on(pid, 0)
    }

    fn on_exit(&mut self, pid: i32, answer: i64, tell: &mut Tell) -> Result<(), Errno> {
        let Some(process) = self.processes.get_mut(&pid) else { return tracing::go_on(pid, 0) };
        if let Some((call, began)) = process.pending.take() {
            tell(&process.seen, self.began.elapsed(), Happened::Called { call: &call, answer, took: began.elapsed() });
        }
        if !process.is_let_go_after_call {
            return tracing::go_on(pid, 0);
        }
        tell(&process.seen, self.began.elapsed(), Happened::Became(program_of(pid)));
        self.processes.remove(&pid);
        tracing::let_go(pid, 0)
    }

    fn on_birth(&mut self, pid: i32, child: i32) -> Result<(), Errno> {
        let parent = self.processes.get(&pid).map(|process| (process.seen.who, process.seen.step, process.seen.depth + 1));
        let (who, step, depth) = parent.unwrap_or((Who::Command, None, 0));
        let mut new = Process::new(child, who, step, depth);
        new.seen.is_thread = process::is_thread_of(child, pid);
        self.processes.insert(child, new);
        if let Some(at) = self.early.iter().position(|early| *early == child) {
            self.early.remove(at);
            let _ = tracing::go_on(child, 0);
        }
        tracing::go_on(pid, 0)
    }

    /// The reaper, and programs of others, are followed no further; our stub is, until it has executed the user's command.
    fn on_new_program(&mut self, pid: i32) -> Result<(), Errno> {
        if let Some(process) = self.processes.get_mut(&pid) {
            let by_descriptor = process.pending.as_ref().is_some_and(|(call, _)| call.name == "execveat");
            let is_stub = by_descriptor && process.seen.step == Some(Step::Execute);
            (process.is_stub, process.is_let_go_after_call) = (is_stub, !is_stub);
        }
        tracing::go_on(pid, 0)
    }

    fn on_end(&mut self, pid: i32, code: i32, tell: &mut Tell) {
        if pid == self.command {
            self.code = Some(code);
        }
        if let Some(process) = self.processes.remove(&pid) {
            tell(&process.seen, self.began.elapsed(), Happened::Ended { code });
        }
    }
}

fn program_of(pid: i32) -> String {
    let line = process::look(pid).map_or_else(String::new, |look| look.command);
    line.split(' ').next().unwrap_or_default().to_owned()
}
