//! Paths of /proc and /sys that show or change the whole machine: hidden behind nothing, or made read-only.

use crate::runtime::child::{At, Failure, Result};
use crate::runtime::plan::Plan;
use crate::sys::mount::{self, Flags, attribute};
use crate::sys::{Errno, file, inside};
use crate::trace::{self, Step};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

pub fn hide(plan: &Plan) -> Result<()> {
    trace::begin(Step::HidePaths);
    for path in plan.protected {
        protect(Path::new(path)).at(Step::HidePaths, || format!("protect {path}"))?;
    }
    let mut nothing = Nothing::default();
    for path in plan.masked {
        nothing.cover(Path::new(path))?;
    }
    Ok(())
}

fn protect(path: &Path) -> Result<(), Errno> {
    let target = match mount::open_target(path) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
        other => other?,
    };
    let tree = mount::detached_tree_of(target.as_fd(), true)?;
    // The rest of its attributes it has from the mount it is a part of.
    mount::set_attributes(tree.as_fd(), true, attribute::READ_ONLY, 0, 0)?;
    mount::attach_over(tree, target.as_fd())
}

/// An empty read-only directory, and the null device, each made once and hung over many paths.
#[derive(Default)]
struct Nothing {
    null: Option<OwnedFd>,
    empty: Option<OwnedFd>,
}

impl Nothing {
    fn cover(&mut self, path: &Path) -> Result<()> {
        let what = || format!("hide {}", path.display());
        let target = match mount::open_target(path) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
            other => other.at(Step::HidePaths, what)?,
        };
        let cover =
            if file::is_dir(target.as_fd()).at(Step::HidePaths, what)? { self.empty(path, target.as_fd())? } else { Some(self.null()?) };
        match cover {
            Some(tree) => mount::attach_over(tree, target.as_fd()).at(Step::HidePaths, what),
            None => Ok(()),
        }
    }

    /// The first directory gets a new tmpfs; the others copies of that mount. `None`: it has just been mounted.
    fn empty(&mut self, path: &Path, target: BorrowedFd) -> Result<Option<OwnedFd>> {
        let what = || format!("hide {}", path.display());
        match &self.empty {
            Some(tree) => mount::detached_copy_of(tree.as_fd()).at(Step::HidePaths, what).map(Some),
            None => {
                inside::mount_over(target, "tmpfs", "tmpfs", Flags::MS_RDONLY, "size=0,nr_inodes=1").at(Step::HidePaths, what)?;
                self.empty = Some(mount::open_target(path).at(Step::HidePaths, what)?);
                Ok(None)
            }
        }
    }

    /// By descriptor, and looked at: a /dev/null that somebody exchanged would open what should be hidden (CVE-2025-31133).
    fn null(&mut self) -> Result<OwnedFd> {
        if self.null.is_none() {
            let null = mount::open_target(Path::new("/dev/null")).at(Step::HidePaths, "open /dev/null")?;
            if !mount::is_null_device(null.as_fd()).at(Step::HidePaths, "look at /dev/null")? {
                return Err(Failure { step: Step::HidePaths, errno: Errno::ENODEV, what: "/dev/null is not the null device".into() });
            }
            self.null = Some(null);
        }
        let null = self.null.as_ref().map(AsFd::as_fd).ok_or_else(|| Failure::new(Step::HidePaths, Errno::ENODEV, "/dev/null"))?;
        mount::detached_copy_of(null).at(Step::HidePaths, "copy /dev/null")
    }
}
