//! The layers of a container as one tree, before it runs: shown to a short-lived process with mounts of its own.
//!
//! The engine wants to read what an image has at a path, or whom its /etc/passwd knows. The layers are only parts; the whole is
//! an overlay, and no mount of ours may appear on the host. So a process in a mount namespace of its own mounts it, looks, and
//! ends; whoever kills it leaves no mount behind.

use crate::error::{Context, Error, Result};
use crate::runtime::plan::Plan;
use crate::runtime::root::stack_image;
use crate::sys::mount::{self, Flags};
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{Errno, file};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// What the process may say.
const LONGEST_WORD: u64 = 64 << 10;
const FINE: &[u8] = b"+";
const FAILED: &[u8] = b"-";

/// `deed` sees the layers at a directory, for reading; what it returns is returned. The caller has no threads (see `clone3`).
pub fn see(plan: &Plan, deed: impl FnOnce(&Path) -> Result<String>) -> Result<String> {
    const WHAT: &str = "cannot look into the image";
    let (ours, theirs) = file::pipe().context(WHAT)?;
    match process::clone3(namespace::MOUNT, None).context(WHAT)? {
        Forked::Child => {
            drop(ours);
            let seen = mount_layers(plan).and_then(|()| deed(plan.root));
            process::exit_now(i32::from(tell(theirs, seen).is_err()))
        }
        Forked::Parent { pid, .. } => {
            drop(theirs);
            let mut word = Vec::new();
            let heard = std::fs::File::from(ours).take(LONGEST_WORD).read_to_end(&mut word);
            process::wait(pid).context(WHAT)?;
            heard.context(WHAT)?;
            let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
            match (word.strip_prefix(FINE), word.strip_prefix(FAILED)) {
                (Some(fine), _) => Ok(text(fine)),
                (_, Some(failed)) => Err(Error::failed(text(failed))),
                _ => Err(Error::failed(WHAT).because("the process that looked was killed")),
            }
        }
    }
}

fn mount_layers(plan: &Plan) -> Result<()> {
    const WHAT: &str = "cannot stack the layers";
    process::die_with_parent().context(WHAT)?;
    mount::set_propagation(Path::new("/"), Flags::MS_REC | Flags::MS_PRIVATE).context(WHAT)?;
    stack_image(plan).map_err(|failure| failure.into_error())
}

fn tell(pipe: OwnedFd, seen: Result<String>) -> Result<(), Errno> {
    let (mark, text) = match seen {
        Ok(text) => (FINE, text),
        Err(error) => (FAILED, error.to_string()),
    };
    file::write_all(pipe.as_fd(), &[mark, text.as_bytes()].concat())
}
