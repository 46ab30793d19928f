//! One line: a step that makes a layer, or words that the image says of itself.

use crate::build::history;
use crate::build::stage::Working;
use crate::build::steps::{self, Outcome};
use crate::dockerfile::{Instruction, Line, expand, settings};
use crate::error::Result;
use crate::sys::signal;

impl Working<'_> {
    pub(super) fn carry_out(&mut self, line: &Line) -> Result<Outcome> {
        // Each ARG of a line sees those before it.
        if let Instruction::Arg(all) = &line.instruction {
            return self.declare(all);
        }
        match expand::instruction(&line.instruction, self.plan.file.escape, &|name| self.lookup(name))? {
            Instruction::Run(run) => steps::run(self, &run, line),
            Instruction::Copy(copy) => steps::copy(self, &copy, line, false),
            Instruction::Add(copy) => steps::copy(self, &copy, line, true),
            Instruction::Workdir(path) => steps::workdir(self, path),
            other => self.describe(&other, line),
        }
    }

    fn declare(&mut self, all: &[(String, Option<String>)]) -> Result<Outcome> {
        let mut told = Vec::new();
        for (name, default) in all {
            let mut scope = self.state.scope.clone();
            scope.declare(name, default.as_deref(), &self.plan.given, |text| self.word(text))?;
            told.push(scope.value(name).map_or_else(|| name.clone(), |value| format!("{name}={value}")));
            self.state.scope = scope;
        }
        self.state.told(format!("ARG {}", told.join(" ")), false);
        Ok(Outcome::Made)
    }

    /// What only changes the image's words.
    fn describe(&mut self, instruction: &Instruction, line: &Line) -> Result<Outcome> {
        if let Instruction::Maintainer(name) = instruction {
            self.state.about.insert("author".into(), serde_json::json!(name));
        }
        match instruction {
            Instruction::StopSignal(name) => signal::parse(name).map(drop)?,
            Instruction::Env(all) => all.iter().for_each(|(name, _)| self.state.scope.give_way(name)),
            _ => {}
        }
        settings::apply(self.state.config_mut(), instruction, self.has_command)?;
        self.has_command |= matches!(instruction, Instruction::Cmd(_));
        let text = history::of(instruction, line, &self.state.config());
        self.state.key = self.state.key.then(&[&text]);
        // What is for children stands in the settings, and is told when they do it.
        if !matches!(instruction, Instruction::OnBuild(_)) {
            self.state.told(text, false);
        }
        Ok(Outcome::Made)
    }
}
