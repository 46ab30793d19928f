//! File systems in memory. One takes the place of a directory: with its mode where none was asked for, and with what lies in it
//! where that was (`tmpcopyup`).

use crate::runtime::child::{At, Failure, Result};
use crate::runtime::plan::{Plan, PlannedMount};
use crate::sys::beneath::Directory;
use crate::sys::mount::{self, Flags};
use crate::sys::{Errno, copy, file, inside};
use crate::trace::Step;
use std::os::fd::AsFd;

/// Writable for now, also one that shall not be: the mount points of others may lie in it.
pub fn mount(planned: &PlannedMount, step: Step) -> Result<()> {
    let target = planned.target;
    let what = || format!("mount tmpfs on {}", target.display());
    let covered = match Directory::open_inside_root(target) {
        Err(Errno::ENOENT) => {
            inside::make_dirs(target, 0o755).at(step, || format!("make directory {}", target.display()))?;
            None
        }
        other => Some(other.at(step, what)?),
    };
    let mut options = planned.options.data.clone();
    if let (Some(covered), false) = (&covered, options.iter().any(|option| option.starts_with("mode="))) {
        options.push(format!("mode={:o}", file::mode(covered.as_fd()).at(step, what)?));
    }
    let flags = planned.options.flags.difference(Flags::MS_RDONLY);
    let target = mount::open_target(target).at(step, what)?;
    inside::mount_over(target.as_fd(), "tmpfs", planned.source, flags, &options.join(",")).at(step, what)?;
    match covered {
        Some(covered) if planned.options.copy_up => copy_up(planned, &covered, step),
        _ => Ok(()),
    }
}

/// Nothing is followed on the way, and what does not fit into the file system's size is an error.
fn copy_up(planned: &PlannedMount, covered: &Directory, step: Step) -> Result<()> {
    let what = || format!("copy up {}", planned.target.display());
    let into = Directory::open_inside_root(planned.target).at(step, what)?;
    copy::content(covered, &into).map_err(|error| {
        let errno = error.errno().unwrap_or(Errno::EIO);
        let text = error.to_string();
        Failure::new(step, errno, format!("{}: {}", what(), text.strip_suffix(&format!(": {}", errno.desc())).unwrap_or(&text)))
    })
}

/// Those that shall be read-only, when everything that lies in them is there.
pub fn close(plan: &Plan) -> Result<()> {
    let read_only = |planned: &&PlannedMount| planned.kind == "tmpfs" && planned.options.flags.contains(Flags::MS_RDONLY);
    plan.mounts.iter().filter(read_only).try_for_each(|planned| {
        mount::close(planned.target).at(Step::MountWishes, || format!("make {} read-only", planned.target.display()))
    })
}
