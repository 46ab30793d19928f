//! COPY and ADD: files of the context, of another stage or of an image.

use crate::build::files::{self, Chmod, Distant, Memory, Options, Part, Selection, Tree};
use crate::build::history;
use crate::build::key::Key;
use crate::build::plan::Source;
use crate::build::stage::Working;
use crate::build::steps::context::{self, Pattern};
use crate::build::steps::{Outcome, find_or_make, known_or_made, open_to_read, open_to_write};
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::instruction::{Copy, Heredoc, Line};
use crate::engine::now;
use crate::error::{Context, Error, Result};
use crate::image::steps::{self, Step};
use crate::sys::beneath::Directory;
use crate::sys::file;
use serde_json::json;
use std::path::PathBuf;

pub fn copy(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let text = history::of_copy(copy, is_add);
    let outcome = carried_out(working, copy, line, is_add)?;
    working.state.told(text, true);
    Ok(outcome)
}

fn carried_out(working: &mut Working, copy: &Copy, line: &Line, is_add: bool) -> Result<Outcome> {
    let mut wanted = Wanted::of(working, copy, line, is_add)?;
    // Files of layers never change: what they came to once is written down, and nobody looks at them again.
    let remembered = wanted.remembered(working)?;
    let tree = if remembered.is_none() && !wanted.local.is_empty() { Some(wanted.from.open(working)?) } else { None };
    let mut selection = tree.as_ref().map(|tree| wanted.select(tree)).transpose()?;
    let print = match (remembered, &mut selection) {
        (Some(print), _) => print,
        (None, Some(selection)) => wanted.read(working, selection)?,
        (None, None) => String::new(),
    };
    let words = wanted.key_words(working, print)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if copy.link {
        // What lies below makes no difference to it, so it is known wherever it was made.
        let key = Key::first(&["link"]).then(&words);
        let (step, outcome) = find_or_make(working, &key, &line.text, |working, upper| {
            let root = Directory::open_root(&upper.path()).context("cannot open the new layer")?;
            wanted.put(working, selection.as_ref(), None, &root)
        })?;
        let key = working.state.key.then(&[key.hex()]);
        working.state.goes_on(step, key);
        return Ok(outcome);
    }
    let key = working.state.key.then(&words);
    known_or_made(working, key, &line.text, |working, upper| {
        let root = open_to_write(working, upper)?;
        wanted.put(working, selection.as_ref(), Some(&root), &root)
    })
}

/// What is copied, by where it comes from.
struct Wanted<'c> {
    copy: &'c Copy,
    is_add: bool,
    from: From,
    /// Names of files there.
    local: Vec<String>,
    /// What lies elsewhere, and the directory that it is brought to.
    distant: Vec<(Distant, PathBuf)>,
    workdir: String,
}

impl<'c> Wanted<'c> {
    fn of(working: &mut Working, copy: &'c Copy, line: &Line, is_add: bool) -> Result<Wanted<'c>> {
        let (mut local, mut distant) = (Vec::new(), Vec::new());
        for source in &copy.sources {
            if !is_add && copy.from.is_none() && files::is_elsewhere(source) {
                return Err(Error::usage(format!("COPY cannot take {source}")).because("it lies elsewhere").hint("use ADD"));
            }
            match if is_add { Distant::of(source, copy.checksum.as_deref(), copy.keep_git_dir)? } else { None } {
                Some(found) => distant.push((found, place(working)?)),
                None => local.push(source.clone()),
            }
        }
        let from = if local.is_empty() { From::Nowhere } else { From::of(working, copy, line)? };
        let workdir = working.state.text("WorkingDir").unwrap_or_else(|| "/".to_owned());
        Ok(Wanted { copy, is_add, from, local, distant, workdir })
    }

    /// `print`: what the local files come to.
    fn key_words(&mut self, working: &Working, print: String) -> Result<Vec<String>> {
        let copy = self.copy;
        let mut words = vec![if self.is_add { "ADD" } else { "COPY" }.to_owned(), print, copy.target.clone(), self.workdir.clone()];
        for (distant, place) in &mut self.distant {
            words.push(distant.print(&working.paths().context_memories(), place)?);
        }
        words.extend(copy.heredocs.iter().flat_map(|heredoc| [heredoc.name.clone(), heredoc.content.clone()]));
        words.push(format!("{:?} {:?} {} {:?}", copy.chown, copy.chmod, copy.parents, copy.unpack));
        Ok(words)
    }

    fn select<'t>(&self, tree: &'t Tree) -> Result<Selection<'t>> {
        let excluded = if self.copy.exclude.is_empty() { None } else { Some(Pattern(Patterns::of(&self.copy.exclude)?)) };
        files::select(tree, &self.local, excluded.as_ref().map(|pattern| pattern as &dyn files::Filter), self.copy.parents)
    }

    /// `users`: whose lists name those of `--chown`.
    fn put(&mut self, working: &mut Working, local: Option<&Selection>, users: Option<&Directory>, root: &Directory) -> Result<()> {
        let copy = self.copy;
        let options = Options {
            chown: copy.chown.as_deref().map(|wish| files::owner(wish, users)).transpose()?,
            chmod: copy.chmod.as_deref().map(Chmod::parse).transpose()?,
        };
        let tree = if local.is_none() && !self.local.is_empty() { Some(self.from.open(working)?) } else { None };
        let mut found = tree.as_ref().map(|tree| self.select(tree)).transpose()?;
        if let Some(found) = &mut found {
            self.read(working, found)?;
        }
        let brought = self.distant.iter_mut().map(|(distant, place)| distant.fetch(place)).collect::<Result<Vec<_>>>()?;
        let of_brought = self.distant.iter().zip(&brought).map(|((distant, _), tree)| distant.select(tree)).collect::<Result<Vec<_>>>()?;
        let documents = if copy.heredocs.is_empty() { None } else { Some(files::heredocs(&copy.heredocs, &place(working)?)?) };
        let document = |tree, heredoc: &Heredoc| Selection::of_file(tree, &heredoc.name);
        let of_documents = documents.iter().flat_map(|tree| copy.heredocs.iter().map(move |heredoc| document(tree, heredoc)));
        let of_documents = of_documents.collect::<Result<Vec<_>>>()?;
        let local = local.or(found.as_ref()).into_iter().map(|selection| (selection, self.is_add && copy.unpack != Some(false)));
        let of_brought = of_brought.iter().map(|selection| (selection, copy.unpack == Some(true)));
        let all = local.chain(of_brought).chain(of_documents.iter().map(|selection| (selection, false)));
        let parts: Vec<Part> = all.map(|(selection, unpacks)| Part { selection, unpacks }).collect();
        files::carry_out_all(&parts, &copy.target, &self.workdir, &options, root).map(drop)
    }

    /// What the local files come to.
    fn read(&self, working: &Working, selection: &mut Selection) -> Result<String> {
        match &self.from {
            From::Nowhere => Ok(String::new()),
            From::Context(place) => {
                let mut memory = place.memory(working);
                memory.begin();
                let print = files::digest(selection, &mut memory, false)?;
                memory.save()?;
                Ok(files::hex(&print))
            }
            From::Layers(layers) => {
                let print = files::hex(&files::digest(selection, &mut Memory::none(), self.copy.chown.is_none())?);
                let what = format!("what {} comes to", self.local.join(" "));
                let step = Step { layer: None, what, made: now(), took_ms: 0, note: json!({ PRINT: print }) };
                steps::keep(working.paths(), self.key_of_print(layers).hex(), &step, None)?;
                Ok(print)
            }
        }
    }

    fn remembered(&self, working: &Working) -> Result<Option<String>> {
        let From::Layers(layers) = &self.from else { return Ok(None) };
        let step = steps::find(working.paths(), self.key_of_print(layers).hex())?;
        Ok(step.and_then(|step| step.note[PRINT].as_str().map(str::to_owned)))
    }

    fn key_of_print(&self, layers: &[String]) -> Key {
        let words = [layers, &self.local, &self.copy.exclude].map(|all| all.join("\n"));
        let parents = if self.copy.parents { "parents" } else { "" };
        let owners = if self.copy.chown.is_none() { "owners" } else { "" };
        Key::first(&["print", &words[0], &words[1], &words[2], parents, owners])
    }
}

const PRINT: &str = "print";

/// A directory of its own.
fn place(working: &mut Working) -> Result<PathBuf> {
    let place = working.next_place();
    file::make_dir(&place, 0o700).context("cannot make a place for files")?;
    Ok(place)
}

/// Where local files are found.
enum From {
    Nowhere,
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
            From::Nowhere => Err(Error::failed("there are no local files")),
            From::Context(place) => place.tree(),
            From::Layers(layers) => {
                let place = place(working)?;
                Ok(Tree::of_root(open_to_read(working, layers, &place)?))
            }
        }
    }
}
