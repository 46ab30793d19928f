//! Names of stages, and what in a stage counts only once.

use super::{Hit, Rule};
use crate::dockerfile::instruction::Instruction;
use std::mem::Discriminant;

pub const DUPLICATE_STAGE_NAME: Rule = Rule {
    name: "DuplicateStageName",
    sentence: "each stage has a name of its own",
    find: |seen| {
        let is_taken = |index: usize, name: &str| seen.all.stages[..index].iter().any(|other| other.name.as_deref() == Some(name));
        let wrong = seen.froms().filter_map(|(index, item, stage)| {
            let name = stage.name.as_deref().filter(|name| is_taken(item.stage.unwrap_or(0), name))?;
            Some(Hit { item: index, at: 0, message: format!("a stage before has the name {name}, too") })
        });
        wrong.collect()
    },
};

pub const RESERVED_STAGE_NAME: Rule = Rule {
    name: "ReservedStageName",
    sentence: "scratch and context have a meaning, and are no names for stages",
    find: |seen| {
        let wrong = seen.froms().filter_map(|(item, _, stage)| {
            let name = stage.name.as_deref().filter(|name| ["scratch", "context"].contains(name))?;
            Some(Hit { item, at: 0, message: format!("{name} is taken: nothing can refer to this stage") })
        });
        wrong.collect()
    },
};

pub const MULTIPLE_INSTRUCTIONS_DISALLOWED: Rule = Rule {
    name: "MultipleInstructionsDisallowed",
    sentence: "in a stage only the last CMD, ENTRYPOINT and HEALTHCHECK counts",
    find: |seen| {
        let mut last: Vec<(Discriminant<Instruction>, usize, usize)> = Vec::new();
        let mut hits = Vec::new();
        for (item, have) in seen.items.iter().enumerate() {
            let (Some(stage), instruction) = (have.stage, &have.line.instruction) else { continue };
            if !matches!(instruction, Instruction::Cmd(_) | Instruction::Entrypoint(_) | Instruction::Healthcheck(_)) {
                continue;
            }
            let kind = std::mem::discriminant(instruction);
            match last.iter_mut().rfind(|(other, of, _)| *other == kind && *of == stage) {
                None => last.push((kind, stage, item)),
                Some((.., before)) => {
                    let message = format!("another {} of the same stage follows, and only that one counts", instruction.name());
                    hits.push(Hit { item: std::mem::replace(before, item), at: 0, message });
                }
            }
        }
        hits
    },
};

pub const WORKDIR_RELATIVE_PATH: Rule = Rule {
    name: "WorkdirRelativePath",
    sentence: "the first WORKDIR is absolute: otherwise it depends on what the base image says",
    find: |seen| {
        let mut hits = Vec::new();
        seen.inherit(
            |_| false,
            |is_known, item, have| {
                if let Instruction::Workdir(directory) = &have.line.instruction {
                    // What a variable holds is not known here.
                    if !*is_known && !directory.trim_start_matches(['"', '\'']).starts_with(['/', '$']) {
                        let message = format!("{directory} is meant from the base's directory, which may change");
                        hits.push(seen.hit(item, directory, message));
                    }
                    *is_known = true;
                }
            },
        );
        hits
    },
};
