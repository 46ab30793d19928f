//! Where a copy lands and what it is called there: Docker's rules, which are nearly those of cp(1).

use crate::engine::copy::place::{Source, Target, check_writable};
use crate::error::{Error, Result};
use crate::sys::beneath::Directory;

pub struct Landing {
    pub into: Directory,
    /// Empty: what is in the source directory goes there without a directory around it.
    pub called: Vec<u8>,
}

pub fn land(source: &Source, target: Target) -> Result<Landing> {
    let landing = match target {
        Target::Directory(into) => Landing { into, called: source.name().unwrap_or_default().to_vec() },
        Target::File { .. } if source.is_directory() => {
            return Err(Error::conflict("cannot copy a directory to a place where a file is"));
        }
        Target::Missing { as_directory: true, .. } if !source.is_directory() => {
            return Err(Error::no_such("there is no such directory to put it into").hint("make it first"));
        }
        Target::File { parent, name } | Target::Missing { parent, name, .. } => Landing { into: parent, called: name },
    };
    check_writable(&landing.into)?;
    Ok(landing)
}
