//! `tare generate systemd`: the unit with which a machine starts its containers, or one of them.

mod unit;

use crate::cli::Context;
use crate::cli::say::say;
use crate::engine::find;
use crate::error::{Context as _, Error, Result};
use crate::options::restart::Restart;
use crate::sys::signal;
use clap::{Arg, ArgMatches};
use unit::Unit;

pub fn define(command: clap::Command) -> clap::Command {
    command.arg(Arg::new("container").value_name("CONTAINER").help("Only this one, started and watched by systemd itself")).after_help(
        "Examples:\n  tare generate systemd > /etc/systemd/system/tare.service && systemctl enable tare\n  tare generate systemd web > \
             /etc/systemd/system/web.service",
    )
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let program = std::env::current_exe().context("cannot find our own program")?;
    // A service manager calls from another directory.
    let absolute = |dir: &std::path::Path| std::path::absolute(dir).context("cannot find the current directory");
    let unit = Unit { program, root: absolute(context.paths.root())?, run: absolute(context.paths.run())? };
    let text = match matches.get_one::<String>("container") {
        None => unit.of_all(),
        Some(name) => {
            let record = find::container(&context.paths, name)?.record;
            // Two who begin it again would not know of each other.
            if record.wishes.restart != Restart::No {
                return Err(Error::conflict(format!("cannot leave container {name} to systemd"))
                    .because(format!("it is begun again by itself (--restart {})", record.wishes.restart))
                    .hint(format!(
                        "tare update --restart no {name}, or use the unit of tare generate systemd, which starts it with the machine"
                    )));
            }
            if record.wishes.remove {
                return Err(Error::conflict(format!("cannot leave container {name} to systemd"))
                    .because("it is removed when it ends (--rm)")
                    .hint("make one that stays: tare create"));
            }
            unit.of_one(&record.name, signal::parse(&record.stop_signal)?, record.wishes.stop_timeout)
        }
    };
    say(&text);
    Ok(0)
}
