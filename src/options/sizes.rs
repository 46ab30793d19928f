//! Sizes as people type them (`512m`, `1.5g`, `4096`, in powers of 1024, as Docker's are), and as they are shown to them: `4.42MB` where
//! files are counted, `512MiB` where memory is.

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

/// Powers of 1000 and three digits, as `docker images` shows sizes.
pub fn size(bytes: u64) -> String {
    scaled(bytes, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], 3)
}

/// Powers of 1024 and four digits, as `docker stats` shows memory.
pub fn memory(bytes: u64) -> String {
    scaled(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], 4)
}

fn scaled(bytes: u64, base: f64, units: &[&str], digits: usize) -> String {
    let (mut number, mut unit) = (bytes as f64, 0);
    // What would be rounded up to the base belongs to the next unit: 1MB, never 1000kB.
    while unit + 1 < units.len() && rounded(number, digits).parse::<f64>().is_ok_and(|shown| shown >= base) {
        number /= base;
        unit += 1;
    }
    rounded(number, digits) + units[unit]
}

/// So many significant digits, and no zeros at the end of a fraction.
fn rounded(number: f64, digits: usize) -> String {
    let before = if number < 1.0 { 1 } else { number.log10().floor() as usize + 1 };
    let text = format!("{number:.*}", digits.saturating_sub(before));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
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

    #[test]
    fn files_are_counted_in_thousands() {
        for (bytes, text) in [
            (0, "0B"),
            (1, "1B"),
            (999, "999B"),
            (1000, "1kB"),
            (1024, "1.02kB"),
            (4_415_000, "4.42MB"),
            (77_900_000, "77.9MB"),
            (188_000_000, "188MB"),
            (999_499, "999kB"),
            (999_999, "1MB"),
            (5_000_000_000, "5GB"),
            (u64::MAX, "18.4EB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn memory_is_counted_in_powers_of_two() {
        assert_eq!(memory(512 << 20), "512MiB");
        assert_eq!(memory(1_610_612_736), "1.5GiB");
        assert_eq!(memory(1023), "1023B");
        assert_eq!(memory(1_048_575), "1MiB");
    }
}
