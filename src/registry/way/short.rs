//! Short answers, read as a whole: manifests, tokens, complaints. Neither their length nor their slowness is without bound.

use crate::error::{Error, Result};
use crate::registry::way::http::Answer;
use crate::registry::way::pace::Paced;
use std::io::Read;

pub fn read(answer: Answer, longest: u64) -> Result<Vec<u8>> {
    let too_long = || Error::damaged(format!("it is longer than {} MiB", longest >> 20));
    if answer.body().content_length().is_some_and(|length| length > longest) {
        return Err(too_long());
    }
    let mut text = Vec::new();
    let source = Paced::new(answer.into_body().into_reader());
    source.take(longest + 1).read_to_end(&mut text).map_err(|e| Error::failed("it does not come to its end").because(e))?;
    if text.len() as u64 > longest { Err(too_long()) } else { Ok(text) }
}

/// As much as there is of it, for whoever has something to say anyway.
pub fn beginning(answer: Answer, longest: u64) -> String {
    let mut text = Vec::new();
    let _ = Paced::new(answer.into_body().into_reader()).take(longest).read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
