//! Sizes as people type them: `512m`, `1.5g`, `4096`. The units are powers of 1024, as Docker's are.

use crate::error::{Error, Result};

/// Bytes. Takes `b`, `k`, `m`, `g`, `t`, `p`, each also as `kb` or `kib`, in either case.
pub fn parse_bytes(text: &str) -> Result<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = shift_of(unit.trim_start()).ok_or_else(|| not_a_size(text))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || fraction.len() > 15 {
        return Err(not_a_size(text));
    }
    let too_large = || Error::usage(format!("{text:?} is more than any machine has"));
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let bytes = whole.checked_mul(1 << shift).filter(|bytes| *bytes <= i64::MAX as u64).ok_or_else(too_large)?;
    Ok(bytes + fraction_of(fraction, shift))
}

/// The part behind the point, in bytes, rounded down.
fn fraction_of(digits: &str, shift: u32) -> u64 {
    let number: u128 = digits.parse().unwrap_or(0);
    ((number << shift) / 10_u128.pow(digits.len() as u32)) as u64
}

fn shift_of(unit: &str) -> Option<u32> {
    let unit = unit.to_ascii_lowercase();
    let letter = match unit.as_bytes() {
        [] | [b'b'] => return Some(0),
        [letter] | [letter, b'b'] | [letter, b'i', b'b'] => *letter,
        _ => return None,
    };
    let step = b"kmgtp".iter().position(|known| *known == letter)?;
    Some(10 * (step as u32 + 1))
}

fn not_a_size(text: &str) -> Error {
    Error::usage(format!("{text:?} is not a size")).hint("write a number with b, k, m or g, for example 512m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("42", 42),
            ("42b", 42),
            ("1k", 1024),
            ("2KB", 2048),
            ("3KiB", 3072),
            ("64m", 64 << 20),
            ("1.5g", 3 << 29),
            ("1 g", 1 << 30),
            ("2t", 2 << 40),
        ] {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "m", "-1", "1q", "1mm", "1.2.3m", ".5m", "1e3", "0x10", "9999999p", "99999999999999999999", "1 2m"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
