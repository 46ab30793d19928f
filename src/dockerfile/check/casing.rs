//! Capitals and small letters: one may write as one likes, but the same way everywhere.

use super::{Hit, Rule};
use crate::dockerfile::parse::words;

pub const STAGE_NAME_CASING: Rule = Rule {
    name: "StageNameCasing",
    sentence: "names of stages are written in small letters",
    find: |seen| {
        let written = seen.froms().filter_map(|(index, item, _)| Some((index, words_behind_from(&item.whole.text)?.1)));
        let wrong = written.filter(|(_, name)| *name != name.to_lowercase());
        wrong.map(|(index, name)| seen.hit(index, name, format!("the stage {name} is known as {}", name.to_lowercase()))).collect()
    },
};

pub const FROM_AS_CASING: Rule = Rule {
    name: "FromAsCasing",
    sentence: "AS is written as FROM is, in capitals or in small letters",
    find: |seen| {
        let wrong = seen.froms().filter_map(|(index, item, _)| {
            let (keyword, _) = words_behind_from(&item.whole.text)?;
            let from = item.word();
            let differs = match Case::of(from) {
                Some(case) => Case::of(keyword) != Some(case),
                None => false,
            };
            differs.then(|| seen.hit(index, keyword, format!("{from} and {keyword} are written differently")))
        });
        wrong.collect()
    },
};

pub const CONSISTENT_INSTRUCTION_CASING: Rule = Rule {
    name: "ConsistentInstructionCasing",
    sentence: "all instructions are written in the same way, in capitals or in small letters",
    find: |seen| {
        let count = |case: Case| seen.items.iter().filter(|item| Case::of(item.word()) == Some(case)).count();
        let (usual, name) = match count(Case::Small) > count(Case::Capital) {
            true => (Case::Small, "small letters"),
            false => (Case::Capital, "capitals"),
        };
        let wrong = seen.items.iter().enumerate().filter(|(_, item)| Case::of(item.word()) != Some(usual));
        wrong.map(|(item, have)| Hit { item, at: 0, message: format!("{} stands among instructions in {name}", have.word()) }).collect()
    },
};

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Small,
    Capital,
}

impl Case {
    /// `None`: mixed.
    fn of(word: &str) -> Option<Case> {
        match word {
            _ if word == word.to_ascii_lowercase() => Some(Case::Small),
            _ if word == word.to_ascii_uppercase() => Some(Case::Capital),
            _ => None,
        }
    }
}

/// `AS` and the name, as they are written.
fn words_behind_from(text: &str) -> Option<(&str, &str)> {
    match words::split(text)[..] {
        [.., (_, keyword), (_, name)] if keyword.eq_ignore_ascii_case("as") => Some((keyword, name)),
        _ => None,
    }
}
