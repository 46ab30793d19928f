//! The time line as a table with bars.

use super::{Start, milliseconds};
use std::fmt::Write;

const BAR: usize = 24;

pub fn text(start: &Start) -> String {
    let end = if start.failed { "and it failed" } else { "until its program ran" };
    let mut text = format!("start of {}: {:.2} ms {end}\n\n", start.name, milliseconds(start.whole));
    let _ = writeln!(text, "{:>8} {:>8}  {:<22} {:<BAR$}  step", "at", "took", "who", "");
    for span in &start.spans {
        let (at, took) = (milliseconds(span.from), milliseconds(span.took()));
        let bar = bar(span.from, span.to, start.whole);
        let _ =
            writeln!(text, "{at:>5.2} ms {took:>5.2} ms  {:<22} {bar}  {:>2} {}", span.who.name(), span.step.number(), span.step.title());
    }
    if let Some(longest) = start.spans.iter().max_by_key(|span| span.took()) {
        let _ = writeln!(text, "\nlongest: {} ({:.2} ms)", longest.step.title(), milliseconds(longest.took()));
    }
    text
}

/// Where in the whole it lies; what is too short to be seen is a thin line.
fn bar(from: u64, to: u64, whole: u64) -> String {
    let place = |at: u64| ((at as f64 / whole.max(1) as f64) * BAR as f64).round() as usize;
    let (begin, end) = (place(from).min(BAR - 1), place(to).min(BAR));
    let length = end.saturating_sub(begin);
    let shown = if length == 0 { "▏".to_owned() } else { "█".repeat(length) };
    format!("{}{shown}{}", " ".repeat(begin), " ".repeat(BAR - begin - length.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_wide_as_the_column_wherever_they_begin() {
        for (from, to) in [(0, 0), (0, 100), (99, 100), (100, 100), (50, 51), (10, 90)] {
            assert_eq!(bar(from, to, 100).chars().count(), BAR, "{from} {to}");
        }
        assert_eq!(bar(0, 0, 0).chars().count(), BAR);
    }

    #[test]
    fn the_table_names_who_and_what() {
        let text = text(&super::super::tests::example());
        assert!(text.starts_with("start of web: 3.00 ms until its program ran\n"), "{text}");
        assert!(text.contains(" 1.00 ms  2.00 ms  monitor"), "{text}");
        assert!(text.contains("longest: make a process in new namespaces (2.00 ms)"), "{text}");
    }
}
