//! Who may change a container: whoever holds the lock on the file `alive` in its run directory.
//!
//! The run directory is the first that is made of a container and the last that is removed, and the kernel drops a lock when its
//! last holder dies. So what is there without a held lock is at rest, or was left behind by somebody who was killed, and
//! whoever takes the lock may put it right at once (`repair.rs`): nobody has to guess how old a leftover must be.
//!
//! A directory may be taken away between the moments in which it is made and locked. Whoever gets the lock therefore looks
//! whether it is still the lock of the directory that has the name now, and else begins again.

use crate::error::{Error, Result};
use crate::paths::{ContainerPaths, GONE, Paths};
use crate::store::{self, Lock};
use crate::sys::{Errno, file, process};
use std::time::{Duration, Instant};

/// A monitor that ends has little left to do; only a kernel that is very busy makes it wait so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// `None`: somebody else has it. The run directory is made where there is none.
pub fn try_take(files: &ContainerPaths) -> Result<Option<Lock>> {
    loop {
        store::make_dir_below(&files.live)?;
        match store::try_lock(&files.alive()) {
            Ok(Some(lock)) if lock.is_of(&files.alive()) => return Ok(Some(lock)),
            Ok(Some(_taken_away_meanwhile)) => {}
            Ok(None) => return Ok(None),
            Err(error) if error.errno() == Some(Errno::ENOENT) => {}
            Err(error) => {
                // The disk may be full; a directory in which nobody is has been made for nothing.
                let _ = file::remove_dir(&files.live);
                return Err(error);
            }
        }
    }
}

/// Waits until whoever has it lets go.
pub fn take(files: &ContainerPaths) -> Result<Lock> {
    let mut patience = Patience::begin();
    loop {
        match try_take(files)? {
            Some(lock) => return Ok(lock),
            None => patience.wait()?,
        }
    }
}

/// Takes the run directory away as a whole, by one rename: whoever starts the container again at this moment makes a directory
/// of his own, and nothing of his is removed with ours. Only for who holds the container.
pub fn forget_live(files: &ContainerPaths) {
    if file::rename(&files.live, &files.gone()) == Err(Errno::ENOTEMPTY) {
        // One whose remover was killed at this very place.
        clear(files);
        let _ = file::rename(&files.live, &files.gone());
    }
    clear(files);
}

/// Another may be removing the same tree, and each be disturbed by what the other took away.
fn clear(files: &ContainerPaths) {
    for _ in 0..10 {
        let _ = file::remove_tree(&files.gone());
        if !files.gone().exists() {
            return;
        }
    }
}

/// What killed processes left of that. The lock is held by whoever is still at it.
pub fn sweep_gone(paths: &Paths) {
    for entry in std::fs::read_dir(paths.live_containers()).into_iter().flatten().flatten() {
        if let Some(id) = entry.file_name().to_str().and_then(|name| name.strip_prefix(GONE)) {
            let files = ContainerPaths::new(paths, id, true);
            if !store::is_held(&files.gone_alive()).unwrap_or(true) {
                clear(&files);
            }
        }
    }
}

/// How long one waits for another process of ours.
pub struct Patience(Instant);

impl Patience {
    pub fn begin() -> Patience {
        Patience(Instant::now())
    }

    /// One short wait; an error when it has been long enough.
    pub fn wait(&mut self) -> Result<()> {
        if self.0.elapsed() > PATIENCE {
            return Err(Error::failed("another process holds the container and does not come to an end").hint("look for it with ps"));
        }
        process::sleep(Duration::from_micros(500));
        Ok(())
    }
}
