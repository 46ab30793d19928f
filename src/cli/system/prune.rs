//! `tare system prune`: containers, networks, images, what builds keep and, where asked for, volumes that nobody uses go, after one question
//! for all of it.

use crate::cli::Context;
use crate::cli::prune::filters::Filters;
use crate::cli::prune::{agreed, common, removed, tell_gone, tell_room};
use crate::engine::{build_cache, networks, prune, repair, volumes};
use crate::error::{Error, Result};
use clap::{Arg, ArgAction, ArgMatches};

pub fn define(command: clap::Command) -> clap::Command {
    let switch = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    common(command, "tare system prune")
        .arg(switch("all", "Also images with a name that no container uses").short('a'))
        .arg(switch("volumes", "Also volumes without a name that no container uses"))
        .after_help("Example: tare system prune -a --filter until=24h")
}

pub fn run(context: &Context, matches: &ArgMatches) -> Result<i32> {
    let filters = Filters::parse(matches)?;
    let (all, with_volumes) = (matches.get_flag("all"), matches.get_flag("volumes"));
    if with_volumes && filters.ask_for_age() {
        return Err(Error::usage("cannot prune volumes by --filter until=…").hint("leave out --volumes, or filter by label"));
    }
    if !matches.get_flag("force") && !agreed(&warning(all, with_volumes, matches)) {
        return Ok(0);
    }
    let paths = &context.paths;
    repair::sweep(paths);
    // In this order: what a container used may go after it.
    let containers = prune::containers(paths, |seen| filters.fit_container(seen))?;
    tell_gone("Deleted Containers", containers.iter().map(|(id, _)| id.clone()));
    tell_gone("Deleted Networks", networks::prune(paths, |network| filters.fit_network(network))?.into_iter());
    let volumes = match with_volumes {
        true => volumes::prune(paths, |volume| volume.anonymous && filters.fit_labels(&volume.labels))?,
        false => Vec::new(),
    };
    tell_gone("Deleted Volumes", volumes.iter().map(|(name, _)| name.clone()));
    let (images, room) = prune::images(paths, all, |image| filters.fit_image(image))?;
    tell_gone("Deleted Images", images.iter().map(removed));
    // After the images: what one of them had is nobody's now.
    let (cached, freed) = build_cache::prune(paths, &build_cache::Wish { all, keep: None, fits: &|cached| filters.fit_cached(cached) })?;
    tell_gone("Deleted build cache objects", cached.into_iter().map(|cached| cached.id));
    let room = room + freed + prune::broken_pulls(paths);
    tell_room(containers.iter().chain(&volumes).map(|(_, size)| size).sum::<u64>() + room);
    Ok(0)
}

/// Everything that will go, before it goes.
fn warning(all: bool, with_volumes: bool, matches: &ArgMatches) -> String {
    let mut text =
        String::from("WARNING! This will remove:\n  - all containers that do not run\n  - all networks that no container is in\n");
    if with_volumes {
        text += "  - all nameless volumes that no container uses\n";
    }
    text += if all { "  - all images that no container uses\n" } else { "  - all images without a name that no container uses\n" };
    text += if all { "  - all that builds keep for later ones\n" } else { "  - what builds keep and no image has\n" };
    text += "  - what broken pulls have left\n";
    let mut words = matches.get_many::<String>("filter").into_iter().flatten().peekable();
    if words.peek().is_some() {
        text += "\n  Only what fits these filters goes:\n";
        text.extend(words.map(|word| format!("  - {word}\n")));
    }
    text
}
