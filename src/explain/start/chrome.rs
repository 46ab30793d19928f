//! The time line as the trace format that browsers and ui.perfetto.dev show: an event for each step, with microseconds.

use super::{Start, lane};
use serde_json::{Value, json};

pub fn chrome(start: &Start) -> Value {
    let event = |span: &super::Span| {
        json!({
            "name": span.step.title(),
            "cat": span.who.name(),
            "ph": "X",
            "ts": span.from as f64 / 1000.0,
            "dur": span.took() as f64 / 1000.0,
            "pid": 1,
            "tid": lane(span.who) as u8,
            "args": { "number": span.step.number(), "why": span.step.why() },
        })
    };
    let mut lanes: Vec<_> = start.spans.iter().map(|span| lane(span.who)).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let named = lanes
        .iter()
        .map(|who| json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": *who as u8, "args": { "name": who.lane_name() } }));
    let process = json!({ "name": "process_name", "ph": "M", "pid": 1, "args": { "name": format!("start of {}", start.name) } });
    let events: Vec<Value> = std::iter::once(process).chain(named).chain(start.spans.iter().map(event)).collect();
    json!({ "traceEvents": events, "displayTimeUnit": "ms" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_microseconds_and_the_child_is_one_lane() {
        let chrome = chrome(&super::super::tests::example());
        let events = chrome["traceEvents"].as_array().unwrap();
        let inside = events.iter().find(|event| event["name"] == "mount the kernel's own file systems").unwrap();
        let outside = events.iter().find(|event| event["name"] == "make the new root the only root").unwrap();
        assert_eq!(inside["tid"], outside["tid"]);
        assert_eq!((inside["ts"].as_f64(), inside["dur"].as_f64()), (Some(2500.0), Some(500.0)));
    }
}
