//! `tare system check`: look for what crashes left behind, and put it right.

use crate::cli::Context;
use crate::cli::say::say_line;
use crate::engine::check::{self, Outcome, Wishes};
use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    command
        .override_usage("tare system check [OPTIONS]")
        .arg(switch("dry-run", "Only tell; change nothing"))
        .arg(switch("deep", "Also read every blob of every image, and compare it with its digest"))
        .long_about(
            "Look for what crashes left behind, and put it right\n\nWhat is safe to put right is put right, and told in a line each. \
             The exit code is 1 if something is left.",
        )
        .after_help("Example: tare system check --dry-run")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let wishes = Wishes { dry_run: matches.get_flag("dry-run"), deep: matches.get_flag("deep") };
    let (mut found, mut mended) = (0, 0);
    check::check(&context.paths, wishes, &mut |wrong, outcome| {
        found += 1;
        let deed = wrong.what.words().1;
        match outcome {
            Outcome::Mended => {
                mended += 1;
                say_line!("{}; {deed}", wrong.story());
            }
            Outcome::Found => say_line!("{}", wrong.story()),
            Outcome::Left => say_line!("{} ({deed})", wrong.story()),
            Outcome::Failed(error) => say_line!("{}, and could not be put right: {error}", wrong.story()),
        }
    })?;
    match (found, found - mended) {
        (0, _) => say_line!("Nothing is wrong"),
        (found, 0) => say_line!("Found: {found}, all put right"),
        (found, left) => say_line!("Found: {found}, left: {left}"),
    }
    for obstacle in check::obstacles(&context.paths) {
        say_line!("In the way: {}\nhint: {}", obstacle.text, obstacle.hint);
    }
    Ok(i32::from(found > mended))
}
