//! An index names an image for each kind of machine: which of them are wanted.

use crate::error::{Error, Result};
use crate::image::archive;
use crate::image::documents::{self, Descriptor, Index, Platform};
use crate::image::members::Document;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machines<'a> {
    /// `linux/arm64/v8`; `None`: this one.
    One(Option<&'a str>),
    /// Of one kind each.
    All,
}

/// The first gets the name; the others get it with what stands behind each.
pub fn choose<'a>(index: &'a Index, wanted: &Machines) -> Result<Vec<(&'a Descriptor, Option<String>)>> {
    match wanted {
        Machines::One(platform) => Ok(vec![(find(index, &parse(*platform))?, None)]),
        Machines::All => {
            let any = || all(index).next().map(|(have, _)| have);
            let own = find(index, &parse(None)).or_else(|error| any().ok_or(error))?;
            let others = all(index)
                .filter(|(have, _)| have.digest != own.digest)
                .map(|(have, platform)| (have, Some(shown(platform).replace('/', "-"))));
            Ok([(own, None)].into_iter().chain(others).collect())
        }
    }
}

/// Whether an image is for the machine that was asked for by name.
pub fn check(wanted: &Machines, config: &Document) -> Result<()> {
    let Machines::One(Some(platform)) = wanted else { return Ok(()) };
    let wanted = parse(Some(platform));
    let have: Platform = documents::parse("the image's config", &config.text)?;
    if (&have.os, &have.architecture) != (&wanted.os, &wanted.architecture) {
        return Err(missing(&wanted, &[shown(&have)]));
    }
    Ok(())
}

fn parse(wanted: Option<&str>) -> Platform {
    let mut parts = wanted.unwrap_or("linux").split('/').map(str::to_owned);
    let os = parts.next().unwrap_or_default();
    let architecture = parts.next().unwrap_or_else(|| archive::architecture().to_owned());
    Platform { os, architecture, variant: parts.next() }
}

/// An image built for no machine in particular is a signature or the like.
fn all(index: &Index) -> impl Iterator<Item = (&Descriptor, &Platform)> {
    let machines = index.manifests.iter().filter_map(|have| Some((have, have.platform.as_ref()?)));
    machines.filter(|(_, platform)| platform.os == "linux")
}

fn find<'a>(index: &'a Index, wanted: &Platform) -> Result<&'a Descriptor> {
    let machines = || index.manifests.iter().filter_map(|have| Some((have, have.platform.as_ref()?)));
    let fits = |(_, have): &(&Descriptor, &Platform)| have.os == wanted.os && have.architecture == wanted.architecture;
    let same = |(_, have): &(&Descriptor, &Platform)| wanted.variant.is_none() || have.variant == wanted.variant;
    let found = machines().find(|have| fits(have) && same(have)).or_else(|| machines().find(fits));
    found.map(|(have, _)| have).ok_or_else(|| for_none(index, wanted))
}

fn for_none(index: &Index, wanted: &Platform) -> Error {
    missing(wanted, &all(index).map(|(_, have)| shown(have)).take(20).collect::<Vec<_>>())
}

fn missing(wanted: &Platform, there: &[String]) -> Error {
    Error::no_such(format!("the image is not there for {}", shown(wanted))).because(match there.is_empty() {
        true => "it is there for no machine".to_owned(),
        false => format!("it is there for {}", there.join(", ")),
    })
}

fn shown(platform: &Platform) -> String {
    let variant = platform.variant.iter().map(|variant| format!("/{variant}"));
    let whole = variant.fold(format!("{}/{}", platform.os, platform.architecture), |text, variant| text + &variant);
    // No machine is called by more, but an index may say anything.
    whole.chars().take(40).collect()
}
