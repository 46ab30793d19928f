//! `--filter KEY=VALUE` of `tare volume ls` and `prune`. Values of one key are alternatives, except labels; different keys must all fit.

use crate::cli::prune::filters::has_label;
use crate::error::{Error, Result};
use crate::names;
use crate::options::mounts::parse_bool;
use crate::volume::Volume;

pub const OF_LS: &[&str] = &["name", "label", "dangling", "driver"];
pub const OF_PRUNE: &[&str] = &["label", "label!", "all"];

#[derive(Debug)]
pub struct Filters(Vec<(String, String)>);

impl Filters {
    pub fn parse<'a>(words: impl Iterator<Item = &'a String>, known: &[&str]) -> Result<Filters> {
        let pair = |word: &String| {
            let wrong = |why: String| Error::usage(format!("invalid value {word:?} for --filter")).because(why);
            // The only key that ends in a mark: `label!=KEY`.
            let (key, value) = word.split_once('=').ok_or_else(|| wrong("there is no =".into()).hint("write KEY=VALUE"))?;
            if !known.contains(&key) {
                return Err(wrong(format!("unknown key {key:?}")).hint(names::one_of(key, known)));
            }
            if ["dangling", "all"].contains(&key) {
                parse_bool(value).map_err(|_| wrong("neither true nor false".into()))?;
            }
            Ok((key.to_owned(), value.to_owned()))
        };
        words.map(pair).collect::<Result<_>>().map(Filters)
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub fn ask_for_users(&self) -> bool {
        self.values("dangling").next().is_some()
    }

    /// Docker's other way to say `prune -a`.
    pub fn ask_for_all(&self) -> bool {
        self.values("all").any(|value| parse_bool(value).unwrap_or(false))
    }

    pub fn fit(&self, volume: &Volume, is_used: impl Fn() -> bool) -> bool {
        let any = |key: &str, fits: &dyn Fn(&str) -> bool| {
            let mut values = self.values(key).peekable();
            values.peek().is_none() || values.any(fits)
        };
        any("name", &|value| volume.name.contains(value))
            && any("driver", &|value| value == "local")
            && any("dangling", &|value| parse_bool(value).is_ok_and(|dangling| dangling != is_used()))
            && self.values("label").all(|wanted| has_label(&volume.labels, wanted))
            && !self.values("label!").any(|unwanted| has_label(&volume.labels, unwanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(words: &[&str]) -> bool {
        let volume = Volume { name: "data".into(), labels: vec![("tier".into(), "db".into())], ..Volume::default() };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Filters::parse(words.iter(), &[OF_LS, OF_PRUNE].concat()).unwrap().fit(&volume, || false)
    }

    #[test]
    fn every_key_must_fit() {
        for words in
            [&[][..], &["name=at"], &["name=x", "name=data"], &["label=tier"], &["label=tier=db", "dangling=true"], &["driver=local"]]
        {
            assert!(fits(words), "{words:?}");
        }
        for words in [&["name=x"][..], &["label=tier=web"], &["label!=tier"], &["dangling=0"], &["driver=nfs"], &["label=tier", "name=x"]] {
            assert!(!fits(words), "{words:?}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        for word in ["size=1", "dangling", "dangling=perhaps"] {
            assert!(Filters::parse([word.to_owned()].iter(), OF_LS).is_err(), "{word}");
        }
    }
}
