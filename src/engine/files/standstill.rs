//! A container whose files are read stands still meanwhile, and goes on afterwards whatever happens to us.
//!
//! One that rests is held, so that nobody starts it. One that runs is frozen by a process of its own, which waits at a pipe and
//! thaws it when the other end is closed: by us, or by the kernel when we are killed. Only who kills both leaves the container
//! paused; `ps` shows that, and `unpause` ends it.

use crate::engine::{find, hold, pause as pausing, start};
use crate::error::{Context, Error, Result};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Live, Status};
use crate::runtime::cgroup::Group;
use crate::store::{self, Lock};
use crate::sys::process::{self, Forked};
use crate::sys::{file, signal, user_namespace};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Whether one that runs stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    No,
    /// What who says nothing gets: the machine's root has a control group for every container, and an ordinary user rarely.
    IfPossible,
    Must,
}

/// As long as it lives, nothing in the container moves. Neither of both: somebody has paused it, and it stays so, or nobody wants
/// it to stand still.
#[derive(Default)]
pub struct Standstill {
    _resting: Option<Resting>,
    _frozen: Option<Frozen>,
}

struct Resting {
    files: ContainerPaths,
    keep_records: bool,
    _held: Lock,
}

struct Frozen {
    group: Group,
    guard: i32,
    /// What the guard waits at.
    end: Option<OwnedFd>,
}

/// The container as it is from now on, what keeps it so, and a note where nothing does.
pub fn begin(paths: &Paths, id: &str, pause: Pause) -> Result<(Container, Standstill, Option<Error>)> {
    let mut patience = hold::Patience::begin();
    loop {
        let seen = find::by_id(paths, id)?.ok_or_else(|| start::gone(id))?;
        let files = seen.files(paths);
        if seen.live.is_some() {
            if pause == Pause::No || seen.status == Status::Paused {
                return Ok((seen.record, Standstill::default(), None));
            }
            let live = seen.running()?;
            if pause == Pause::IfPossible && !user_namespace::is_initial() && pausing::group(live).is_none() {
                let note = Error::failed(format!("note: {} went on while it was read", seen.record.name)).because(NO_GROUP);
                return Ok((seen.record, Standstill::default(), Some(note.hint("stop it first where that matters"))));
            }
            // Of two who want this at once, one comes after the other, and does not take the first one's pause for a person's.
            let one_at_a_time = store::lock_dir(&files.upper())?;
            if let Some(frozen) = freeze_group(live, one_at_a_time)? {
                return Ok((seen.record, Standstill { _frozen: Some(frozen), ..Standstill::default() }, None));
            }
            continue;
        }
        match hold::try_take(&files)? {
            None => patience.wait()?,
            Some(held) => {
                if let Some((record, held)) = start::settled(paths, id, held)? {
                    let resting = Resting { files, keep_records: record.wishes.remove, _held: held };
                    return Ok((record, Standstill { _resting: Some(resting), ..Standstill::default() }, None));
                }
            }
        }
    }
}

const NO_GROUP: &str = "it has no control group, which could be frozen";

impl Drop for Resting {
    fn drop(&mut self) {
        // The run directory was made for the lock; that of a container which was made with --rm has its records in it.
        if !self.keep_records {
            hold::forget_live(&self.files);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.end.take());
        let done = process::wait(self.guard).is_ok_and(|status| status.code() == 0);
        if !done {
            // It was killed, or could not: then we must.
            let _ = self.group.set_frozen(false);
        }
    }
}

/// `None`: somebody has paused it, or ended it, in this very moment. The caller has no threads (see `clone3`).
fn freeze_group(live: &Live, one_at_a_time: Lock) -> Result<Option<Frozen>> {
    const WHAT: &str = "cannot let it stand still";
    let Some(group) = pausing::group(live) else {
        return Err(Error::cannot_keep(WHAT).because(NO_GROUP).hint("read it as it runs: --no-pause"));
    };
    if group.is_frozen() {
        return Ok(None);
    }
    let (end, our_end) = file::pipe().context(WHAT)?;
    let (word, their_word) = file::pipe().context(WHAT)?;
    // Outside the caller's group: whoever ends our service must not end the guard with us.
    let leaf = Group::of_monitors();
    match process::clone3(0, leaf.as_ref().map(Group::descriptor)).context(WHAT)? {
        Forked::Child => {
            drop((our_end, word));
            let code = i32::from(guard(&group, end, their_word, &one_at_a_time).is_err());
            process::exit_now(code)
        }
        Forked::Parent { pid, .. } => {
            drop((end, their_word));
            let frozen = Frozen { group, guard: pid, end: Some(our_end) };
            let mut told = Vec::new();
            std::fs::File::from(word).read_to_end(&mut told).context(WHAT)?;
            match told == b"+" {
                true => Ok(Some(frozen)),
                false if !frozen.group.is_populated() => Ok(None),
                false => Err(Error::failed(WHAT).because("some of its processes do not stop").hint("read it as it runs: --no-pause")),
            }
        }
    }
}

/// A new process, in which nothing of the caller's is left but what it needs.
fn guard(group: &Group, end: OwnedFd, word: OwnedFd, one_at_a_time: &Lock) -> Result<(), crate::sys::Errno> {
    signal::block_all()?;
    let raw = |fd: BorrowedFd| fd.as_raw_fd();
    process::leave_caller(
        file::open_dev_null()?,
        &[raw(end.as_fd()), raw(word.as_fd()), raw(group.descriptor()), one_at_a_time.descriptor()],
    )?;
    let frozen = group.set_frozen(true);
    if frozen.is_ok() {
        file::write_all(word.as_fd(), b"+")?;
        drop(word);
        while file::read(end.as_fd(), &mut [0])? > 0 {}
    }
    group.set_frozen(false).and(frozen)
}
