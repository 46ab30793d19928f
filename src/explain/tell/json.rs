//! One object for each thing that happens, a line each.

use super::Teller;
use crate::explain::calls;
use crate::explain::observe::{Happened, Seen};
use serde_json::{Value, json};
use std::time::Duration;

pub struct Json;

impl Teller for Json {
    fn tell(&mut self, seen: &Seen, at: Duration, happened: Happened) -> String {
        let mut line = json!({ "at_us": micros(at), "pid": seen.pid, "who": seen.who.name() });
        let more = match happened {
            Happened::Step(step) => json!({ "event": "step", "number": step.number(), "title": step.title(), "why": step.why() }),
            Happened::Called { call, answer, took } => json!({
                "event": "call",
                "step": seen.step.map(|step| step.number()),
                "name": call.name,
                "tells": call.is_telling,
                "arguments": call.arguments,
                "answer": calls::answer(answer),
                "took_us": micros(took),
            }),
            Happened::Became(program) => json!({ "event": "became", "program": program }),
            Happened::Ended { code } => json!({ "event": "ended", "code": code }),
        };
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        format!("{line}\n")
    }

    fn end(&mut self) -> String {
        String::new()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
