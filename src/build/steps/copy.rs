//! COPY and ADD: files of the context, of another stage or of an image, from elsewhere, and from the Dockerfile itself.

use crate::build::files::{self, Chmod, Errand, Options, Part, Selection, Tree};
use crate::build::history;
use crate::build::key::Key;
use crate::build::stage::Working;
use crate::build::steps::mounts::secret;
use crate::build::steps::sources::From;
use crate::build::steps::{Outcome, find_or_make, known_or_made, open_to_write};
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::instruction::{Copy, Line};
use crate::error::{Context, Error, Result};
use crate::sys::beneath::Directory;
use crate::sys::file;
use std::path::PathBuf;

pub fn copy(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let text = history::of_copy(copy, is_add);
    let outcome = carried_out(working, copy, line, is_add)?;
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
    let mut words = vec![if is_add { "ADD" } else { "COPY" }.to_owned(), print, copy.target.clone(), workdir.clone()];
    for group in &mut groups {
        if let Group::Elsewhere { errand, place } = group {
            errand.identify(|id| secret(working, id, false))?;
            words.push(errand.print(&working.paths().url_memories(), made_place(working, place)?)?);
        }
    }
    words.push(format!("{:?} {:?} {} {:?}", copy.chown, copy.chmod, copy.parents, copy.unpack));
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

/// Sources that are taken together, in the order in which they are written.
enum Group {
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

fn groups(copy: &Copy, is_add: bool) -> Result<Vec<Group>> {
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

fn select<'t>(tree: &'t Tree, copy: &Copy, groups: &[Group]) -> Result<Vec<Selection<'t>>> {
    let excluded = if copy.exclude.is_empty() { None } else { Some(Patterns::of(&copy.exclude)?) };
    let excluded = excluded.as_ref().map(|patterns| patterns as &dyn files::Filter);
    let here = groups.iter().filter_map(|group| match group {
        Group::Here { sources, .. } => Some(files::select(tree, sources, excluded, copy.parents)),
        Group::Elsewhere { .. } => None,
    });
    here.collect()
}

/// An empty directory, the same one each time.
fn made_place<'p>(working: &mut Working, place: &'p mut Option<PathBuf>) -> Result<&'p PathBuf> {
    if let Some(place) = place {
        return Ok(place);
    }
    let new = working.next_place();
    file::make_dir(&new, 0o700).context("cannot make a place for what is brought")?;
    Ok(place.insert(new))
}

struct Onto<'a> {
    workdir: &'a str,
    /// Whose lists name those of `--chown`.
    users: Option<&'a Directory>,
    root: &'a Directory,
}

fn put(working: &mut Working, copy: &Copy, here: Vec<Selection>, mut groups: Vec<Group>, onto: Onto) -> Result<()> {
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
