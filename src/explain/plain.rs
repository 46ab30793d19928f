//! The plan as text for people, and as JSON for programs.

use crate::explain::plan::{Block, Deed, Shell};
use crate::explain::script::wrap;
use serde_json::{Value, json};

const WIDTH: usize = 100;

pub fn text(blocks: &[Block]) -> String {
    blocks.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn block(block: &Block) -> String {
    let mut text = format!("{:2}  {}\n", block.number(), block.step.title());
    text.push_str(&paragraph(block.step.why(), "    ", "    "));
    for deed in &block.deeds {
        text.push_str(&paragraph(&deed.words, "    - ", "      "));
    }
    text
}

fn paragraph(words: &str, first: &str, others: &str) -> String {
    let lines = wrap(words, WIDTH - first.len());
    lines.iter().enumerate().map(|(number, line)| format!("{}{line}\n", if number == 0 { first } else { others })).collect()
}

pub fn json(blocks: &[Block]) -> Value {
    let deed = |deed: &Deed| match &deed.shell {
        Shell::Clear(lines) | Shell::Lines(lines) | Shell::First(lines) => json!({ "what": deed.words, "shell": lines }),
        Shell::Cannot(why) => json!({ "what": deed.words, "notByAShell": why }),
        Shell::Nothing => json!({ "what": deed.words }),
    };
    let block = |block: &Block| {
        json!({
            "step": block.number(),
            "title": block.step.title(),
            "why": block.step.why(),
            "deeds": block.deeds.iter().map(deed).collect::<Vec<_>>(),
        })
    };
    Value::Array(blocks.iter().map(block).collect())
}
