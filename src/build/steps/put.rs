//! The files of a COPY or ADD get to where they shall be.

use crate::build::files::{self, Chmod, Errand, Options, Part, Selection};
use crate::build::stage::Working;
use crate::build::steps::groups::{Group, made_place};
use crate::dockerfile::instruction::Copy;
use crate::error::Result;
use crate::sys::beneath::Directory;

/// Where it goes.
pub struct Onto<'a> {
    pub workdir: &'a str,
    /// Whose lists name those of `--chown`.
    pub users: Option<&'a Directory>,
    pub root: &'a Directory,
}

/// Brings what has to be brought, and copies all of it in its order.
pub fn put(working: &mut Working, copy: &Copy, here: Vec<Selection>, mut groups: Vec<Group>, onto: Onto) -> Result<()> {
    let options = Options {
        chown: copy.chown.as_deref().map(|wish| files::owner(wish, onto.users)).transpose()?,
        chmod: copy.chmod.as_deref().map(Chmod::parse).transpose()?,
    };
    let mut brought = Vec::new();
    for group in &mut groups {
        if let Group::Elsewhere { errand, place } = group {
            brought.push(errand.carry_out(made_place(working, place)?)?);
        }
    }
    let (mut here, mut brought) = (here.into_iter(), brought.iter());
    let mut selections = Vec::new();
    for group in &groups {
        match group {
            Group::Here { unpacks, .. } => selections.extend(here.next().map(|selection| (selection, *unpacks))),
            Group::Elsewhere { errand, .. } => {
                let unpacks = copy.unpack == Some(true) && matches!(errand, Errand::File(_));
                selections.extend(brought.next().map(|tree| errand.select(tree)).transpose()?.map(|selection| (selection, unpacks)));
            }
        }
    }
    let parts: Vec<Part> = selections.iter().map(|(selection, unpacks)| Part { selection, unpacks: *unpacks }).collect();
    files::carry_out_all(&parts, &copy.target, onto.workdir, &options, onto.root).map(drop)
}
