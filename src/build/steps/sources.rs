//! Where the files of a COPY are found: in the context, or in the layers of a stage or an image.

use crate::build::files::{self, Memory, Selection, Tree};
use crate::build::key::Key;
use crate::build::plan::Source;
use crate::build::recall;
use crate::build::stage::Working;
use crate::build::steps::context;
use crate::build::steps::open_to_read;
use crate::dockerfile::instruction::{Copy, Line};
use crate::engine::now;
use crate::error::{Context, Result};
use crate::image::steps::{self, Step};
use crate::sys::file;
use serde_json::json;

pub enum From {
    Context(context::Place),
    /// Of a stage or an image: diff ids, bottom first.
    Layers(Vec<String>),
}

impl From {
    pub fn of(working: &mut Working, copy: &Copy, line: &Line) -> Result<From> {
        let Some(from) = &copy.from else { return Ok(From::Context(context::main(working)?)) };
        match working.plan.from(from, working.planned.number, line)? {
            Source::Context(number) => Ok(From::Context(context::named(working, number)?)),
            other => Ok(From::Layers(working.layers_of(&other)?)),
        }
    }

    pub fn open(&self, working: &mut Working) -> Result<Tree> {
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
    pub fn read(&self, working: &Working, copy: &Copy, selections: &mut [Selection]) -> Result<String> {
        let mut read = |memory: &mut Memory, owners: bool| {
            let prints = selections.iter_mut().map(|selection| Ok(files::hex(&files::digest(selection, memory, owners)?)));
            prints.collect::<Result<Vec<_>>>().map(|prints| prints.join(" "))
        };
        match self {
            From::Context(place) => {
                let mut memory = place.memory(working);
                let print = read(&mut memory, false)?;
                memory.save()?;
                Ok(print)
            }
            From::Layers(layers) => {
                let print = read(&mut Memory::none(), copy.chown.is_none())?;
                let what = format!("what {} comes to", copy.sources.join(" "));
                let step = Step { layer: None, what, made: now(), took_ms: 0, note: json!({ PRINT: print }) };
                steps::keep(working.paths(), key_of_print(layers, copy).hex(), &step, None)?;
                Ok(print)
            }
        }
    }

    pub fn remembered(&self, working: &Working, copy: &Copy) -> Result<Option<String>> {
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
    let words = [layers, &copy.sources, &copy.exclude].map(|all| all.join("\n"));
    Key::first(&[
        "print",
        &words[0],
        &words[1],
        &words[2],
        if copy.parents { "parents" } else { "" },
        if copy.chown.is_none() { "owners" } else { "" },
    ])
}
