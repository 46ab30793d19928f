//! Looking for images by words: Docker Hub's search, which some registries have too; of the others their catalogue of names.

use crate::error::{Error, Result};
use crate::registry::known::Known;
use crate::registry::way::http::{Answer, Question, complaint};
use crate::registry::way::short;
use crate::registry::who::door::Door;
use crate::registry::who::tokens::percent_encoded;
use serde::Deserialize;
use ureq::ResponseExt;
use ureq::http::HeaderValue;

/// Here Docker Hub is searched; its images are elsewhere.
const HUB_INDEX: &str = "index.docker.io";
const LONGEST_PAGE: u64 = 4 << 20;
/// Of a catalogue, a thousand names each.
const MOST_PAGES: usize = 100;
/// What tokens for it are given for.
const CATALOGUE: &str = "registry:catalog:*";

/// One that was found; its texts are as the registry has them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Match {
    pub name: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub description: String,
    #[serde(rename = "star_count")]
    pub stars: u64,
    pub is_official: bool,
    pub is_automated: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    /// `None`: it is no answer to a search.
    results: Option<Vec<Match>>,
    #[serde(deserialize_with = "null_is_empty")]
    repositories: Vec<String>,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// `registry`: `None` is Docker Hub.
pub fn search(known: &Known, registry: Option<&str>, term: &str, limit: usize) -> Result<Vec<Match>> {
    let door = Door::new(known, registry.unwrap_or(HUB_INDEX));
    let target = format!("/v1/search?q={}&n={limit}", percent_encoded(term));
    let answer = door.try_ask(Question::get(&target), CATALOGUE)?;
    let Some(registry) = registry else {
        return match answer.status().is_success() {
            true => page(&door, answer)?.results.ok_or_else(|| cannot(&door).because("its answer makes no sense")),
            false => Err(cannot(&door).because(complaint(answer))),
        };
    };
    // A registry that knows no search may answer anything at all, also a page for people.
    let found = Some(answer).filter(|answer| answer.status().is_success()).and_then(|answer| page(&door, answer).ok());
    let mut found = match found.and_then(|page| page.results) {
        Some(results) => results,
        None => in_catalogue(&door, term, limit)?,
    };
    // As they are to be typed for `pull`.
    found.iter_mut().for_each(|one| one.name = format!("{registry}/{}", one.name));
    Ok(found)
}

fn in_catalogue(door: &Door, term: &str, limit: usize) -> Result<Vec<Match>> {
    let mut found = Vec::new();
    let mut target = "/v2/_catalog?n=1000".to_owned();
    for _ in 0..MOST_PAGES {
        let answer = door.ask(Question::get(&target), CATALOGUE)?;
        if !answer.status().is_success() {
            return Err(cannot(door).because(format!("it has neither a search nor a catalogue: {}", complaint(answer))));
        }
        let next = match answer.headers().get("link").and_then(next_page) {
            Some(next) => Some(door.http.step(answer.get_uri(), &next)?.to_string()),
            None => None,
        };
        let names = page(door, answer)?.repositories.into_iter().filter(|name| name.contains(term));
        found.extend(names.map(|name| Match { name, ..Match::default() }).take(limit - found.len()));
        match next.filter(|_| found.len() < limit) {
            Some(next) if !door.http.is_own(&next) => return Err(cannot(door).because("its catalogue goes on at another registry")),
            Some(next) => target = next,
            None => return Ok(found),
        }
    }
    Ok(found)
}

/// `</v2/_catalog?last=x>; rel="next"` (RFC 8288).
fn next_page(link: &HeaderValue) -> Option<HeaderValue> {
    let (address, relation) = link.to_str().ok()?.trim().strip_prefix('<')?.split_once('>')?;
    relation.contains("next").then(|| HeaderValue::from_str(address).ok())?
}

fn page(door: &Door, answer: Answer) -> Result<Page> {
    let text = short::read(answer, LONGEST_PAGE).map_err(|e| cannot(door).because(e))?;
    serde_json::from_slice(&text).map_err(|_| cannot(door).because("its answer makes no sense"))
}

fn cannot(door: &Door) -> Error {
    Error::failed(format!("registry {} cannot be searched", door.registry()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found() {
        let next = |text: &str| next_page(&HeaderValue::from_str(text).unwrap()).map(|next| next.to_str().unwrap().to_owned());
        assert_eq!(next("</v2/_catalog?last=b&n=2>; rel=\"next\"").as_deref(), Some("/v2/_catalog?last=b&n=2"));
        for nothing in ["", "<", "</x>", "</x>; rel=\"prev\"", "/x; rel=\"next\""] {
            assert_eq!(next(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_not_said_is_empty() {
        let page: Page = serde_json::from_str(r#"{"results":[{"name":"a","description":null}],"repositories":null}"#).unwrap();
        let found = &page.results.unwrap()[0];
        assert_eq!((found.name.as_str(), found.description.as_str(), page.repositories.len()), ("a", "", 0));
    }
}
