//! The images that stages stand on or take files from: those that are here, and those that have to be fetched first.

use crate::build::event::Event;
use crate::build::plan::{LAYOUT, Plan, Source};
use crate::build::request::NamedContext;
use crate::engine::{images, pull};
use crate::error::{Context, Error, Kind, Result};
use crate::image::machines::Machines;
use crate::image::pull::{Keep, Wishes};
use crate::image::{self, Limits, Loaded, Progress, Reference, load};
use crate::paths::Paths;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

/// Every image that a needed stage names, here or fetched, before the first stage begins.
pub fn gather(
    paths: &Paths,
    plan: &Plan,
    limits: &Limits,
    tell: &mut dyn FnMut(&Event),
) -> Result<BTreeMap<(String, Option<String>), String>> {
    let mut images = BTreeMap::new();
    for planned in plan.needed() {
        for source in plan.sources(planned)? {
            let Source::Image(name, platform) = source else { continue };
            if let Entry::Vacant(place) = images.entry((name, platform)) {
                let (name, platform) = place.key();
                let id = image_for(paths, plan, name, platform.as_deref(), limits, tell)
                    .with_context(|| format!("{}:{}", plan.request.file, planned.stage.from.at.line))?;
                place.insert(id);
            }
        }
    }
    Ok(images)
}

fn image_for(
    paths: &Paths,
    plan: &Plan,
    name: &str,
    platform: Option<&str>,
    limits: &Limits,
    tell: &mut dyn FnMut(&Event),
) -> Result<String> {
    if let Some(number) = name.strip_prefix(LAYOUT).and_then(|number| number.parse::<usize>().ok()) {
        return of_layout(paths, plan, number, limits);
    }
    let found = image::find(paths, name);
    let of_image = |image: &image::Image| image.config.architecture().to_string();
    let fits = |image: &image::Image| platform.is_none_or(|wanted| wanted.split('/').nth(1) == Some(&of_image(image)));
    match found {
        Ok(image) if !plan.request.pull && fits(&image) => return Ok(image.id),
        Err(error) if error.kind() != Kind::NoSuch => return Err(error),
        _ => {}
    }
    let begun = Instant::now();
    let reference = Reference::parse(name)?;
    tell(&Event::Note(format!("fetching {reference}")));
    let wishes = Wishes { machines: Machines::One(platform), keep: Keep::Blobs, limits: *limits };
    pull::pull(paths, &reference, wishes, &Progress::default())?;
    tell(&Event::Note(format!("fetched {reference} in {:.1} s", begun.elapsed().as_secs_f64())));
    image::find(paths, name).map(|image| image.id)
}

fn of_layout(paths: &Paths, plan: &Plan, number: usize, limits: &Limits) -> Result<String> {
    let (called, NamedContext::Layout(directory, wanted)) = &plan.request.contexts[number] else {
        return Err(Error::failed("this context is no layout"));
    };
    let loaded = load::load(paths, load::Source::Path(directory), limits, &Progress::default(), &|| images::users(paths))?;
    let is_wanted = |image: &&Loaded| {
        wanted.as_ref().is_none_or(|wanted| image.names.iter().any(|name| name.ends_with(wanted.as_str())) || image.id == *wanted)
    };
    let found = loaded.iter().find(is_wanted).or_else(|| loaded.first().filter(|_| loaded.len() == 1));
    found.map(|image| image.id.clone()).ok_or_else(|| Error::no_such(format!("there is no such image in the layout {called}")))
}
