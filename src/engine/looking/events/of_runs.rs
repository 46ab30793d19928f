//! A container begins and ends: what happens to it, to the volumes that it has, and to the networks that it is in.

use super::{Kind, of, of_container};
use crate::engine::join;
use crate::options::{Mount, VolumeMount};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Ended};

pub fn started(paths: &Paths, record: &Container) {
    networks(paths, record, "connect");
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
    networks(paths, record, "disconnect");
    for volume in volumes(record) {
        of(paths, Kind::Volume, "unmount", &volume.name, &[("container", record.id.clone()), ("driver", "local".to_owned())]);
    }
}

/// While it is written down where it is.
fn networks(paths: &Paths, record: &Container, action: &str) {
    if record.wishes.attachments().is_empty() {
        return;
    }
    let joined = join::written(&ContainerPaths::new(paths, &record.id, record.wishes.remove)).unwrap_or_default();
    for endpoint in joined.endpoints {
        let more = [("container", record.id.clone()), ("name", endpoint.network), ("type", "bridge".to_owned())];
        of(paths, Kind::Network, action, &endpoint.network_id, &more);
    }
}

fn volumes(record: &Container) -> impl Iterator<Item = &VolumeMount> {
    record.wishes.mounts.iter().filter_map(Mount::volume)
}
