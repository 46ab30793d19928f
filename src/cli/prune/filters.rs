//! `--filter` of what removes: `until=24h`, `label=KEY[=VALUE]`, `label!=KEY[=VALUE]`; and how a label is looked for, everywhere.

use crate::engine::build_cache::Cached;
use crate::engine::now;
use crate::error::{Error, Result};
use crate::image::catalog::Listed;
use crate::network::Network;
use crate::record::Seen;
use crate::time;
use clap::ArgMatches;

/// All of them must fit.
#[derive(Debug, Default)]
pub struct Filters {
    /// Made before this moment.
    until: Option<u64>,
    labels: Vec<(bool, String)>,
}

impl Filters {
    pub fn parse(matches: &ArgMatches) -> Result<Filters> {
        Filters::of(matches.get_many::<String>("filter").into_iter().flatten().map(String::as_str))
    }

    fn of<'a>(words: impl Iterator<Item = &'a str>) -> Result<Filters> {
        let mut filters = Filters::default();
        for word in words {
            let wrong = || Error::usage(format!("invalid value {word:?} for --filter")).hint("write until=24h, label=KEY or label!=KEY");
            match word.split_once('=').ok_or_else(wrong)? {
                ("until", moment) => filters.until = Some(time::parse_moment(moment, now())?),
                ("label", label) => filters.labels.push((true, label.to_owned())),
                ("label!", label) => filters.labels.push((false, label.to_owned())),
                _ => return Err(wrong()),
            }
        }
        Ok(filters)
    }

    /// `until` looks at when something was made, which of volumes nobody tells.
    pub fn ask_for_age(&self) -> bool {
        self.until.is_some()
    }

    pub fn fit_container(&self, seen: &Seen) -> bool {
        self.fit(Some(seen.record.created), &seen.record.labels)
    }

    pub fn fit_network(&self, network: &Network) -> bool {
        self.fit(Some(network.created), &network.labels)
    }

    pub fn fit_image(&self, image: &Listed) -> bool {
        let labels: Vec<_> = image.labels.clone().into_iter().collect();
        self.fit(time::parse_rfc3339(&image.created), &labels)
    }

    /// By its last use, as everybody counts it who caches. It bears no labels.
    pub fn fit_cached(&self, cached: &Cached) -> bool {
        self.fit(Some(cached.used), &[])
    }

    /// What does not tell when it was made is older than everything.
    fn fit(&self, created: Option<u64>, labels: &[(String, String)]) -> bool {
        self.until.is_none_or(|until| created.unwrap_or(0) < until) && self.fit_labels(labels)
    }

    pub fn fit_labels(&self, labels: &[(String, String)]) -> bool {
        self.labels.iter().all(|(wanted, label)| has_label(labels, label) == *wanted)
    }
}

/// `KEY`, with any value, or `KEY=VALUE`: how every list and every prune looks for labels.
pub fn has_label(labels: &[(String, String)], wanted: &str) -> bool {
    labels.iter().any(|(name, value)| match wanted.split_once('=') {
        Some((key, wanted)) => name == key && value == wanted,
        None => name == wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_must_fit() {
        let fits = |words: &[&str]| {
            let labels = [("tier".to_owned(), "db".to_owned())];
            Filters::of(words.iter().copied()).unwrap().fit(Some(now() - 3_600_000_000_000), &labels)
        };
        for words in [&[][..], &["until=30m"], &["label=tier"], &["label=tier=db", "until=10m"], &["label!=tier=web"]] {
            assert!(fits(words), "{words:?}");
        }
        for words in [&["until=2h"][..], &["label=x"], &["label!=tier"], &["label=tier", "label=tier=web"]] {
            assert!(!fits(words), "{words:?}");
        }
        for wrong in ["until", "until=yesterday-ish", "name=x"] {
            assert!(Filters::of([wrong].into_iter()).is_err(), "{wrong}");
        }
    }
}
