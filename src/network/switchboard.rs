//! Where the bridges of an ordinary user lie: not on this host, whose network is root's, but in a network namespace of his own.
//!
//! It is nothing but a switchboard. The bridges in it have no addresses, so nothing goes from one to another, and no way leads out of
//! it: that is `pasta`'s business, in each container apart (`network/pasta/`). Everything else is as root has it on the host, because
//! what is told to the kernel is told to the namespace that we are in.
//!
//! It lives as long as somebody holds it: the monitor of every container that is in a network has it open, and nobody is there only
//! for that. `RUN/switchboard` says who had it last; where that one is gone it is looked for among the descriptors of all processes.
//! When the last one lets it go nothing is lost, because the next container makes its bridge anew.

use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::{file, network, process};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

const LONGEST: u64 = 256;

/// Its number, and a descriptor of a process that holds it.
struct Known {
    number: u64,
    holder: PathBuf,
}

/// The host's network is somebody else's, and may not be changed.
pub fn is_needed() -> bool {
    !network::is_own()
}

/// For as long as the result is kept; made by whoever is first. `None`: the host's network will do.
pub fn hold(paths: &Paths) -> Result<Option<OwnedFd>> {
    if !is_needed() {
        return Ok(None);
    }
    store::make_dirs(paths.run())?;
    let _one_at_a_time = store::lock(&paths.switchboard_lock())?;
    if let Some(found) = find(paths) {
        return Ok(Some(found));
    }
    let made = network::make().context("cannot make a namespace for networks")?;
    remember(paths, &made)?;
    Ok(Some(made))
}

/// Does the work where the bridges lie. `None`: nobody is in a network, so there are none.
pub fn visit<T: Send>(paths: &Paths, work: impl FnOnce() -> Result<T> + Send) -> Result<Option<T>> {
    if !is_needed() {
        return work().map(Some);
    }
    match find(paths) {
        Some(board) => at(Some(&board), work).map(Some),
        None => Ok(None),
    }
}

/// Does the work at a switchboard that is held; without one here, on the host.
pub fn at<T: Send>(board: Option<&OwnedFd>, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    match board {
        None => work(),
        Some(board) => network::visit(board.as_fd(), work).context("cannot go to the networks' namespace")?,
    }
}

/// We hold it from now on, and can be asked for it.
fn remember(paths: &Paths, board: &OwnedFd) -> Result<()> {
    let number = network::number_of(board.as_fd()).context("cannot look at the networks' namespace")?;
    let line = format!("{number} /proc/{}/fd/{}\n", process::own_pid(), board.as_raw_fd());
    store::write(&paths.switchboard(), line.as_bytes(), Durable::No)
}

fn find(paths: &Paths) -> Option<OwnedFd> {
    let known = parse(&String::from_utf8_lossy(&file::read_bounded(&paths.switchboard(), LONGEST).ok()?))?;
    let of_holder = open_if_it_is(&known.holder, known.number);
    of_holder.or_else(|| descriptors().find_map(|path| open_if_it_is(&path, known.number)))
}

/// Asked by name first, because to open one costs more; then by the descriptor, which nothing can change any more.
fn open_if_it_is(path: &Path, number: u64) -> Option<OwnedFd> {
    let link = std::fs::read_link(path).ok()?;
    if link.as_os_str() != format!("net:[{number}]").as_str() {
        return None;
    }
    let found = file::open(path, file::OFlag::O_RDONLY).ok()?;
    (network::number_of(found.as_fd()) == Ok(number)).then_some(found)
}

/// Of all processes that let us look at theirs: our own, and those of containers, which hold nothing of this kind.
fn descriptors() -> impl Iterator<Item = PathBuf> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = processes.filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
    numbered.flat_map(|entry| std::fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten()).map(|entry| entry.path())
}

fn parse(text: &str) -> Option<Known> {
    let (number, holder) = text.trim().split_once(' ')?;
    Some(Known { number: number.parse().ok()?, holder: PathBuf::from(holder) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_nobody_s() {
        let known = parse("4026532000 /proc/17/fd/9\n").unwrap();
        assert_eq!((known.number, known.holder.as_path()), (4_026_532_000, Path::new("/proc/17/fd/9")));
        for text in ["", "17", "x /proc/17/fd/9"] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_descriptor_is_what_its_number_says() {
        let own = file::open(Path::new("/proc/self/ns/net"), file::OFlag::O_RDONLY).unwrap();
        let number = network::number_of(own.as_fd()).unwrap();
        let path = PathBuf::from(format!("/proc/self/fd/{}", own.as_raw_fd()));
        assert!(open_if_it_is(&path, number).is_some());
        assert!(open_if_it_is(&path, number + 1).is_none() && open_if_it_is(Path::new("/proc/self/fd/none"), number).is_none());
    }
}
