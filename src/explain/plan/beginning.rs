//! Before anything is made: the image, the record, and who looks after the container.

use super::{Deed, Subject};
use crate::options::Mount;
use std::path::Path;

pub fn find_image(subject: &Subject) -> Vec<Deed> {
    let record = &subject.outline.record;
    let count = match record.layers.len() {
        1 => "1 layer".to_owned(),
        count => format!("{count} layers"),
    };
    let image = Deed::new(format!(
        "the name {} means image {:.12}, which has {count}",
        record.image,
        record.image_id.trim_start_matches("sha256:")
    ));
    vec![image, Deed::new("its layers, the top one first; the lowest has the mount points that a container needs").lines(layers(subject))]
}

/// One line for each: overlay wants them in one word, with colons between them.
fn layers(subject: &Subject) -> String {
    let all = lower(subject);
    let place = subject.outline.layers.display().to_string() + "/";
    let mut lines = format!("layers={}\n", super::quote::word(place.trim_end_matches('/')));
    for (number, layer) in all.iter().enumerate() {
        let before = if number == 0 { "" } else { "$lower:" };
        lines.push_str(&format!("lower={before}{}\n", layer.strip_prefix(&place).unwrap_or(layer)));
    }
    lines.trim_end().to_owned()
}

/// The ground layer is made by the first container, and may not be there yet.
fn lower<'a>(subject: &'a Subject) -> Vec<&'a str> {
    let options = subject.runtime.layers().map(|planned| &planned.options.data[..]).unwrap_or_default();
    let found = options.iter().find_map(|option| option.strip_prefix("lowerdir="));
    let all = found.unwrap_or_default().split(':');
    all.filter(|layer| !layer.ends_with("/ground") || Path::new(layer).is_dir()).collect()
}

pub fn describe(subject: &Subject) -> Vec<Deed> {
    let outline = subject.outline;
    let script =
        "work=$(mktemp -d \"${TMPDIR:-/var/tmp}/by-hand.XXXXXX\")\nroot=$work/root\nmkdir \"$root\" \"$work/upper\" \"$work/work\"";
    let mut deeds = vec![
        Deed::new(format!("the container gets a random id, such as {:.12}", outline.record.id)),
        Deed::new(format!("write config.json (the OCI spec) and container.json into {}", outline.files.disk.display()))
            .cannot("this script is all that is written down here"),
        Deed::new(format!("make a directory for what the container writes: {}", outline.files.upper().display()))
            .lines(script)
            .undo("rm -rf \"$work\""),
    ];
    for source in &outline.missing {
        deeds.push(
            Deed::new(format!("make directory {}, which is to be mounted and not there", source.display()))
                .lines(format!("mkdir -p {}", super::quote::word(&source.display().to_string()))),
        );
    }
    for volume in outline.record.wishes.mounts.iter().filter_map(Mount::volume).filter(|volume| !volume.source.is_dir()) {
        deeds.push(
            Deed::new(format!("make volume {}, and fill it with what the image has at {}", short(&volume.name), volume.target))
                .cannot("here it is an empty directory that goes with the container"),
        );
    }
    deeds
}

/// A volume without a name is called by 64 digits.
fn short(name: &str) -> String {
    if name.len() == 64 { format!("{name:.12}") } else { name.to_owned() }
}

pub fn make_monitor(subject: &Subject) -> Vec<Deed> {
    let mut deeds = vec![
        Deed::new("fork a small process that is the container's parent")
            .cannot("this shell is it: it waits at the end, and clears up then"),
    ];
    if subject.outline.record.wishes.log.driver != crate::options::LogDriver::Passthrough {
        deeds.push(Deed::new("it keeps what the container writes in a log").cannot("here the container writes to your terminal itself"));
    }
    deeds
}

pub fn remember(subject: &Subject) -> Vec<Deed> {
    let file = subject.outline.files.state();
    vec![
        Deed::new(format!("write the first process, its group and the time into {}", file.display()))
            .cannot("no other command knows of this container"),
    ]
}
