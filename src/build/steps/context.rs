//! Directories on the host, as a step sees them: what is wanted of one becomes a layer, known by its content.

use crate::build::files::{self, Ignored, Memory, Options, Tree};
use crate::build::key::Key;
use crate::build::request::NamedContext;
use crate::build::stage::Working;
use crate::build::state::State;
use crate::build::steps::{find_or_make, open_layers, unless_it_changes};
use crate::dockerfile::ignore::Patterns;
use crate::error::{Error, Result};
use crate::image::built::Layer;
use crate::options::mounts::clean_path;
use crate::spec::mounts::Writes;
use std::path::PathBuf;

/// Where the files of a context lie, and what of them counts.
pub struct Place {
    pub directory: PathBuf,
    ignored: Option<(String, String)>,
}

/// The build context itself.
pub fn main(working: &Working) -> Result<Place> {
    let context = working
        .plan
        .request
        .context
        .as_ref()
        .ok_or_else(|| Error::usage("there is no build context").hint("name a directory: tare build DIRECTORY"))?;
    Ok(Place { directory: context.directory.clone(), ignored: context.ignored.clone() })
}

/// `--build-context NAME=DIRECTORY`
pub fn named(working: &Working, number: usize) -> Result<Place> {
    match &working.plan.request.contexts[number] {
        (_, NamedContext::Directory(directory)) => Ok(Place { directory: directory.clone(), ignored: ignored_in(directory)? }),
        (name, _) => Err(Error::failed(format!("context {name} is no directory"))),
    }
}

/// A directory's own list of what does not belong to it.
fn ignored_in(directory: &std::path::Path) -> Result<Option<(String, String)>> {
    const NAME: &str = ".dockerignore";
    match std::fs::read_to_string(directory.join(NAME)) {
        Ok(text) => Ok(Some((NAME.to_owned(), text))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::failed(format!("cannot read {NAME}")).because(e)),
    }
}

impl Place {
    pub fn tree(&self) -> Result<Tree> {
        let ignored = match &self.ignored {
            Some((by, text)) => Some(Ignored { filter: Box::new(Patterns::parse(text)?), by: by.clone() }),
            None => None,
        };
        Tree::context(&self.directory, ignored)
    }

    pub fn memory(&self, working: &Working) -> Memory {
        Memory::of(&working.paths().context_memories(), &self.directory)
    }
}

/// What lies at `source` of the build context, where it lies there: for RUN --mount=type=bind.
pub fn layer_of(working: &mut Working, source: &str) -> Result<Vec<String>> {
    let place = main(working)?;
    as_layer(working, &place, source)
}

pub fn layer_of_named(working: &mut Working, number: usize) -> Result<Vec<String>> {
    let place = named(working, number)?;
    as_layer(working, &place, "")
}

/// FROM a named context.
pub fn base_of_context(working: &mut Working, number: usize) -> Result<State> {
    let place = named(working, number)?;
    let layer = made_layer(working, &place, "")?;
    let mut state = State::from_scratch(&working.planned.platform);
    state.key = state.key.then(&["context", layer.as_ref().map_or("", |layer| &layer.diff_id)]);
    state.layers.extend(layer);
    state.told(format!("FROM {}", working.planned.stage.base), true);
    Ok(state)
}

fn as_layer(working: &mut Working, place: &Place, source: &str) -> Result<Vec<String>> {
    Ok(made_layer(working, place, source)?.map(|layer| layer.diff_id).into_iter().collect())
}

fn made_layer(working: &mut Working, place: &Place, source: &str) -> Result<Option<Layer>> {
    unless_it_changes(|| make_layer(working, place, source))
}

fn make_layer(working: &mut Working, place: &Place, source: &str) -> Result<Option<Layer>> {
    let tree = place.tree()?;
    let wanted = clean_path(&format!("/{source}"));
    let sources = [format!(".{wanted}")];
    let mut selection = files::select(&tree, &sources, None, wanted != "/")?;
    let mut memory = place.memory(working);
    memory.begin();
    let print = files::digest(&mut selection, &mut memory, false)?;
    memory.save()?;
    let key = Key::first(&["context", &wanted, &files::hex(&print)]);
    let (step, _) = find_or_make(working, &key, &format!("files of the context: {wanted}"), |working, upper| {
        let writes = Writes { upper: &upper.path(), work: &upper.work(), volatile: true };
        let root = open_layers(working, &[], Some(writes), &upper.place)?;
        files::carry_out(&selection, "/", "/", &Options::default(), &root).map(drop)
    })?;
    Ok(step.layer)
}
