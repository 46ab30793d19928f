//! Which variables an instruction sees: what the image's environment says, and what ARG has declared.
//!
//! An ARG counts from its line on, to the end of its stage. One before the first FROM is seen by FROM only, unless a stage declares it
//! again. The environment wins over an argument of the same name.

use crate::dockerfile::expand;
use crate::error::Result;
use crate::options::platform::Platform;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// May be given without being declared, and are seen by RUN only; what they say changes no result.
pub const PROXIES: [&str; 10] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"];

/// The values that are there before any line is read: from the command line, and what is known of the platforms.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub arguments: BTreeMap<String, String>,
    pub platforms: BTreeMap<String, String>,
    /// Of ARG before the first FROM.
    pub global: BTreeMap<String, String>,
}

impl Given {
    pub fn new(arguments: &[(String, String)], target: &Platform, stage: &str) -> Given {
        let own = Platform::own();
        let mut platforms = BTreeMap::from([("TARGETSTAGE".to_owned(), stage.to_owned())]);
        for (side, platform) in [("BUILD", &own), ("TARGET", target)] {
            platforms.insert(format!("{side}PLATFORM"), platform.to_string());
            platforms.insert(format!("{side}OS"), platform.os.clone());
            platforms.insert(format!("{side}ARCH"), platform.architecture.clone());
            platforms.insert(format!("{side}VARIANT"), platform.variant.clone().unwrap_or_default());
        }
        Given { arguments: arguments.iter().cloned().collect(), platforms, global: BTreeMap::new() }
    }

    /// ARG before the first FROM.
    pub fn declare(&mut self, name: &str, default: Option<&str>, escape: char) -> Result<()> {
        let value = match (self.arguments.get(name), default) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(text)) => Some(expand::word(text, escape, &|name| self.seen_by_from(name))?),
            (None, None) => None,
        };
        value.map(|value| self.global.insert(name.to_owned(), value));
        Ok(())
    }

    pub fn seen_by_from(&self, name: &str) -> Option<String> {
        self.global.get(name).or_else(|| self.platforms.get(name)).cloned()
    }
}

/// What the lines of a stage see.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// In the order in which they were declared.
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Argument {
    name: String,
    value: Option<String>,
    /// Declared after the environment got a variable of its name: the later word wins.
    wins: bool,
    /// By the stage that this one begins with: it is seen, and not told again.
    inherited: bool,
}

impl Scope {
    /// ARG in a stage.
    pub fn declare(
        &mut self,
        name: &str,
        default: Option<&str>,
        given: &Given,
        expanded: impl FnOnce(&str) -> Result<String>,
    ) -> Result<()> {
        let value = match (given.arguments.get(name), default) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(text)) => Some(expanded(text)?),
            (None, None) => given.global.get(name).or_else(|| given.platforms.get(name)).cloned(),
        };
        self.arguments.retain(|known| known.name != name);
        self.arguments.push(Argument { name: name.to_owned(), wins: value.is_some(), value, inherited: false });
        Ok(())
    }

    /// ENV names it: from now on that counts.
    pub fn give_way(&mut self, name: &str) {
        self.arguments.iter_mut().filter(|known| known.name == name).for_each(|known| known.wins = false);
    }

    /// For a stage that begins with this one.
    pub fn inherit(&mut self) {
        self.arguments.iter_mut().for_each(|known| known.inherited = true);
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name)?.value.as_deref()
    }

    /// What a variable stands for.
    pub fn look_up(&self, name: &str, env: &[String]) -> Option<String> {
        let argument = self.find(name);
        let of_env = || env.iter().find_map(|have| have.strip_prefix(name)?.strip_prefix('='));
        let value = argument.filter(|known| known.wins).and_then(|known| known.value.as_deref());
        value.or_else(of_env).or_else(|| argument?.value.as_deref()).map(str::to_owned)
    }

    fn find(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|known| known.name == name)
    }

    /// `NAME=value`, as RUN sees them beside the environment.
    pub fn for_run(&self, env: &[String]) -> Vec<String> {
        let is_free = |name: &str| !env.iter().any(|have| have.split('=').next() == Some(name));
        let all = self.arguments.iter().filter(|known| known.wins || is_free(&known.name));
        all.filter_map(|known| Some(format!("{}={}", known.name, known.value.as_ref()?))).collect()
    }

    /// As the history of a RUN tells them: all that its own stage has declared, with what they are in the end.
    pub fn told(&self, env: &[String]) -> Vec<String> {
        let own = self.arguments.iter().filter(|known| !known.inherited);
        own.map(|known| format!("{}={}", known.name, self.look_up(&known.name, env).unwrap_or_default())).collect()
    }
}

/// The variables of an image's config.
pub fn env_of(config: &serde_json::Map<String, Value>) -> Vec<String> {
    config.get("Env").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
