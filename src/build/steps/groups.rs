//! What the sources of a COPY or ADD are: names in one tree, or errands for what has to be brought first.

use crate::build::files::{self, Errand, Selection, Tree};
use crate::build::stage::Working;
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::instruction::Copy;
use crate::error::{Context, Error, Result};
use crate::sys::file;
use std::path::PathBuf;

/// Sources that are taken together, in the order in which they are written.
pub enum Group {
    /// In one tree. Archives among them may be unpacked.
    Here {
        sources: Vec<String>,
        unpacks: bool,
    },
    Elsewhere {
        errand: Errand,
        place: Option<PathBuf>,
    },
}

pub fn groups(copy: &Copy, is_add: bool) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for source in &copy.sources {
        if !is_add && copy.from.is_none() && files::is_elsewhere(source) {
            return Err(Error::usage(format!("{source:?} is not in the build context")).because("COPY fetches nothing").hint("ADD does"));
        }
        let errand = if is_add { Errand::of(source, copy.checksum.as_deref(), copy.keep_git_dir)? } else { None };
        match (errand, groups.last_mut()) {
            (Some(errand), _) => groups.push(Group::Elsewhere { errand, place: None }),
            (None, Some(Group::Here { sources, .. })) => sources.push(source.clone()),
            (None, _) => groups.push(Group::Here { sources: vec![source.clone()], unpacks: is_add && copy.unpack != Some(false) }),
        }
    }
    if !copy.heredocs.is_empty() {
        groups.push(Group::Elsewhere { errand: Errand::Text(copy.heredocs.clone()), place: None });
    }
    Ok(groups)
}

pub fn select<'t>(tree: &'t Tree, copy: &Copy, groups: &[Group]) -> Result<Vec<Selection<'t>>> {
    let excluded = if copy.exclude.is_empty() { None } else { Some(Patterns::of(&copy.exclude)?) };
    let excluded = excluded.as_ref().map(|patterns| patterns as &dyn files::Filter);
    let here = groups.iter().filter_map(|group| match group {
        Group::Here { sources, .. } => Some(files::select(tree, sources, excluded, copy.parents)),
        Group::Elsewhere { .. } => None,
    });
    here.collect()
}

/// An empty directory, the same one each time.
pub fn made_place<'p>(working: &mut Working, place: &'p mut Option<PathBuf>) -> Result<&'p PathBuf> {
    if let Some(place) = place {
        return Ok(place);
    }
    let new = working.next_place();
    file::make_dir(&new, 0o700).context("cannot make a place for what is brought")?;
    Ok(place.insert(new))
}
