//! COPY and ADD: files of the context, of another stage or of an image.

use crate::build::files::{self, Chmod, Memory, Options, Selection, Tree};
use crate::build::history;
use crate::build::key::Key;
use crate::build::plan::Source;
use crate::build::recall;
use crate::build::stage::Working;
use crate::build::steps::context::{self, Pattern};
use crate::build::steps::{Outcome, find_or_make, known_or_made, open_to_read, open_to_write};
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::instruction::{Copy, Line};
use crate::engine::now;
use crate::error::{Context, Result};
use crate::image::steps::{self, Step};
use crate::sys::beneath::Directory;
use crate::sys::file;
use serde_json::json;

pub fn copy(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let text = history::of_copy(copy, is_add);
    let outcome = carried_out(working, copy, line, is_add)?;
    working.state.told(text, true);
    Ok(outcome)
}

fn carried_out(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let workdir = working.state.text("WorkingDir").unwrap_or_else(|| "/".to_owned());
    let from = From::of(working, copy, line)?;
    // Files of layers never change: what they came to once is written down, and nobody looks at them again.
    let remembered = from.remembered(working, copy)?;
    let tree = if remembered.is_none() { Some(from.open(working)?) } else { None };
    let mut selection = tree.as_ref().map(|tree| select(tree, copy)).transpose()?;
    let print = match (remembered, &mut selection) {
        (Some(print), _) => print,
        (None, Some(selection)) => from.read(working, copy, selection)?,
        (None, None) => String::new(),
    };
    let mut words = vec![if is_add { "ADD" } else { "COPY" }.to_owned(), print, copy.target.clone(), workdir.clone()];
    words.extend(copy.heredocs.iter().flat_map(|heredoc| [heredoc.name.clone(), heredoc.content.clone()]));
    words.push(format!("{:?} {:?} {} {:?}", copy.chown, copy.chmod, copy.parents, copy.unpack));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let put = |working: &mut Working, users: Option<&Directory>, root: &Directory| match &selection {
        Some(selection) => put(copy, selection, &workdir, users, root),
        None => {
            let tree = from.open(working)?;
            let mut selection = select(&tree, copy)?;
            from.read(working, copy, &mut selection)?;
            put(copy, &selection, &workdir, users, root)
        }
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

fn select<'t>(tree: &'t Tree, copy: &Copy) -> Result<Selection<'t>> {
    let excluded = if copy.exclude.is_empty() { None } else { Some(Pattern(Patterns::of(&copy.exclude)?)) };
    files::select(tree, &copy.sources, excluded.as_ref().map(|pattern| pattern as &dyn files::Filter), copy.parents)
}

/// `users`: whose lists name those of `--chown`.
fn put(copy: &Copy, selection: &Selection, workdir: &str, users: Option<&Directory>, root: &Directory) -> Result<()> {
    let options = Options {
        chown: copy.chown.as_deref().map(|wish| files::owner(wish, users)).transpose()?,
        chmod: copy.chmod.as_deref().map(Chmod::parse).transpose()?,
    };
    files::carry_out(selection, &copy.target, workdir, &options, root).map(drop)
}

/// Where sources are found.
enum From {
    Context(context::Place),
    /// Of a stage or an image: diff ids, bottom first.
    Layers(Vec<String>),
}

impl From {
    fn of(working: &mut Working, copy: &Copy, line: &Line) -> Result<From> {
        let Some(from) = &copy.from else { return Ok(From::Context(context::main(working)?)) };
        match working.plan.from(from, working.planned.number, line)? {
            Source::Context(number) => Ok(From::Context(context::named(working, number)?)),
            other => Ok(From::Layers(working.layers_of(&other)?)),
        }
    }

    fn open(&self, working: &mut Working) -> Result<Tree> {
        match self {
            From::Context(place) => place.tree(),
            From::Layers(layers) => {
                let place = working.next_place();
                file::make_dir(&place, 0o700).context("cannot make a place to look from")?;
                Ok(Tree::of_root(open_to_read(working, layers, &place)?))
            }
        }
    }

    /// What the content comes to.
    fn read(&self, working: &Working, copy: &Copy, selection: &mut Selection) -> Result<String> {
        match self {
            From::Context(place) => {
                let mut memory = place.memory(working);
                memory.begin();
                let print = files::digest(selection, &mut memory, false)?;
                memory.save()?;
                Ok(files::hex(&print))
            }
            From::Layers(layers) => {
                let print = files::hex(&files::digest(selection, &mut Memory::none(), copy.chown.is_none())?);
                let what = format!("what {} comes to", copy.sources.join(" "));
                let step = Step { layer: None, what, made: now(), took_ms: 0, note: json!({ PRINT: print }) };
                steps::keep(working.paths(), key_of_print(layers, copy).hex(), &step, None)?;
                Ok(print)
            }
        }
    }

    fn remembered(&self, working: &Working, copy: &Copy) -> Result<Option<String>> {
        let From::Layers(layers) = self else { return Ok(None) };
        let key = key_of_print(layers, copy);
        working.memory.use_of(&key);
        let step = steps::find(working.paths(), key.hex())?;
        let step = if step.is_some() { step } else { recall::promised(working, &key)? };
        Ok(step.and_then(|step| step.note[PRINT].as_str().map(str::to_owned)))
    }
}

const PRINT: &str = "print";

fn key_of_print(layers: &[String], copy: &Copy) -> Key {
    let words = [&layers[..], &copy.sources, &copy.exclude].map(|all| all.join("\n"));
    Key::first(&[
        "print",
        &words[0],
        &words[1],
        &words[2],
        if copy.parents { "parents" } else { "" },
        if copy.chown.is_none() { "owners" } else { "" },
    ])
}
