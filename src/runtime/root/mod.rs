//! The container's world of files, from the host's mounts cut off to the last path hidden.
//!
//! The order is the protection. What comes from the host is taken hold of by descriptor while the host's root is still ours;
//! then the new root is entered and the old one is gone; everything after that names paths in the container's root, where the
//! kernel itself keeps every `..` and every symlink inside (CVE-2021-30465, CVE-2019-18837 and their kin). Nothing of the
//! container runs yet.

mod devices;
mod hide;
mod memory;
mod mounts;
mod neighbour;
pub mod options;
pub mod outside;
pub mod owners;
mod small_files;

pub use devices::{LINKS, USUAL};
pub use mounts::{stack, stack_image};

use crate::runtime::child::{At, Result};
use crate::runtime::plan::Plan;
use crate::runtime::root::outside::Outside;
use crate::spec::sysctl;
use crate::sys::mount::{self, Flags};
use crate::sys::process::namespace;
use crate::sys::{Errno, file, user_namespace};
use crate::trace::{self, Step, Who};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// `before_root` is for hooks, which see the whole host and the container's mounts below the root's directory.
/// `place`: where the container's own files go, if its root may not go there.
pub fn furnish(plan: &Plan, place: Option<OwnedFd>, before_root: &dyn Fn() -> Result<()>) -> Result<()> {
    // What shall reach the host later is taken hold of before the cut: a copy of a shared mount stays one with it.
    trace::begin(Step::GatherSources);
    let shared = mounts::gather(plan, None, |planned| plan.shares_with_host(planned))?;
    trace::begin(Step::CutMounts);
    // From here on nothing that we mount or unmount reaches the host, and what is mounted there still reaches us.
    mount::set_propagation(Path::new("/"), Flags::MS_REC | Flags::MS_SLAVE).at(Step::CutMounts, "make / a slave")?;
    trace::begin(Step::GatherSources);
    let small = match (&plan.small_files, place) {
        (Some(small), Some(place)) => Some(small_files::write_over(small, place.as_fd())?),
        (Some(small), None) => small_files::write(small).map(|()| None)?,
        (None, _) => None,
    };
    let others = mounts::gather(plan, small.as_ref(), |planned| !plan.shares_with_host(planned))?;
    let sources = shared.into_iter().zip(others).map(|(shared, other)| shared.or(other)).collect();
    let nodes = devices::Nodes::of(plan)?;
    mounts::stack_layers(plan)?;
    trace::begin(if plan.keeps_host_root { Step::OnlyChangeRoot } else { Step::EnterRoot });
    let detour = needs_detour(plan).then(|| Detour::begin(plan)).transpose()?;
    if detour.is_none() {
        enter(plan)?;
    }
    trace::act_as(Who::ChildInside);
    let read_only = mounts::attach_all(plan, sources, &nodes)?;
    devices::make_wished(plan, &nodes)?;
    memory::close(&read_only)?;
    set_sysctls(plan)?;
    hide::hide(plan)?;
    if let Some(detour) = detour.filter(|_| !plan.keeps_host_root) {
        trace::begin(Step::EnterRoot);
        detour.end()?;
        if plan.has_hooks_before_root() {
            before_root()?;
        }
        enter_here(plan)?;
    }
    // Last, because mounts on a shared one become shared themselves, and an unbindable one cannot be copied to protect its files.
    if plan.propagation.intersects(Flags::MS_SHARED | Flags::MS_SLAVE | Flags::MS_UNBINDABLE) {
        trace::begin(Step::CloseRoot);
        mount::set_propagation(Path::new("/"), plan.propagation).at(Step::CloseRoot, "set the propagation of /")?;
    }
    if plan.read_only_root {
        trace::begin(Step::CloseRoot);
        mount::close(Path::new("/")).at(Step::CloseRoot, "remount / read-only")?;
    }
    Ok(())
}

/// The container's files without the container: its layers, what it has written, and what is bound into it. We are in a mount
/// namespace of our own, which ends with us.
pub fn show(plan: &Plan) -> Result<()> {
    let sources = mounts::gather(plan, None, |_| true)?;
    let nodes = devices::Nodes::of(plan)?;
    mounts::stack_layers(plan)?;
    enter(plan)?;
    mounts::attach_all(plan, sources, &nodes)?;
    match plan.read_only_root {
        true => mount::close(Path::new("/")).at(Step::CloseRoot, "remount / read-only"),
        false => Ok(()),
    }
}

/// Hooks want to see the finished mounts from outside; and in a user namespace the kernel mounts a /proc or /sys only while
/// another one is in sight (mount_namespaces(7)).
fn needs_detour(plan: &Plan) -> bool {
    plan.keeps_host_root || plan.has_hooks_before_root() || plan.namespaces.has(namespace::USER) || !user_namespace::is_machine_s_root()
}

/// The container's mounts are made while its root is ours by chroot(2) only: paths stay inside just as well, and there is a way
/// back. Then the hooks run, and the root is entered for good.
struct Detour {
    host: OwnedFd,
    root: OwnedFd,
}

impl Detour {
    fn begin(plan: &Plan) -> Result<Detour> {
        let host = file::open_dir(Path::new("/")).at(Step::EnterRoot, "hold the host's root")?;
        go_to_root(plan)?;
        let root = mount::open_target(Path::new(".")).at(Step::EnterRoot, || format!("open {}", plan.root.display()))?;
        mount::change_root(Path::new(".")).at(Step::EnterRoot, || format!("chroot {}", plan.root.display()))?;
        Ok(Detour { host, root })
    }
    fn end(self) -> Result<()> {
        mount::change_root_to(self.host.as_fd()).at(Step::EnterRoot, "return to the host's root")?;
        mount::change_dir_to(self.root.as_fd()).at(Step::EnterRoot, "chdir to the container's root")
    }
}

/// Where the host's root is an initramfs (many virtual machines for tests), pivot_root cannot work: the new root is moved over it.
/// The old one lies below it then instead of being gone. No path leads there; only CAP_SYS_ADMIN could take the new one away.
fn enter(plan: &Plan) -> Result<()> {
    go_to_root(plan)?;
    enter_here(plan)
}

fn enter_here(plan: &Plan) -> Result<()> {
    let pivoted = if plan.strict.is_some_and(|strict| strict.moves_root) { Err(Errno::EINVAL) } else { mount::pivot_root_here() };
    match pivoted {
        Err(Errno::EINVAL) => mount::move_root_here().at(Step::EnterRoot, "move . to /")?,
        other => other.at(Step::EnterRoot, "pivot_root(\".\", \".\")")?,
    }
    mount::change_dir(Path::new("/")).at(Step::EnterRoot, "chdir /")
}

fn go_to_root(plan: &Plan) -> Result<()> {
    let gone = match &plan.outside {
        Some(Outside { root: Some(root), .. }) => mount::change_dir_to(root.as_fd()),
        // We are there (`child/`), and could not go there any more.
        Some(Outside { root: None, .. }) => Ok(()),
        None => mount::change_dir(plan.root),
    };
    gone.at(Step::EnterRoot, || format!("chdir {}", plan.root.display()))
}

/// Only what belongs to one of the container's own namespaces gets here (`plan/`). Written before /proc/sys becomes read-only,
/// and through a procfs of our own: a mount that an image's symlink led below /proc must not catch it (CVE-2025-52881).
fn set_sysctls(plan: &Plan) -> Result<()> {
    if plan.sysctl.is_empty() {
        return Ok(());
    }
    trace::begin(Step::TuneKernel);
    let proc = mount::private_proc().at(Step::TuneKernel, "open a procfs")?;
    for (name, value) in &plan.sysctl {
        let path = format!("sys/{}", sysctl::path(name));
        file::write_kernel_file_beneath(proc.as_fd(), &path, value).at(Step::TuneKernel, || format!("set --sysctl {name} to {value}"))?;
    }
    Ok(())
}
