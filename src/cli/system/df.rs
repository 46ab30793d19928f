//! `tare system df`: show what takes room on the disk, and how much of it nobody needs.

mod details;

pub use details::kind_of;

use crate::cli::say::say;
use crate::cli::template::{self, Row};
use crate::cli::{Context, human};
use crate::engine::repair;
use crate::engine::room::{self, Room};
use crate::error::Result;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::json;

pub fn define(command: clap::Command) -> clap::Command {
    command
        .override_usage("tare system df [OPTIONS]")
        .arg(
            Arg::new("verbose")
                .short('v')
                .long("verbose")
                .action(ArgAction::SetTrue)
                .help("Each image, container, volume and step of a build"),
        )
        .arg(template::flag_of_table())
        .after_help("Example: tare system df -v")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    repair::sweep(&context.paths);
    let room = room::look(&context.paths)?;
    let format = matches.get_one::<String>("format").map_or("", String::as_str);
    say(&match matches.get_flag("verbose") {
        true => details::text(&room, format)?,
        false => text(&room, format)?,
    });
    Ok(0)
}

/// What a row adds up.
struct Sum {
    what: &'static str,
    total: usize,
    active: usize,
    size: u64,
    reclaimable: u64,
}

fn sums(room: &Room) -> [Sum; 4] {
    let ids = |wanted: &dyn Fn(usize) -> bool| {
        let ids = room.images.iter().filter(|image| wanted(image.containers)).map(|image| &image.listed.id);
        ids.collect::<std::collections::BTreeSet<_>>().len()
    };
    let running = room.containers.iter().filter(|one| one.seen.is_running());
    let resting = room.containers.iter().filter(|one| !one.seen.is_running());
    let idle = room.volumes.iter().filter(|volume| volume.links == 0);
    [
        Sum { what: "Images", total: ids(&|_| true), active: ids(&|users| users > 0), size: room.layers, reclaimable: room.idle_layers },
        Sum {
            what: "Containers",
            total: room.containers.len(),
            active: running.count(),
            size: room.containers.iter().map(|one| one.own).sum(),
            reclaimable: resting.map(|one| one.own).sum(),
        },
        Sum {
            what: "Local Volumes",
            total: room.volumes.len(),
            active: room.volumes.iter().filter(|volume| volume.links > 0).count(),
            size: room.volumes.iter().map(|volume| volume.size).sum(),
            reclaimable: idle.map(|volume| volume.size).sum(),
        },
        Sum {
            what: "Build Cache",
            total: room.build_cache.len(),
            active: room.build_cache.iter().filter(|cached| cached.is_in_use).count(),
            size: room.build_cache.iter().map(|cached| cached.own_size()).sum(),
            reclaimable: room.build_cache.iter().filter(|cached| !cached.is_in_use).map(|cached| cached.own_size()).sum(),
        },
    ]
}

fn text(room: &Room, format: &str) -> Result<String> {
    let headings = json!({"Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE", "Reclaimable": "RECLAIMABLE"});
    let row = |sum: Sum| {
        let share = (u128::from(sum.reclaimable) * 100).checked_div(u128::from(sum.size));
        let share = share.map_or(String::new(), |share| format!(" ({share}%)"));
        Row::from(json!({
            "Type": sum.what, "TotalCount": sum.total.to_string(), "Active": sum.active.to_string(), "Size": human::size(sum.size),
            "Reclaimable": human::size(sum.reclaimable) + &share,
        }))
    };
    let rows: Vec<Row> = sums(room).into_iter().map(row).collect();
    template::render_rows(format, "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}", &headings, &rows)
}
