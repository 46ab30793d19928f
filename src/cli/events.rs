//! `tare events`: what happened, and what happens.

mod filters;
mod words;

use crate::cli::Context;
use crate::cli::say::{self, say};
use crate::engine::events::read::{self, Met, Period};
use crate::engine::now;
use crate::error::Result;
use crate::sys::file;
use crate::time;
use clap::{Arg, ArgAction, ArgMatches};
use filters::Filters;
use words::Form;

pub fn define(command: clap::Command) -> clap::Command {
    let value = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).allow_hyphen_values(true).help(help)
    };
    command
        .arg(value("since", "TIME", "Also what has happened since then: 10m, 2026-11-21T07:02:09Z, or seconds since 1970"))
        .arg(value("until", "TIME", "Only until then; without --since, all from the beginning"))
        .arg(
            value("filter", "KEY=VALUE", "Only those that fit: container=NAME, event=die, type=image, image=NAME, volume=NAME, label=KEY …")
                .short('f')
                .action(ArgAction::Append),
        )
        .arg(value("format", "FORMAT", "json, or a template"))
        .after_help(
            "What happened before the machine was started is not known any more.\n\n\
             Examples:\n  tare events --since 10m\n  tare events -f event=die --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'",
        )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let moment = |flag: &str| {
        let parse = |text| time::parse_moment(text, now()).map_err(|e| e.context(format!("invalid value {text:?} for --{flag}")));
        text(flag).filter(|text| !text.is_empty()).map(parse).transpose()
    };
    let period = Period { since: moment("since")?, until: moment("until")? };
    let filters = Filters::parse(matches.get_many::<String>("filter").into_iter().flatten().map(String::as_str))?;
    let form = Form::parse(text("format").unwrap_or(""))?;
    let mut wrong = None;
    read::follow(&context.paths, period, file::standard_streams()[1], &mut |met| match tell(met, &filters, &form) {
        Ok(()) => say::is_heard(),
        Err(error) => {
            wrong = Some(error);
            false
        }
    })?;
    wrong.map_or(Ok(0), Err)
}

fn tell(met: Met, filters: &Filters, form: &Form) -> Result<()> {
    match met {
        Met::Events(events) => {
            let lines = events.iter().filter(|event| filters.fit(event)).map(|event| form.line(event)).collect::<Result<String>>()?;
            say(&lines);
        }
        Met::Gap => drop(say::say_aside(b"tare: events may be missing here: more happened than is kept\n")),
    }
    Ok(())
}
