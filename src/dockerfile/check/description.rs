//! Comments above ARG and FROM that tell what they are for.

use super::options;
use super::{Hit, Rule};
use crate::dockerfile::instruction::Instruction;

pub const INVALID_DEFINITION_DESCRIPTION: Rule = Rule {
    name: "InvalidDefinitionDescription",
    sentence: "a comment right above ARG or a named stage begins with the name of what it describes; an empty line keeps any other apart",
    find: |seen| {
        let mut hits = Vec::new();
        for (item, have) in seen.items.iter().enumerate() {
            let names: Vec<&str> = match (&have.line.instruction, have.stage) {
                (Instruction::Arg(all), _) => all.iter().map(|(name, _)| name.as_str()).collect(),
                (Instruction::From, Some(stage)) => seen.all.stages[stage].name.as_deref().into_iter().collect(),
                _ => continue,
            };
            let comments: Vec<&String> = have.whole.comments.iter().filter(|comment| options::option(comment).is_none()).collect();
            let describes = |name: &&str| comments.iter().any(|comment| comment.split_whitespace().next() == Some(name));
            if names.is_empty() || comments.is_empty() || names.iter().any(describes) {
                continue;
            }
            let name = if names.len() == 1 { names[0] } else { "NAME" };
            hits.push(Hit { item, at: 0, message: format!("begin the comment above with # {name}, or set it apart by an empty line") });
        }
        hits
    },
};
