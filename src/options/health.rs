//! How one finds out whether a container does its work: a command that is executed in it from time to time.

use crate::error::{Error, Result};
use crate::time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const SECOND: u64 = 1_000_000_000;

/// What is 0 or empty was not said: then the image's word counts, or else Docker's habit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// In the words of images: `CMD` and a program with its arguments; `CMD-SHELL` and a line; `NONE`.
    pub test: Vec<String>,
    /// What reads the line, where the image names something.
    pub shell: Vec<String>,
    /// Nanoseconds, as are those below.
    pub interval: u64,
    pub timeout: u64,
    /// So long after the start a failure does not count, until a check was good once.
    pub start_period: u64,
    /// Between checks meanwhile.
    pub start_interval: u64,
    pub retries: u32,
}

pub fn none() -> Check {
    Check { test: vec!["NONE".to_owned()], ..Check::default() }
}

impl Check {
    /// From an image's config. What makes no sense there was not said.
    pub fn of_image(config: &Value) -> Option<Check> {
        let words = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let said = &config["Healthcheck"];
        let number = |name: &str| said[name].as_u64().unwrap_or(0);
        let check = Check {
            test: words(&said["Test"]),
            shell: words(&config["Shell"]),
            interval: number("Interval"),
            timeout: number("Timeout"),
            start_period: number("StartPeriod"),
            start_interval: number("StartInterval"),
            retries: u32::try_from(number("Retries")).unwrap_or(0),
        };
        (check != Check::default()).then_some(check)
    }

    /// Wishes come before what the image says.
    pub fn merged(wished: Option<Check>, image: Option<&Check>) -> Result<Option<Check>> {
        let image = image.cloned().unwrap_or_default();
        let is_wished = wished.is_some();
        let wished = wished.unwrap_or_default();
        let either = |wished: u64, image: u64| if wished == 0 { image } else { wished };
        let check = Check {
            test: if wished.test.is_empty() { image.test } else { wished.test },
            shell: image.shell,
            interval: either(wished.interval, image.interval),
            timeout: either(wished.timeout, image.timeout),
            start_period: either(wished.start_period, image.start_period),
            start_interval: either(wished.start_interval, image.start_interval),
            retries: if wished.retries == 0 { image.retries } else { wished.retries },
        };
        match check.test.is_empty() {
            false => Ok(Some(check)),
            true if is_wished => {
                Err(Error::usage("there is nothing to check").because("the image names no command for it").hint("add --health-cmd COMMAND"))
            }
            true => Ok(None),
        }
    }

    /// What is executed; `None`: nothing.
    pub fn command(&self) -> Option<Vec<String>> {
        let (kind, words) = self.test.split_first()?;
        match kind.as_str() {
            "CMD" if !words.is_empty() => Some(words.to_vec()),
            "CMD-SHELL" => {
                let usual = ["/bin/sh".to_owned(), "-c".to_owned()];
                let shell = if self.shell.is_empty() { &usual[..] } else { &self.shell };
                Some([shell, words].concat())
            }
            _ => None,
        }
    }

    pub fn interval(&self) -> u64 {
        or(self.interval, 30 * SECOND)
    }
    pub fn timeout(&self) -> u64 {
        or(self.timeout, 30 * SECOND)
    }
    pub fn start_interval(&self) -> u64 {
        or(self.start_interval, 5 * SECOND)
    }
    pub fn retries(&self) -> u32 {
        if self.retries == 0 { 3 } else { self.retries }
    }

    /// As an image would say it.
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        all.insert("Test".into(), json!(self.test));
        let numbers = [
            ("Interval", self.interval),
            ("Timeout", self.timeout),
            ("StartPeriod", self.start_period),
            ("StartInterval", self.start_interval),
            ("Retries", u64::from(self.retries)),
        ];
        all.extend(numbers.into_iter().filter(|(_, number)| *number != 0).map(|(name, number)| (name.to_owned(), json!(number))));
        Value::Object(all)
    }
}

fn or(said: u64, usual: u64) -> u64 {
    if said == 0 { usual } else { said }
}

/// A time for one of the above: 0 leaves it to the image.
pub fn parse_time(text: &str) -> Result<u64> {
    match time::parse_duration(text)? {
        short @ 1..1_000_000 => Err(Error::usage(format!("{short} nanoseconds are too short")).hint("1ms is the shortest")),
        long => Ok(long),
    }
}

pub fn parse_retries(text: &str) -> Result<u32> {
    text.parse().map_err(|_| Error::usage("not a number of checks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn wishes_come_before_the_image_and_habits_last() {
        let image = Check::of_image(&json!({
            "Healthcheck": {"Test": ["CMD-SHELL", "wget -q localhost"], "Interval": 5_000_000_000_u64, "Retries": 7, "Timeout": -3},
            "Shell": ["/bin/ash", "-ec"],
        }));
        assert_eq!(image.as_ref().unwrap().command(), Some(["/bin/ash", "-ec", "wget -q localhost"].map(str::to_owned).to_vec()));
        let wished = Check { test: words("CMD true"), retries: 1, ..Check::default() };
        let check = Check::merged(Some(wished), image.as_ref()).unwrap().unwrap();
        assert_eq!(check.command(), Some(words("true")));
        assert_eq!((check.interval(), check.timeout(), check.retries()), (5 * SECOND, 30 * SECOND, 1));
        assert_eq!(Check::merged(None, image.as_ref()).unwrap().unwrap().retries(), 7);
        assert_eq!(Check::merged(Some(none()), image.as_ref()).unwrap().unwrap().command(), None);
        assert_eq!(Check::merged(None, None).unwrap(), None);
        assert!(Check::merged(Some(Check { retries: 2, ..Check::default() }), None).is_err(), "nothing to check");
    }

    #[test]
    fn an_image_may_say_nonsense() {
        for config in [json!({}), json!(null), json!({"Healthcheck": null}), json!({"Healthcheck": {"Test": "true", "Interval": "x"}})] {
            assert_eq!(Check::of_image(&config), None, "{config}");
        }
        for test in [json!(["CMD"]), json!(["RUN", "x"])] {
            assert_eq!(Check::of_image(&json!({"Healthcheck": {"Test": test}})).unwrap().command(), None);
        }
    }

    #[test]
    fn times_are_at_least_a_millisecond() {
        assert_eq!((parse_time("1ms").unwrap(), parse_time("0").unwrap(), parse_time("1m30s").unwrap()), (1_000_000, 0, 90 * SECOND));
        assert!(parse_time("999us").is_err() && parse_time("-1s").is_err() && parse_time("5").is_err() && parse_retries("-1").is_err());
    }
}
