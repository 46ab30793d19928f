//! `Retry-After`: how long a registry wants to be left alone (RFC 9110, 10.2.3). In seconds, or until a moment of its own clock.

use crate::registry::way::http::Answer;
use crate::time;
use std::time::Duration;

/// Longer than this nobody is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What it asks for, or a little longer each time. `None`: it asks for more than anybody waits.
pub fn wait_of(answer: &Answer, attempt: u32) -> Option<Duration> {
    let wait = asked_wait(answer).unwrap_or(Duration::from_millis(200 << attempt));
    (wait <= LONGEST_WAIT).then_some(wait)
}

fn asked_wait(answer: &Answer) -> Option<Duration> {
    answer.headers().get("retry-after").and_then(|after| parse(after.to_str().ok()?.trim(), time::now()))
}

/// What helps whom a registry has answered enough.
pub fn limited(answer: &Answer, registry: &str, knows_us: bool) -> String {
    let wait = asked_wait(answer).map_or("try again later".to_owned(), |wait| {
        format!("try again in {}", time::human_duration(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)).to_lowercase())
    });
    match knows_us {
        true => format!("{wait}, or name a mirror in registries.toml"),
        false => format!("tare login {registry}: whom it knows it gives more; else {wait}, or name a mirror in registries.toml"),
    }
}

/// What cannot be read says nothing.
fn parse(text: &str, now: u64) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is much.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    Some(Duration::from_nanos(moment(text)?.saturating_sub(now)))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as HTTP writes all its moments. Before 1970 there was nothing.
pub fn moment(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, clock, "GMT"] = words[..] else { return None };
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    // Beyond 2500 our moments end.
    let year = year.parse::<u16>().ok()?.min(2500);
    Some(time::parse_rfc3339(&format!("{year:04}-{month:02}-{day}T{clock}Z")).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_moments_are_read_and_nonsense_is_not() {
        let now = time::parse_rfc3339("1994-11-06T08:49:30Z").unwrap();
        let read = |text: &str| parse(text, now).map(|wait| wait.as_secs());
        assert_eq!((read("0"), read("120"), read("Sun, 06 Nov 1994 08:49:37 GMT")), (Some(0), Some(120), Some(7)));
        assert_eq!((read("Thu, 01 Jan 1970 00:00:00 GMT"), read("Fri, 01 Jan 1960 00:00:00 GMT")), (Some(0), Some(0)));
        assert!(read("99999999999999999999999").unwrap() > 1 << 60 && read("Fri, 31 Dec 9999 23:59:59 GMT").unwrap() > 1 << 33);
        for nonsense in ["", "-5", "+5", "1.5", "soon", "Sun, 06 Foo 1994 08:49:37 GMT", "06 Nov 1994 08:49:37"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
