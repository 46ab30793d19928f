//! For programs that know BuildKit: its records of what goes on, one per line.

use super::View;
use super::board::{Board, Said, State};
use crate::build::Event;
use crate::cli::say::say_aside;
use crate::engine::now;
use crate::image::digest_of_bytes;
use crate::time::rfc3339_nanos;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct RawJson {
    begun: BTreeMap<usize, String>,
}

impl View for RawJson {
    fn event(&mut self, board: &Board, event: &Event, _lines: &[Said]) {
        let moment = rfc3339_nanos(now());
        let record = match event {
            Event::Planned(steps) => {
                let all: Vec<Value> = steps.iter().map(|step| Value::Object(vertex(board, step.number))).collect();
                json!({"vertexes": all})
            }
            Event::Begun { step } => {
                self.begun.insert(*step, moment);
                json!({"vertexes": [self.at_work(board, *step)]})
            }
            Event::Done { step, .. } => {
                let mut vertex = self.at_work(board, *step);
                vertex.insert("completed".into(), json!(moment));
                if board.steps.get(step).is_some_and(|line| line.state == State::Known) {
                    vertex.insert("cached".into(), json!(true));
                }
                json!({"vertexes": [vertex]})
            }
            Event::Failed { step, .. } => {
                let mut vertex = self.at_work(board, *step);
                vertex.insert("completed".into(), json!(moment));
                vertex.insert("error".into(), json!("the step failed"));
                json!({"vertexes": [vertex]})
            }
            Event::Output { step, is_error, bytes } => {
                let stream = if *is_error { 2 } else { 1 };
                json!({"logs": [{"vertex": digest(board, *step), "stream": stream, "data": crate::registry::to_base64(bytes), "timestamp": moment}]})
            }
            Event::Moved { step, bytes, of } => {
                json!({"statuses": [{"id": "transferring", "vertex": digest(board, *step), "current": bytes, "total": of, "timestamp": moment}]})
            }
            Event::Cached { .. } | Event::Note(_) => return,
        };
        say_aside(format!("{record}\n").as_bytes());
    }
}

impl RawJson {
    fn at_work(&self, board: &Board, step: usize) -> Map<String, Value> {
        let mut vertex = vertex(board, step);
        vertex.insert("started".into(), json!(self.begun.get(&step)));
        vertex
    }
}

fn vertex(board: &Board, step: usize) -> Map<String, Value> {
    let title = board.steps.get(&step).map(|line| line.title()).unwrap_or_default();
    Map::from_iter([("digest".to_owned(), json!(digest(board, step))), ("name".to_owned(), json!(title))])
}

/// By which the records of one step are known.
fn digest(board: &Board, step: usize) -> String {
    let text = board.steps.get(&step).map(|line| line.step.text.as_str()).unwrap_or_default();
    format!("sha256:{}", digest_of_bytes(format!("{step} {text}").as_bytes()))
}
