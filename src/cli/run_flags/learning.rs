//! For whoever wants to see what a container is: the work told, and parts of it left out.

use super::words::{Flag, Flags, list, perhaps};
use crate::error::{Error, Result};
use crate::options::Wishes;
use crate::options::without::{self, Part};
use crate::sys::user_namespace;

pub const FLAGS: &[Flag] = &[
    perhaps("explain", "short", "short|full|json|sh", "Tell each step; sh: as a shell script, and do nothing"),
    list("without", None, "PART", "Leave out pid, mount, net, caps …, to see what it was good for"),
];

/// Last of all: only now is it known what else was said of a part.
pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    let parts: Vec<Part> = flags.parse_all("without", without::parse)?.concat();
    if parts.contains(&Part::User) && !user_namespace::is_initial() {
        return Err(Error::cannot_keep("cannot leave out the user namespace")
            .because("it is what lets an ordinary user make containers at all")
            .hint("run it as root"));
    }
    without::leave_out(wishes, parts, flags.all("network").next().is_some())
}
