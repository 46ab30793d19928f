//! Results of steps outside of a store: a list of them in the dress of an image, so that every registry keeps it together with the
//! layers that it names, and no cleaning takes these away.
//!
//! The list may name layers that did not come along. What it says is for people and for looking up; whatever becomes a file or part of
//! an image is proven by whoever fetches it.

use crate::error::{Error, Result};
use crate::image::digest;
use crate::image::documents::{self, LONGEST_DOCUMENT};
use crate::image::steps::Step;
use crate::time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Of the list itself, where an image has its config.
pub const LIST_TYPE: &str = "application/vnd.tare.build-cache.v1+json";

/// Nobody writes so many lines.
const MOST_STEPS: usize = 10_000;
/// What people see of a step, and what the builder noted of it.
const LONGEST_TEXT: usize = 200;
const LONGEST_NOTE: usize = 16 << 10;

const VERSION: u32 = 1;

/// Steps by their keys.
pub type Steps = BTreeMap<String, Step>;

#[derive(Serialize, Deserialize)]
struct List {
    version: u32,
    steps: Steps,
}

pub fn write(steps: &Steps) -> Result<Vec<u8>> {
    const WHAT: &str = "cannot write down what the steps came to";
    let steps: Steps = steps.iter().map(|(key, step)| (key.clone(), Step { what: shown(&step.what), ..step.clone() })).collect();
    let text = serde_json::to_vec(&List { version: VERSION, steps }).map_err(|e| Error::failed(WHAT).because(e))?;
    match text.len() as u64 > LONGEST_DOCUMENT {
        true => Err(Error::failed(WHAT).because("there are too many")),
        false => Ok(text),
    }
}

/// From anybody: digests are digests, and nothing is too long.
pub fn read(text: &[u8]) -> Result<Steps> {
    const WHAT: &str = "the list of steps";
    let damaged = |why: &str| Error::damaged(format!("{WHAT} is damaged")).because(why.to_owned());
    let said: Value = documents::parse(WHAT, text)?;
    if said["version"] != VERSION {
        return Err(Error::failed(format!("{WHAT} is of another version")).because("another tare has written it"));
    }
    let List { steps, .. } = documents::parse(WHAT, text)?;
    if steps.len() > MOST_STEPS {
        return Err(damaged(&format!("it has {} steps", steps.len())));
    }
    let is_whole = |step: &Step| step.layer.as_ref().is_none_or(|layer| digest::is_hex(&layer.digest) && digest::is_hex(&layer.diff_id));
    if !steps.iter().all(|(key, step)| digest::is_hex(key) && is_whole(step)) {
        return Err(damaged("a digest in it is none"));
    }
    Ok(steps.into_iter().map(|(key, step)| (key, tamed(step))).collect())
}

fn tamed(step: Step) -> Step {
    let is_short = step.note.to_string().len() <= LONGEST_NOTE;
    Step {
        what: shown(&step.what),
        // Nothing comes from the future: an image would say so for ever.
        made: step.made.min(time::now()),
        took_ms: step.took_ms.min(u64::from(u32::MAX)),
        note: if is_short { step.note } else { Value::Null },
        layer: step.layer,
    }
}

/// One line that does nothing to a terminal.
fn shown(what: &str) -> String {
    what.lines().next().unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::compression::Compression;
    use crate::image::steps::Layer;
    use serde_json::json;

    fn step(what: &str) -> Step {
        let hex = "a".repeat(64);
        let layer = Layer { digest: hex.clone(), diff_id: hex, blob_size: 1, compression: Compression::Gzip, size: 1 };
        Step { layer: Some(layer), what: what.into(), made: 7, took_ms: 8, note: json!({"print": "x"}) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let key = "b".repeat(64);
        let text = write(&Steps::from([(key.clone(), step("RUN make\nsecond line"))])).unwrap();
        let read = read(&text).unwrap();
        let found = &read[&key];
        assert_eq!((found.what.as_str(), found.made, found.took_ms, &found.note), ("RUN make", 7, 8, &json!({"print": "x"})));
        assert_eq!(found.layer, step("").layer);
    }

    #[test]
    fn a_strangers_list_is_bounded_and_leads_nowhere() {
        let key = "b".repeat(64);
        let list = |key: &str, step: Value| json!({"version": 1, "steps": {key: step}}).to_string();
        let good = json!(step("x"));
        assert!(read(list(&key, good.clone()).as_bytes()).is_ok());
        let with = |field: &str, value: Value| {
            let mut other = good.clone();
            *other.pointer_mut(field).unwrap() = value;
            other
        };
        for wrong in [
            list("../../etc/passwd", good.clone()),
            list(&key, with("/layer/digest", json!("../x"))),
            list(&key, with("/layer/diff_id", json!("A".repeat(64)))),
            list(&key, with("/layer/blob_size", json!(-1))),
            list(&key, with("/made", json!("now"))),
            json!({"version": 2, "steps": {}}).to_string(),
            json!({"steps": {}}).to_string(),
            "[]".into(),
            "{".into(),
            "[".repeat(100_000),
        ] {
            assert!(read(wrong.as_bytes()).is_err(), "{:.80}", wrong);
        }
        let many: serde_json::Map<_, _> = (0..=MOST_STEPS).map(|number| (format!("{number:064x}"), json!(step("")))).collect();
        assert!(read(json!({"version": 1, "steps": many}).to_string().as_bytes()).is_err());
        let wild = with("/what", json!("\u{1b}[2J".to_owned() + &"x".repeat(500)));
        let found = read(list(&key, wild).as_bytes()).unwrap().remove(&key).unwrap();
        assert!(!found.what.contains('\u{1b}') && found.what.len() == LONGEST_TEXT, "{}", found.what);
        let future = read(list(&key, with("/made", json!(u64::MAX))).as_bytes()).unwrap().remove(&key).unwrap();
        assert!(future.made <= time::now());
        let long = read(list(&key, with("/note", json!("x".repeat(LONGEST_NOTE)))).as_bytes()).unwrap().remove(&key).unwrap();
        assert_eq!(long.note, Value::Null);
    }
}
