//! What a line may ask its stage for: what others have come to, what variables stand for, where to write.

use crate::build::link::{FromStage, ToStage};
use crate::build::plan::Source;
use crate::build::scope::env_of;
use crate::build::stage::Working;
use crate::build::state::State;
use crate::build::steps;
use crate::dockerfile::expand;
use crate::error::{Error, Result};
use std::path::PathBuf;

impl Working<'_> {
    pub fn image_id(&self, name: &str, platform: Option<&str>) -> Result<String> {
        let key = (name.to_owned(), platform.map(str::to_owned));
        self.around.images.get(&key).cloned().ok_or_else(|| Error::no_such(format!("no such image: {name}")))
    }

    /// Of another stage, as soon as it has one.
    pub fn result_of(&mut self, number: usize) -> Result<State> {
        if let Some(state) = self.results.get(&number) {
            return Ok(state.clone());
        }
        self.link.say(&FromStage::Needs(number))?;
        match self.link.hear()? {
            Some(ToStage::Result(found, state)) if found == number => {
                self.results.insert(number, *state.clone());
                Ok(*state)
            }
            _ => Err(Error::failed("the build was ended")),
        }
    }

    /// The layers that another stage, an image or a context has, for reading: diff ids (hex), bottom first.
    pub fn layers_of(&mut self, source: &Source) -> Result<Vec<String>> {
        match source {
            Source::Scratch => Ok(Vec::new()),
            Source::Stage(number) => Ok(self.result_of(*number)?.diff_ids()),
            Source::Image(name, platform) => {
                let id = self.image_id(name, platform.as_deref())?;
                Ok(crate::image::find(self.paths(), &id)?.layers)
            }
            Source::Context(number) => Ok(steps::base_of_context(self, *number)?.diff_ids()),
        }
    }

    /// A directory of its own for what the next step writes.
    pub fn next_place(&mut self) -> PathBuf {
        self.begun += 1;
        self.around.workplace.file(&format!("step-{}-{}", self.planned.number, self.begun))
    }

    pub fn env(&self) -> Vec<String> {
        env_of(&self.state.config())
    }

    /// What a variable stands for here.
    pub fn lookup(&self, name: &str) -> Option<String> {
        self.state.scope.look_up(name, &self.env())
    }

    /// With variables replaced and quotes removed.
    pub fn word(&self, text: &str) -> Result<String> {
        expand::word(text, self.plan.file.escape, &|name| self.lookup(name))
    }

    /// Whether results of earlier builds count.
    pub fn may_know(&self) -> bool {
        let request = self.plan.request;
        let names = [self.planned.called.as_str(), &self.planned.number.to_string()].map(str::to_owned);
        !request.no_cache && !request.no_cache_of.iter().any(|wanted| names.iter().any(|name| name.eq_ignore_ascii_case(wanted)))
    }
}
