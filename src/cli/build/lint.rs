//! What a Dockerfile could do better: asked for with `--check`, and told in short at the end of a build.

use super::failure::excerpt;
use super::show::clean;
use crate::build::Request;
use crate::cli::Context;
use crate::cli::say::{say, say_aside};
use crate::dockerfile::check::{Around, Findings, Warning, check};
use crate::dockerfile::ignore::Patterns;
use crate::dockerfile::{self, Instruction};
use crate::error::{Error, Result};
use crate::image;
use crate::names;
use crate::spec::image_words::ImageWords;

pub fn find(context: &Context, request: &Request) -> Result<Findings> {
    let file = dockerfile::parse(&request.text, &request.file)?;
    let ignored = request.context.as_ref().and_then(|context| context.ignored.as_ref());
    let ignored = ignored.map(|(_, text)| Patterns::parse(text)).transpose()?;
    let variables_of = |name: &str| image::find(&context.paths, name).ok().map(|image| ImageWords::from(&image.config).env);
    let around = Around { arguments: &request.arguments, ignored: ignored.as_ref(), variables_of: &variables_of };
    check(&file, &request.text, &request.file, &around)
}

/// `--check`: all of it, and the exit code.
pub fn tell_all(request: &Request, findings: &Findings) -> i32 {
    let count = findings.warnings.len();
    say(&match count {
        0 => "Check complete, no warnings found.\n".to_owned(),
        1 => "Check complete, 1 warning has been found!\n".to_owned(),
        _ => format!("Check complete, {count} warnings have been found!\n"),
    });
    findings.warnings.iter().for_each(|warning| say(&at_length(request, warning)));
    i32::from(count > 0)
}

fn at_length(request: &Request, warning: &Warning) -> String {
    let Warning { rule, sentence, message, at } = warning;
    format!("\nWARNING: {rule}\n{sentence}\n{}\n{}", clean(message), excerpt(&request.file, &request.text, (at.line, at.line)))
}

/// One line for each.
pub fn tell_in_short(request: &Request, findings: &Findings) {
    let lines = findings.warnings.iter().map(|Warning { rule, message, at, .. }| {
        format!("tare: warning: {}:{}: {rule}: {}\n", clean(&request.file), at.line, clean(message))
    });
    say_aside(lines.collect::<String>().as_bytes());
}

/// Values that no ARG asks for: most are written wrongly.
pub fn tell_unused(request: &Request) {
    let Ok(file) = dockerfile::parse(&request.text, &request.file) else { return };
    let lines = file.arguments.iter().chain(file.stages.iter().flat_map(|stage| &stage.lines));
    let declared: Vec<&str> = lines.flat_map(|line| declared_by(&line.instruction)).collect();
    // What counts without being declared.
    let is_known =
        |name: &str| name == "SOURCE_DATE_EPOCH" || name.starts_with("BUILDKIT_") || name.to_ascii_lowercase().ends_with("_proxy");
    for (name, _) in request.arguments.iter().filter(|(name, _)| !is_known(name) && !declared.contains(&name.as_str())) {
        let hint = names::did_you_mean(name, declared.iter().copied()).map_or(String::new(), |hint| format!("; {hint}"));
        say_aside(format!("tare: warning: {}: no ARG takes --build-arg {}{hint}\n", clean(&request.file), clean(name)).as_bytes());
    }
}

fn declared_by(instruction: &Instruction) -> Vec<&str> {
    match instruction {
        Instruction::Arg(all) => all.iter().map(|(name, _)| name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// The Dockerfile itself wants to fail because of them (`check=error=true`).
pub fn refuse(request: &Request, findings: &Findings) -> Result<()> {
    if !findings.is_error || findings.warnings.is_empty() {
        return Ok(());
    }
    findings.warnings.iter().for_each(|warning| {
        say_aside(at_length(request, warning).as_bytes());
    });
    let mut rules: Vec<&str> = findings.warnings.iter().map(|warning| warning.rule).collect();
    rules.dedup();
    Err(Error::failed(format!("{} does not pass its checks", request.file)).because(rules.join(", ")))
}
