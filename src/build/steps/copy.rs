//! COPY and ADD: files of the context, of another stage or of an image, from elsewhere, and from the Dockerfile itself.
//!
//! What is meant (`groups.rs`) is looked at where it lies (`sources.rs`), and makes a key. Only where that leads to nothing it is copied.

use crate::build::history;
use crate::build::key::Key;
use crate::build::stage::Working;
use crate::build::steps::groups::{Group, groups, made_place, select};
use crate::build::steps::mounts::secret;
use crate::build::steps::put::{Onto, put};
use crate::build::steps::sources::From;
use crate::build::steps::{Outcome, find_or_make, known_or_made, open_to_write, unless_it_changes};
use crate::dockerfile::instruction::{Copy, Line};
use crate::error::{Context, Result};
use crate::sys::beneath::Directory;

pub fn copy(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let text = history::of_copy(copy, is_add);
    let outcome = unless_it_changes(|| carried_out(working, copy, line, is_add))?;
    working.state.told(text, true);
    Ok(outcome)
}

fn carried_out(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let workdir = working.state.text("WorkingDir").unwrap_or_else(|| "/".to_owned());
    let mut groups = groups(copy, is_add)?;
    let is_here = groups.iter().any(|group| matches!(group, Group::Here { .. }));
    let from = if is_here { Some(From::of(working, copy, line)?) } else { None };
    // Files of layers never change: what they came to once is written down, and nobody looks at them again.
    let remembered = from.as_ref().map(|from| from.remembered(working, copy)).transpose()?.flatten();
    let tree = match &from {
        Some(from) if remembered.is_none() => Some(from.open(working)?),
        _ => None,
    };
    let mut here = tree.as_ref().map(|tree| select(tree, copy, &groups)).transpose()?;
    let print = match (remembered, &from, &mut here) {
        (Some(print), ..) => print,
        (None, Some(from), Some(here)) => from.read(working, copy, here)?,
        _ => String::new(),
    };
    let words = words(working, copy, is_add, print, &workdir, &mut groups)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let put = |working: &mut Working, users: Option<&Directory>, root: &Directory| match (here, &from) {
        (None, Some(from)) => {
            let tree = from.open(working)?;
            let mut here = select(&tree, copy, &groups)?;
            from.read(working, copy, &mut here)?;
            put(working, copy, here, groups, Onto { workdir: &workdir, users, root })
        }
        (here, _) => put(working, copy, here.unwrap_or_default(), groups, Onto { workdir: &workdir, users, root }),
    };
    if copy.link {
        // What lies below makes no difference to it, so it is known wherever it was made.
        let key = Key::first(&["link"]).then(&words);
        let (step, outcome) = find_or_make(working, &key, &line.text, |working, upper| {
            let root = Directory::open_root(&upper.path()).context("cannot open the new layer")?;
            put(working, None, &root)
        })?;
        let key = working.state.key.then(&[key.hex()]);
        working.state.goes_on(step, key);
        return Ok(outcome);
    }
    let key = working.state.key.then(&words);
    known_or_made(working, key, &line.text, |working, upper| {
        let root = open_to_write(working, upper)?;
        put(working, Some(&root), &root)
    })
}

/// What the key is made of: the content of what is copied, and all that is said of it.
fn words(working: &mut Working, copy: &Copy, is_add: bool, print: String, workdir: &str, groups: &mut [Group]) -> Result<Vec<String>> {
    let mut words = vec![if is_add { "ADD" } else { "COPY" }.to_owned(), print, copy.target.clone(), workdir.to_owned()];
    for group in groups {
        if let Group::Elsewhere { errand, place } = group {
            errand.identify(|id| secret(working, id, false))?;
            words.push(errand.print(&working.paths().url_memories(), made_place(working, place)?)?);
        }
    }
    words.push(format!("{:?} {:?} {} {:?}", copy.chown, copy.chmod, copy.parents, copy.unpack));
    Ok(words)
}
