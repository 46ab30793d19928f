//! Where a copy lands and what it is called there: Docker's rules, which are nearly those of cp(1).

use crate::engine::copy::place::{Source, Target, check_writable};
use crate::error::{Context, Error, Result};
use crate::sys::beneath::{Directory, Held};

pub struct Landing {
    pub into: Directory,
    /// Empty: what is in the source directory goes there without a directory around it.
    pub called: Vec<u8>,
}

pub fn land(source: &Source, target: Target) -> Result<Landing> {
    check_writable(&itself(&target)?)?;
    Ok(match target {
        Target::Directory(into) => Landing { into, called: source.name().unwrap_or_default().to_vec() },
        Target::File { .. } if source.is_directory() => {
            return Err(Error::conflict("cannot copy a directory to a place where a file is"));
        }
        Target::Missing { as_directory: true, .. } if !source.is_directory() => {
            return Err(Error::no_such("there is no such directory to put it into").hint("make it first"));
        }
        Target::File { parent, name } | Target::Missing { parent, name, .. } => Landing { into: parent, called: name },
    })
}

/// Where something is written: a file that is mounted by itself is, whatever its directory allows.
fn itself(target: &Target) -> Result<Held> {
    const WHAT: &str = "cannot look at its directory";
    match target {
        Target::Directory(directory) | Target::Missing { parent: directory, .. } => directory.hold_itself().context(WHAT),
        Target::File { parent, name } => {
            let held = parent.hold(name).context(WHAT)?;
            if held.is_mount_point().context(WHAT)? { Ok(held) } else { parent.hold_itself().context(WHAT) }
        }
    }
}
