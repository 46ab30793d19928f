//! What containers use, as rows: pure words, so that every column can be tested.

use crate::cli::human;
use crate::cli::template::{Row, render_rows};
use crate::engine::stats::Sample;
use crate::error::Result;
use serde_json::{Value, json};

const USUAL: &str = "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

pub struct View {
    /// Ids are not cut short.
    pub whole: bool,
    pub format: String,
}

impl View {
    pub fn is_table(&self) -> bool {
        self.format.is_empty() || self.format.starts_with("table")
    }
}

pub struct Line {
    pub id: String,
    pub name: String,
    /// As it was named on the command line.
    pub called: String,
    /// `None`: it does not run.
    pub sample: Option<Sample>,
    /// `None`: it was seen once only.
    pub load: Option<f64>,
}

pub fn text(lines: &[Line], view: &View) -> Result<String> {
    let headings = json!({
        "Container": "CONTAINER", "ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %",
        "NetIO": "NET I/O", "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
    });
    let rows: Vec<Row> = lines.iter().map(|line| Row::from(row(line, view.whole))).collect();
    render_rows(&view.format, USUAL, &headings, &rows)
}

fn row(line: &Line, whole: bool) -> Value {
    let pair = |one: String, other: String| format!("{one} / {other}");
    let of = |what: fn(&Sample) -> u64| line.sample.as_ref().map_or(0, what);
    let (memory, limit) = (of(|now| now.memory), of(|now| now.memory_limit));
    let load = match (line.sample, line.load) {
        (Some(_), None) => "--".to_owned(),
        (_, load) => format!("{:.2}%", load.unwrap_or(0.0) * 100.0),
    };
    json!({
        "Container": line.called,
        "ID": if whole { &line.id } else { line.id.get(..12).unwrap_or(&line.id) },
        "Name": line.name,
        "CPUPerc": load,
        "MemUsage": pair(human::memory(memory), human::memory(limit)),
        "MemPerc": format!("{:.2}%", if limit == 0 { 0.0 } else { memory as f64 / limit as f64 * 100.0 }),
        "NetIO": pair(human::size(of(|now| now.received)), human::size(of(|now| now.sent))),
        "BlockIO": pair(human::size(of(|now| now.read)), human::size(of(|now| now.written))),
        "PIDs": of(|now| now.tasks).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn line(sample: Option<Sample>, load: Option<f64>) -> Line {
        Line { id: "0123456789abcdef".to_owned(), name: "web".to_owned(), called: "web".to_owned(), sample, load }
    }

    fn sample() -> Sample {
        let at = Instant::now();
        Sample { at, cpu: 1, memory: 32 << 20, memory_limit: 64 << 20, tasks: 3, received: 1000, sent: 0, read: 4096, written: 2_000_000 }
    }

    #[test]
    fn a_container_is_a_line() {
        let view = View { whole: false, format: String::new() };
        assert_eq!(
            text(&[line(Some(sample()), Some(1.5)), line(Some(sample()), None), line(None, None)], &view).unwrap(),
            "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O    BLOCK I/O     PIDS\n\
             0123456789ab   web       150.00%   32MiB / 64MiB       50.00%    1kB / 0B   4.1kB / 2MB   3\n\
             0123456789ab   web       --        32MiB / 64MiB       50.00%    1kB / 0B   4.1kB / 2MB   3\n\
             0123456789ab   web       0.00%     0B / 0B             0.00%     0B / 0B    0B / 0B       0\n"
        );
    }

    #[test]
    fn json_has_docker_s_fields() {
        let view = View { whole: true, format: "json".to_owned() };
        let told: Value = serde_json::from_str(&text(&[line(Some(sample()), Some(0.0))], &view).unwrap()).unwrap();
        let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"]);
        assert_eq!((told["ID"].as_str(), told["PIDs"].as_str()), (Some("0123456789abcdef"), Some("3")));
    }
}
