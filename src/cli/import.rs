//! `tare import`: an image from a tar of a root file system.

use crate::cli::load::{limits, limits_of};
use crate::cli::progress::Show;
use crate::cli::say::say_line;
use crate::cli::{Context, progress};
use crate::engine::images::{self, Import};
use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("file").value_name("FILE").required(true).help("The tar, plain or packed; - for standard input"))
        .arg(Arg::new("name").value_name("NAME[:TAG]").help("What the image is called"))
        .arg(
            Arg::new("change")
                .short('c')
                .long("change")
                .value_name("INSTRUCTION")
                .action(ArgAction::Append)
                .help("Apply a Dockerfile instruction: CMD, ENV …"),
        )
        .arg(Arg::new("message").short('m').long("message").value_name("TEXT").help("A word for the image's history"))
        .arg(Arg::new("platform").long("platform").value_name("OS/ARCH").help("What it runs on (default: this machine)"))
        .arg(Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Print no progress"))
        .args(limits())
        .after_help("Example: tare import -c 'CMD [\"sh\"]' alpine-minirootfs.tar.gz alpine:3.20")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let changes = matches.get_many::<String>("change").into_iter().flatten().map(String::as_str).collect();
    let input = text("file").unwrap_or("-");
    let wanted = Import { input, name: text("name"), changes, message: text("message"), platform: text("platform") };
    let limits = limits_of(matches)?;
    let loaded = progress::shown_until_interrupted(Show::moving(!matches.get_flag("quiet")), "nothing of it was kept", |progress| {
        images::import(&context.paths, wanted, &limits, progress)
    })?;
    say_line!("{}", loaded.id);
    Ok(0)
}
