//! The time line as a picture: a row for each step, a colour for each process, milliseconds from left to right.
//!
//! It takes the colours of the page that shows it, dark or light, and each bar tells the reason of its step to whoever points at it.

use super::{Span, Start, lane, milliseconds};
use crate::trace::Who;
use std::fmt::Write;

const ROW: f64 = 20.0;
const LEFT: f64 = 20.0;
const TOP: f64 = 84.0;
/// Of the time line itself; labels of late steps stand before their bars.
const WIDTH: f64 = 1000.0;
/// A letter, roughly: what is shown is measured with it.
const LETTER: f64 = 6.0;

const STYLE: &str = "\
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1d2430; --faint: #68727f; --line: #e3e7ec;
  --command: #4c78a8; --monitor: #f0a13a; --cloner: #9d755d; --child: #3a9d6e; --process: #d1495b; --other: #8a7bb8 }
@media (prefers-color-scheme: dark) { :root { --ground: #14181f; --ink: #e6e9ee; --faint: #98a2b0; --line: #2a313c;
  --command: #6d9dcd; --monitor: #f2b35c; --cloner: #b9937a; --child: #55b98a; --process: #e57383; --other: #a99cd4 } }
.ground { fill: var(--ground) } text { font: 12px sans-serif; fill: var(--ink) } .title { font-size: 18px; font-weight: bold }
.faint { fill: var(--faint) } .line { stroke: var(--line) }
.command { fill: var(--command) } .monitor { fill: var(--monitor) } .cloner { fill: var(--cloner) } .child { fill: var(--child) }
.process { fill: var(--process) } .other { fill: var(--other) }
";

pub fn svg(start: &Start) -> String {
    let height = TOP + ROW * start.spans.len() as f64 + 24.0;
    let width = LEFT * 2.0 + WIDTH;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n<style>\n{STYLE}</style>\n"
    );
    let _ = writeln!(svg, "<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>");
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"{LEFT}\" y=\"30\">start of {}: {:.2} ms</text>",
        escaped(&start.name),
        milliseconds(start.whole)
    );
    legend(&mut svg, start);
    axis(&mut svg, start, height);
    for (row, span) in start.spans.iter().enumerate() {
        bar(&mut svg, start, span, TOP + ROW * row as f64);
    }
    svg + "</svg>\n"
}

fn class(who: Who) -> &'static str {
    match lane(who) {
        Who::Command => "command",
        Who::Monitor => "monitor",
        Who::Cloner => "cloner",
        Who::Child => "child",
        Who::Process => "process",
        _ => "other",
    }
}

fn legend(svg: &mut String, start: &Start) {
    let mut x = LEFT;
    let mut lanes: Vec<Who> = start.spans.iter().map(|span| lane(span.who)).collect();
    lanes.sort_unstable();
    lanes.dedup();
    for who in lanes {
        let name = who.lane_name();
        let _ = writeln!(svg, "<rect class=\"{}\" x=\"{x}\" y=\"42\" width=\"12\" height=\"12\" rx=\"2\"/>", class(who));
        let _ = writeln!(svg, "<text x=\"{}\" y=\"52\">{name}</text>", x + 17.0);
        x += 34.0 + name.len() as f64 * LETTER;
    }
}

/// A line for each millisecond, or for each of a rounder number where there are many.
fn axis(svg: &mut String, start: &Start, height: f64) {
    let whole = milliseconds(start.whole);
    let step = round_number_above(whole / 12.0);
    for at in (0..=12).map(|line| f64::from(line) * step).filter(|at| *at <= whole) {
        let x = LEFT + WIDTH * at / whole.max(0.001);
        let _ = writeln!(svg, "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>", TOP - 4.0, height - 16.0);
        let _ = writeln!(svg, "<text class=\"faint\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{at} ms</text>", TOP - 9.0);
    }
}

/// 0.5, 1, 2, 5, 10, 20 …
fn round_number_above(least: f64) -> f64 {
    let mut power = 0.1;
    loop {
        for number in [1.0, 2.0, 5.0] {
            if number * power >= least.max(0.5) {
                return number * power;
            }
        }
        power *= 10.0;
    }
}

fn bar(svg: &mut String, start: &Start, span: &Span, y: f64) {
    let place = |at: u64| LEFT + WIDTH * at as f64 / start.whole.max(1) as f64;
    let (from, to) = (place(span.from), place(span.to));
    let width = (to - from).max(1.5);
    let label = format!("{} {} ({:.2} ms)", span.step.number(), span.step.title(), milliseconds(span.took()));
    let _ = writeln!(
        svg,
        "<rect class=\"{}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\"><title>{}: {}</title></rect>",
        class(span.who),
        y + 2.0,
        ROW - 5.0,
        escaped(span.who.name()),
        escaped(span.step.why())
    );
    // Behind the bar; where there is no room any more, before it; where there is none either, on it.
    let needs = label.chars().count() as f64 * LETTER + 12.0;
    let (x, anchor) = if to + needs < LEFT + WIDTH {
        (from + width + 6.0, "start")
    } else if from - needs > 0.0 {
        (from - 6.0, "end")
    } else {
        (from + 6.0, "start")
    };
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>", y + 13.5, escaped(&label));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_bar_and_a_label_within_the_picture() {
        let start = super::super::tests::example();
        let svg = svg(&start);
        assert_eq!(svg.matches("<title>").count(), start.spans.len());
        assert!(svg.contains("1 find the image (0.30 ms)"), "{svg}");
        assert!(svg.contains("class=\"child\""));
    }

    #[test]
    fn there_are_few_lines_however_long_a_start_took() {
        for (least, found) in [(0.0, 0.5), (0.7, 1.0), (1.0, 1.0), (3.0, 5.0), (1e12, 1e12)] {
            assert!((round_number_above(least) / found - 1.0).abs() < 1e-9, "{least}");
        }
        let long = Start { whole: 1 << 47, ..super::super::tests::example() };
        assert!(svg(&long).matches("<line").count() <= 13);
    }

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
