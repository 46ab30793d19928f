//! A container begins and ends: what happens to it, and to the volumes that it has.

use super::{Kind, of, of_container};
use crate::options::{Mount, VolumeMount};
use crate::paths::Paths;
use crate::record::{Container, Ended};

pub fn started(paths: &Paths, record: &Container) {
    for volume in volumes(record) {
        let more = [
            ("container", record.id.clone()),
            ("destination", volume.target.clone()),
            ("driver", "local".to_owned()),
            ("propagation", String::new()),
            ("read/write", (!volume.read_only).to_string()),
        ];
        of(paths, Kind::Volume, "mount", &volume.name, &more);
    }
    of_container(paths, record, "start", &[]);
}

pub fn ended(paths: &Paths, record: &Container, ended: &Ended) {
    if ended.out_of_memory {
        of_container(paths, record, "oom", &[]);
    }
    let seconds = ended.finished.saturating_sub(ended.started) / 1_000_000_000;
    of_container(paths, record, "die", &[("execDuration", seconds.to_string()), ("exitCode", ended.exit_code.to_string())]);
    for volume in volumes(record) {
        of(paths, Kind::Volume, "unmount", &volume.name, &[("container", record.id.clone()), ("driver", "local".to_owned())]);
    }
}

fn volumes(record: &Container) -> impl Iterator<Item = &VolumeMount> {
    record.wishes.mounts.iter().filter_map(Mount::volume)
}
