//! COPY and ADD: files of the context, of another stage or of an image.

use crate::build::files::{self, Chmod, Memory, Options, Selection, Tree};
use crate::build::history;
use crate::build::key::Key;
use crate::build::plan::Source;
use crate::build::stage::Working;
use crate::build::steps::context::{self, Pattern};
use crate::build::steps::{Outcome, find_or_make, known_or_made, open_to_read, open_to_write};
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::instruction::{Copy, Line};
use crate::error::{Context, Result};
use crate::sys::beneath::Directory;

pub fn copy(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let expanded = expanded(working, copy)?;
    let text = history::of_copy(&expanded, is_add, &expanded.sources, &expanded.target);
    let created = working.created();
    let outcome = carried_out(working, &expanded, line, is_add)?;
    working.state.told(text, created, true);
    Ok(outcome)
}

/// With variables replaced.
fn expanded(working: &Working, copy: &Copy) -> Result<Copy> {
    let word = |text: &String| working.word(text);
    let maybe = |text: &Option<String>| text.as_ref().map(word).transpose();
    let mut heredocs = copy.heredocs.clone();
    for heredoc in heredocs.iter_mut().filter(|heredoc| heredoc.expand) {
        heredoc.content = working.heredoc(&heredoc.content)?;
    }
    Ok(Copy {
        sources: copy.sources.iter().map(word).collect::<Result<_>>()?,
        target: working.word(&copy.target)?,
        chown: maybe(&copy.chown)?,
        chmod: maybe(&copy.chmod)?,
        checksum: maybe(&copy.checksum)?,
        exclude: copy.exclude.iter().map(word).collect::<Result<_>>()?,
        heredocs,
        ..copy.clone()
    })
}

fn carried_out(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let workdir = working.state.text("WorkingDir").unwrap_or_else(|| "/".to_owned());
    let (tree, mut memory) = open_source(working, copy, line)?;
    let excluded = if copy.exclude.is_empty() { None } else { Some(Pattern(Patterns::of(&copy.exclude)?)) };
    let excluded = excluded.as_ref().map(|pattern| pattern as &dyn files::Filter);
    memory.begin();
    let mut selection = files::select(&tree, &copy.sources, excluded, copy.parents)?;
    let keeps_owners = tree.keeps_owners() && copy.chown.is_none();
    let print = files::digest(&mut selection, &mut memory, keeps_owners)?;
    memory.save()?;
    let mut words = vec![if is_add { "ADD" } else { "COPY" }.to_owned(), files::hex(&print), copy.target.clone(), workdir.clone()];
    words.extend(copy.heredocs.iter().flat_map(|heredoc| [heredoc.name.clone(), heredoc.content.clone()]));
    words.push(format!("{:?} {:?} {} {:?}", copy.chown, copy.chmod, copy.parents, copy.unpack));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let what = &line.text;
    if copy.link {
        // What lies below makes no difference to it, so it is known wherever it was made.
        let key = Key::first(&["link"]).then(&words);
        let (layer, outcome) = find_or_make(working, &key, what, |_, upper| {
            let root = Directory::open_root(&upper.path()).context("cannot open the new layer")?;
            put(copy, &selection, &workdir, None, &root)
        })?;
        working.state.layers.extend(layer);
        working.state.key = working.state.key.then(&[key.hex()]);
        return Ok(outcome);
    }
    let key = working.state.key.then(&words);
    known_or_made(working, key, what, |working, upper| {
        let root = open_to_write(working, upper)?;
        put(copy, &selection, &workdir, Some(&root), &root)
    })
}

/// `users`: whose lists name those of `--chown`.
fn put(copy: &Copy, selection: &Selection, workdir: &str, users: Option<&Directory>, root: &Directory) -> Result<()> {
    let options = Options {
        chown: copy.chown.as_deref().map(|wish| files::owner(wish, users)).transpose()?,
        chmod: copy.chmod.as_deref().map(Chmod::parse).transpose()?,
    };
    files::carry_out(selection, &copy.target, workdir, &options, root).map(drop)
}

/// Where its sources are found, and what is remembered of them.
fn open_source(working: &mut Working, copy: &Copy, line: &Line) -> Result<(Tree, Memory)> {
    let source = match &copy.from {
        None => None,
        Some(from) => Some(working.plan.from(from, working.planned.number, line)?),
    };
    let place = match source {
        None => context::main(working)?,
        Some(Source::Context(number)) => context::named(working, number)?,
        Some(other) => {
            let layers = working.layers_of(&other)?;
            let place = working.next_place();
            crate::sys::file::make_dir(&place, 0o700).context("cannot make a place to look from")?;
            return Ok((Tree::of_root(open_to_read(working, &layers, &place)?), Memory::none()));
        }
    };
    Ok((place.tree()?, place.memory(working)))
}
