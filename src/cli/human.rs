//! Sizes for people: `4.42MB` where files are counted, `512MiB` where memory is.

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
