//! `--filter KEY=VALUE` of `tare network ls`. Values of one key are alternatives, except labels; different keys must all fit.

use crate::cli::network::rows::driver;
use crate::cli::prune::filters::has_label;
use crate::engine::networks::PREDEFINED;
use crate::error::{Error, Result};
use crate::names;
use crate::network::Network;
use crate::options::mounts::parse_bool;

const KEYS: &[&str] = &["name", "id", "label", "dangling", "type", "driver", "scope"];
const TYPES: &[&str] = &["builtin", "custom"];

#[derive(Debug)]
pub struct Filters(Vec<(String, String)>);

impl Filters {
    pub fn parse<'a>(words: impl Iterator<Item = &'a String>) -> Result<Filters> {
        words.map(pair).collect::<Result<_>>().map(Filters)
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub fn ask_for_users(&self) -> bool {
        self.values("dangling").next().is_some()
    }

    pub fn fit(&self, network: &Network, is_used: impl Fn() -> bool) -> bool {
        let any = |key: &str, fits: &dyn Fn(&str) -> bool| {
            let mut values = self.values(key).peekable();
            values.peek().is_none() || values.any(fits)
        };
        let is_builtin = PREDEFINED.contains(&network.name.as_str());
        any("name", &|value| network.name.contains(value))
            && any("id", &|value| network.id.starts_with(value))
            && any("driver", &|value| driver(network) == value)
            && any("scope", &|value| value == "local")
            && any("type", &|value| (value == "builtin") == is_builtin)
            // One that cannot be removed is never too many.
            && any("dangling", &|value| parse_bool(value).is_ok_and(|dangling| dangling == (!is_builtin && !is_used())))
            && self.values("label").all(|wanted| has_label(&network.labels, wanted))
    }
}

fn pair(word: &String) -> Result<(String, String)> {
    let wrong = |why: String| Error::usage(format!("invalid value {word:?} for --filter")).because(why);
    let (key, value) = word.split_once('=').ok_or_else(|| wrong("there is no =".into()).hint("write KEY=VALUE"))?;
    if !KEYS.contains(&key) {
        return Err(wrong(format!("unknown key {key:?}")).hint(names::one_of(key, KEYS)));
    }
    match key {
        "dangling" => drop(parse_bool(value).map_err(|_| wrong("neither true nor false".into()))?),
        "type" if !TYPES.contains(&value) => return Err(wrong("there is no such type".into()).hint(names::one_of(value, TYPES))),
        _ => {}
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(words: &[&str]) -> bool {
        let labels = vec![("tier".into(), "db".into())];
        let network = Network { name: "backend".into(), id: "abcdef".into(), labels, ..Network::default() };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Filters::parse(words.iter()).unwrap().fit(&network, || false)
    }

    #[test]
    fn every_key_must_fit() {
        for words in [
            &[][..],
            &["name=back"],
            &["name=x", "name=end"],
            &["id=abc"],
            &["label=tier", "label=tier=db"],
            &["dangling=true", "type=custom"],
            &["driver=bridge", "scope=local"],
        ] {
            assert!(fits(words), "{words:?}");
        }
        for words in
            [&["name=x"][..], &["id=bc"], &["label=tier=web"], &["dangling=0"], &["type=builtin"], &["driver=host"], &["scope=swarm"]]
        {
            assert!(!fits(words), "{words:?}");
        }
        for word in ["size=1", "dangling", "dangling=perhaps", "type=mine"] {
            assert!(Filters::parse([word.to_owned()].iter()).is_err(), "{word}");
        }
    }
}
