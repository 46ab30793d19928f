//! For programs: one event per line.

use super::View;
use super::board::{Board, Said};
use crate::build::Event;
use crate::cli::say::say_aside;
use serde_json::{Value, json};

pub struct Json;

impl View for Json {
    fn event(&mut self, _board: &Board, event: &Event, _lines: &[Said]) {
        say_aside(format!("{}\n", described(event)).as_bytes());
    }
}

fn described(event: &Event) -> Value {
    match event {
        Event::Planned(steps) => json!({"event": "planned", "steps": steps}),
        Event::Begun { step } => json!({"event": "begun", "step": step}),
        Event::Cached { step } => json!({"event": "cached", "step": step}),
        Event::Output { step, is_error, bytes } => {
            let stream = if *is_error { "stderr" } else { "stdout" };
            json!({"event": "output", "step": step, "stream": stream, "text": String::from_utf8_lossy(bytes)})
        }
        Event::Moved { step, bytes, of } => json!({"event": "moved", "step": step, "bytes": bytes, "of": of}),
        Event::Done { step, milliseconds } => json!({"event": "done", "step": step, "milliseconds": milliseconds}),
        Event::Failed { step, milliseconds } => json!({"event": "failed", "step": step, "milliseconds": milliseconds}),
        Event::Note(text) => json!({"event": "note", "text": text}),
    }
}
