//! `--net-rate IN:OUT`: how fast a container may receive and send. `10mbit` are bits per second, counted in thousands as cards are
//! sold; `1MB` are bytes per second, counted like all our sizes. Either side may be empty.

use super::NetRate;
use crate::error::{Error, Result};
use crate::options::sizes;

pub fn parse(text: &str) -> Result<NetRate> {
    let hint = "write IN:OUT, like 10mbit:5mbit, 1MB: or :500kbit";
    let (inward, outward) = text.split_once(':').ok_or_else(|| Error::usage("there is no :").hint(hint))?;
    let rate = NetRate { inward: side(inward)?, outward: side(outward)? };
    match rate == NetRate::default() {
        true => Err(Error::usage("neither side has a rate").hint(hint)),
        false => Ok(rate),
    }
}

/// Bytes per second.
fn side(text: &str) -> Result<Option<u64>> {
    if text.is_empty() {
        return Ok(None);
    }
    let lower = text.to_ascii_lowercase();
    let bytes = match lower.strip_suffix("bit") {
        Some(bits) => bits_in(bits)
            .ok_or_else(|| Error::usage(format!("{text:?} is no rate")).hint("write it like 500kbit, 10mbit, 1.5gbit"))?
            .div_ceil(8),
        None => sizes::parse_bytes(text)?,
    };
    match bytes {
        0 => Err(Error::usage(format!("{text:?} lets nothing through")).hint("--network none is no network at all")),
        bytes => Ok(Some(bytes)),
    }
}

/// `10m`, `1.5g`, and `1ki` for those who count in 1024.
fn bits_in(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let step: u64 = match unit {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || fraction.len() > 9 {
        return None;
    }
    let part = fraction.parse::<u64>().unwrap_or(0).checked_mul(step)? / 10_u64.pow(fraction.len() as u32);
    whole.parse::<u64>().ok()?.checked_mul(step)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_bits_and_all_else_is_bytes() {
        for (text, inward, outward) in [
            ("10mbit:5mbit", Some(1_250_000), Some(625_000)),
            ("1MB:", Some(1 << 20), None),
            (":500kbit", None, Some(62_500)),
            ("1.5Gbit:1kibit", Some(187_500_000), Some(128)),
            ("4096:1g", Some(4096), Some(1 << 30)),
            ("9bit:8bit", Some(2), Some(1)),
        ] {
            assert_eq!(parse(text).unwrap(), NetRate { inward, outward }, "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            ":",
            "10mbit",
            "0:1m",
            "1m:0bit",
            "fast:1m",
            "-1:1",
            "1mbps:1",
            "10 mbit:",
            "1xbit:",
            "1.2.3mbit:",
            "bit:",
            "99999999999gbit:",
            "1m:1m:1m",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
