//! Moments and durations, in the words of RFC 3339 and of Docker. A moment is nanoseconds since 1970, in UTC; 0 is none.

use crate::error::{Error, Result};

const SECOND: u64 = 1_000_000_000;

/// The moment of the call.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// A moment taken apart. The algorithm counts days in years that begin in March, so that the leap day comes last.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    nanos: u64,
}

impl Civil {
    fn of(moment: u64) -> Civil {
        let seconds = moment / SECOND;
        let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Civil {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: rest / 3_600,
            minute: rest / 60 % 60,
            second: rest % 60,
            nanos: moment % SECOND,
        }
    }

    /// `None` before 1970.
    fn moment(&self, offset_seconds: i64) -> Option<u64> {
        let year = self.year - u64::from(self.month <= 2);
        let (era, year_of_era) = (year / 400, year % 400);
        let shifted = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * shifted + 2) / 5 + self.day - 1;
        let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let seconds = (days as i64 - 719_468) * 86_400 + (self.hour * 3_600 + self.minute * 60 + self.second) as i64 - offset_seconds;
        u64::try_from(seconds).ok()?.checked_mul(SECOND)?.checked_add(self.nanos)
    }
}

/// `2026-11-21T07:02:09.123456789Z`; of no moment `0001-01-01T00:00:00Z`, as Go writes it.
pub fn rfc3339(moment: u64) -> String {
    if moment == 0 {
        return "0001-01-01T00:00:00Z".to_owned();
    }
    let at = Civil::of(moment);
    let mut text = format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", at.year, at.month, at.day, at.hour, at.minute, at.second);
    if at.nanos != 0 {
        text.push_str(format!(".{:09}", at.nanos).trim_end_matches('0'));
    }
    text + "Z"
}

/// With all nine digits, so that lines of a log are equally wide.
pub fn rfc3339_nanos(moment: u64) -> String {
    let at = Civil::of(moment);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", at.year, at.month, at.day, at.hour, at.minute, at.second, at.nanos)
}

/// `2026-11-21 07:02:09 +0000 UTC`: the column CreatedAt.
pub fn created_at(moment: u64) -> String {
    let at = Civil::of(moment);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02} +0000 UTC", at.year, at.month, at.day, at.hour, at.minute, at.second)
}

/// `3 seconds`, `About a minute`, `2 weeks`.
pub fn human_duration(nanos: u64) -> String {
    let seconds = nanos / SECOND;
    let (minutes, hours) = (seconds / 60, (seconds + 1_800) / 3_600);
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (2..=59, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, 2..=59, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., 2..=47) => format!("{hours} hours"),
        (.., 48..=335) => format!("{} days", hours / 24),
        (.., 336..=1_439) => format!("{} weeks", hours / 24 / 7),
        (.., 1_440..=17_519) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", seconds / 3_600 / 24 / 365),
    }
}

/// `1m30s`, `500ms`: as it would be typed.
pub fn short_duration(nanos: u64) -> String {
    let (seconds, rest) = (nanos / SECOND, nanos % SECOND);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (rest / 1_000_000, "ms")];
    let text: String = parts.iter().filter(|(number, _)| *number != 0).map(|(number, unit)| format!("{number}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// `2 hours ago`
pub fn ago(now: u64, then: u64) -> String {
    format!("{} ago", human_duration(now.saturating_sub(then)))
}

/// Nanoseconds of `1h30m`, `1.5s`, `300ms`; a bare number is not a duration.
pub fn parse_duration(text: &str) -> Result<u64> {
    let bad = || Error::usage(format!("{text:?} is not a duration")).hint("write for example 90s, 10m or 1h30m");
    let (mut rest, mut total) = (text, 0_u64);
    if rest == "0" {
        return Ok(0);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len() - digits);
        let unit = match &rest[digits..digits + letters] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            _ => return Err(bad()),
        };
        total = times(&rest[..digits], unit).and_then(|nanos| total.checked_add(nanos)).ok_or_else(bad)?;
        rest = &rest[digits + letters..];
    }
    if text.is_empty() { Err(bad()) } else { Ok(total) }
}

/// A decimal number times a unit.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = fraction.parse::<u128>().unwrap_or(0) * u128::from(unit) / 10_u128.pow(fraction.len() as u32);
    whole.checked_mul(unit)?.checked_add(u64::try_from(fraction).ok()?)
}

/// A moment as `logs --since` takes it: `10m` (ago), `2026-11-21T07:02:09Z`, `2026-11-21`, or seconds since 1970.
pub fn parse_moment(text: &str, now: u64) -> Result<u64> {
    // As in Docker, 0 is no duration here: it is the beginning.
    if let (Ok(duration), true) = (parse_duration(text), text != "0") {
        return Ok(now.saturating_sub(duration));
    }
    if let Some(moment) = times(text, SECOND) {
        return Ok(moment);
    }
    parse_rfc3339(text)
        .ok_or_else(|| Error::usage(format!("{text:?} is not a time")).hint("write for example 10m, 2026-11-21T07:02:09Z or 2026-11-21"))
}

/// Also without a zone (UTC), without seconds, and a day alone.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (day, rest) = match text.split_once(['T', 't', ' ']) {
        Some((day, rest)) => (day, rest),
        None => (text, "00:00:00Z"),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], offset(&rest[at..])?),
        None => (rest, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] =
        numbers(clock, ':', [2, 2, 2]).or_else(|| numbers(clock, ':', [2, 2]).map(|[hour, minute]| [hour, minute, 0]))?;
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit()) && !fraction.is_empty();
    let nanos = format!("{:0<9.9}", fraction).parse::<u64>().ok().filter(|_| digits)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=longest).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Civil { year, month, day, hour, minute, second, nanos }.moment(offset)
}

fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for (place, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Seconds east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let [hours, minutes] = numbers(&text[1..], ':', [2, 2])?;
    let seconds = (hours * 3_600 + minutes * 60) as i64;
    Some(if text.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read_back() {
        for (moment, text) in [
            (0, "0001-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.000000001Z"),
            (951_782_400 * SECOND, "2000-02-29T00:00:00Z"),
            (1_763_708_529_120_000_000, "2025-11-21T07:02:09.12Z"),
            (4_102_444_799 * SECOND, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(moment), text);
            if moment != 0 {
                assert_eq!(parse_rfc3339(text), Some(moment));
            }
        }
        assert_eq!(rfc3339_nanos(1_763_708_529_120_000_000), "2025-11-21T07:02:09.120000000Z");
        assert_eq!(created_at(1_763_708_529_120_000_000), "2025-11-21 07:02:09 +0000 UTC");
    }

    #[test]
    fn every_day_of_a_century_comes_back() {
        for day in 0..36_525_u64 {
            let moment = day * 86_400 * SECOND + 1;
            assert_eq!(parse_rfc3339(&rfc3339(moment)), Some(moment));
        }
    }

    #[test]
    fn zones_and_short_forms_are_understood() {
        let moment = parse_rfc3339("2025-11-21T07:02:09Z");
        assert!(moment.is_some());
        for text in [
            "2025-11-21T08:02:09+01:00",
            "2025-11-21T01:32:09-05:30",
            "2025-11-21 07:02:09",
            "2025-11-21t07:02:09z",
            "2025-11-21T07:02:09.000Z",
        ] {
            assert_eq!(parse_rfc3339(text), moment, "{text}");
        }
        assert_eq!(parse_rfc3339("2025-11-21"), parse_rfc3339("2025-11-21T00:00Z"));
        for text in [
            "",
            "2025",
            "2025-13-01",
            "2025-02-29",
            "2025-11-21T25:00:00Z",
            "2025-11-21T07:02:09.Z",
            "2025-11-21T07:02:09+1",
            "25-1-1",
            "2025-11-21T07:02:09.xZ",
            "1900-01-01",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_said_as_docker_says_them() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (59 * 60, "59 minutes"),
            (3_600, "About an hour"),
            (5_399, "About an hour"),
            (5_400, "2 hours"),
            (47 * 3_600, "47 hours"),
            (48 * 3_600, "2 days"),
            (14 * 86_400, "2 weeks"),
            (60 * 86_400, "2 months"),
            (730 * 86_400, "2 years"),
        ] {
            assert_eq!(human_duration(seconds * SECOND), text, "{seconds}");
        }
        assert_eq!(ago(10 * SECOND, 3 * SECOND), "7 seconds ago");
        assert_eq!(ago(3, 10), "Less than a second ago");
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        assert_eq!(parse_duration("1h30m").unwrap(), 5_400 * SECOND);
        assert_eq!(parse_duration("1.5s300ms").unwrap(), 1_800_000_000);
        for text in ["", "5", "m", "1x", "1.2.3s", "-1s", "99999999999999999999s", ".s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_may_be_said_in_three_ways() {
        let now = 1_763_708_529 * SECOND;
        assert_eq!(parse_moment("10s", now).unwrap(), now - 10 * SECOND);
        assert_eq!((parse_moment("0", now).unwrap(), parse_moment("0s", now).unwrap()), (0, now));
        assert_eq!(parse_moment("1763708500.5", now).unwrap(), 1_763_708_500_500_000_000);
        assert_eq!(parse_moment("2025-11-21T07:02:09Z", 0).unwrap(), now);
        for text in ["yesterday", "1.x", "+1", "1.+5", "1."] {
            assert_eq!(parse_moment(text, now).is_ok(), text == "1.", "{text}");
        }
    }
}
