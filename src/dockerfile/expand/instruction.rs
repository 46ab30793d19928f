//! Which parts of an instruction may name variables. What a shell reads is left to the shell.

use super::{LookUp, heredoc, word, words};
use crate::dockerfile::instruction::{Copy, Instruction, Run};
use crate::error::Result;

/// The same instruction with its variables replaced and its quotes taken away.
pub fn instruction(written: &Instruction, escape: char, look_up: LookUp) -> Result<Instruction> {
    let one = |text: &String| word(text, escape, look_up);
    let each = |texts: &[String]| texts.iter().map(one).collect::<Result<Vec<_>>>();
    let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(name, value)| Ok((one(name)?, one(value)?))).collect::<Result<Vec<_>>>();
    let maybe = |text: &Option<String>| text.as_ref().map(one).transpose();
    let copy = |copy: &Copy| -> Result<Copy> {
        let mut heredocs = copy.heredocs.clone();
        for document in heredocs.iter_mut().filter(|document| document.expand) {
            document.content = heredoc(&document.content, look_up)?;
        }
        Ok(Copy {
            sources: each(&copy.sources)?,
            heredocs,
            target: one(&copy.target)?,
            chown: maybe(&copy.chown)?,
            chmod: maybe(&copy.chmod)?,
            exclude: each(&copy.exclude)?,
            checksum: maybe(&copy.checksum)?,
            ..copy.clone()
        })
    };
    Ok(match written {
        Instruction::Arg(arguments) => {
            Instruction::Arg(arguments.iter().map(|(name, value)| Ok((one(name)?, maybe(value)?))).collect::<Result<_>>()?)
        }
        Instruction::Env(all) => Instruction::Env(pairs(all)?),
        Instruction::Label(all) => Instruction::Label(pairs(all)?),
        Instruction::Copy(all) => Instruction::Copy(copy(all)?),
        Instruction::Add(all) => Instruction::Add(copy(all)?),
        Instruction::Run(run) => {
            let mounts = run.mounts.iter().map(|mount| mount.expanded(look_up)).collect::<Result<_>>()?;
            Instruction::Run(Run { mounts, ..run.clone() })
        }
        Instruction::Workdir(text) => Instruction::Workdir(one(text)?),
        Instruction::User(text) => Instruction::User(one(text)?),
        Instruction::StopSignal(text) => Instruction::StopSignal(one(text)?),
        Instruction::Volume(all) => Instruction::Volume(each(all)?),
        // One variable may hold several ports.
        Instruction::Expose(all) => {
            let all = all.iter().map(|text| words(text, escape, look_up)).collect::<Result<Vec<_>>>()?;
            Instruction::Expose(all.concat())
        }
        Instruction::From
        | Instruction::Cmd(_)
        | Instruction::Entrypoint(_)
        | Instruction::Shell(_)
        | Instruction::Healthcheck(_)
        | Instruction::Maintainer(_)
        | Instruction::OnBuild(_) => written.clone(),
    })
}
