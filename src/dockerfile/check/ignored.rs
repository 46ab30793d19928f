//! COPY and ADD of what `.dockerignore` takes out of the context.

use super::{MOST, Rule};
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::instruction::Instruction;
use crate::dockerfile::wildcard;
use crate::options::mounts::clean_path;

pub const COPY_IGNORED_FILE: Rule = Rule {
    name: "CopyIgnoredFile",
    sentence: "what is copied is not excluded from the context by .dockerignore",
    find: |seen| {
        let Some(patterns) = seen.around.ignored else { return Vec::new() };
        let mut hits = Vec::new();
        for (item, have) in seen.items.iter().enumerate() {
            let sources = match &have.line.instruction {
                Instruction::Copy(copy) if copy.from.is_none() => &copy.sources,
                Instruction::Add(copy) => &copy.sources,
                _ => continue,
            };
            for source in sources.iter().filter(|source| is_of_context(source) && is_gone(patterns, source)).take(MOST) {
                hits.push(seen.hit(item, source, format!("{source} is excluded from the context by .dockerignore")));
            }
        }
        hits
    },
};

/// No address, and no variable, of which nothing is known here.
fn is_of_context(source: &str) -> bool {
    !source.contains('$') && !source.contains("://") && !source.starts_with("git@")
}

/// It is excluded, and so is all that may be below it.
fn is_gone(patterns: &Patterns, source: &str) -> bool {
    let path = clean_path(source);
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return patterns.exclude_everything();
    }
    // What a star stands for is as unknown as what is in its directory.
    let magic = path.split('/').position(wildcard::has_magic);
    let known: Vec<&str> = path.split('/').take(magic.unwrap_or(usize::MAX)).collect();
    patterns.excludes(path) && !patterns.may_hold(&known.join("/"))
}
