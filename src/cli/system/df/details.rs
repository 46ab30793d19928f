//! `tare system df -v`: a table each for images, containers, volumes and what builds keep; or all of them in one value, for a format.

use crate::cli::ps::rows as ps_rows;
use crate::cli::template::{self, Row, Template};
use crate::cli::{human, images};
use crate::engine::build_cache::{Cached, Kind};
use crate::engine::now;
use crate::engine::room::{OfContainer, OfImage, OfVolume, Room};
use crate::error::Result;
use crate::time;
use serde_json::{Value, json};

const IMAGES: &str =
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const CONTAINERS: &str = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const CACHED: &str = "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.Shared}}\t{{.Description}}";
const VOLUMES: &str = "table {{.Name}}\t{{.Links}}\t{{.Size}}";

pub fn text(room: &Room, format: &str) -> Result<String> {
    let images: Vec<Row> = room.images.iter().map(image).collect();
    let containers: Vec<Row> = room.containers.iter().map(container).collect();
    let volumes: Vec<Row> = room.volumes.iter().map(volume).collect();
    let cached: Vec<Row> = room.build_cache.iter().map(cached).collect();
    if !["", "table"].contains(&format) {
        let fields = |rows: Vec<Row>| Value::from_iter(rows.into_iter().map(|row| row.fields));
        let whole =
            json!({"Images": fields(images), "Containers": fields(containers), "Volumes": fields(volumes), "BuildCache": fields(cached)});
        return match format {
            "json" => Ok(format!("{whole}\n")),
            _ => Ok(Template::new(format)?.render(&whole)? + "\n"),
        };
    }
    let of_images = json!({
        "Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED", "Size": "SIZE", "SharedSize": "SHARED SIZE",
        "UniqueSize": "UNIQUE SIZE", "Containers": "CONTAINERS",
    });
    let of_containers = json!({
        "ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "LocalVolumes": "LOCAL VOLUMES", "Size": "SIZE", "RunningFor": "CREATED",
        "Status": "STATUS", "Names": "NAMES",
    });
    let of_cached = json!({
        "ID": "CACHE ID", "CacheType": "CACHE TYPE", "Size": "SIZE", "CreatedSince": "CREATED", "LastUsedSince": "LAST USED",
        "Shared": "SHARED", "Description": "DESCRIPTION",
    });
    let of_volumes = json!({"Name": "VOLUME NAME", "Links": "LINKS", "Size": "SIZE"});
    Ok(format!(
        "Images space usage:\n\n{}\nContainers space usage:\n\n{}\nLocal Volumes space usage:\n\n{}\nBuild cache usage: {}\n\n{}\nLayers as they came, for save: {}\n",
        template::render_rows("", IMAGES, &of_images, &images)?,
        template::render_rows("", CONTAINERS, &of_containers, &containers)?,
        template::render_rows("", VOLUMES, &of_volumes, &volumes)?,
        human::size(room.build_cache.iter().map(Cached::own_size).sum()),
        template::render_rows("", CACHED, &of_cached, &cached)?,
        human::size(room.blobs),
    ))
}

fn image(image: &OfImage) -> Row {
    let mut row = images::describe(&image.listed, false);
    row.fields["SharedSize"] = human::size(image.shared).into();
    row.fields["UniqueSize"] = human::size(image.unique).into();
    row.fields["Containers"] = image.containers.to_string().into();
    row
}

fn container(one: &OfContainer) -> Row {
    let view = ps_rows::View { now: now(), ..ps_rows::View::default() };
    let mut row = ps_rows::row(&one.seen, &view);
    row.fields["Size"] = human::size(one.own).into();
    row
}

pub fn cached(one: &Cached) -> Row {
    let ago = |then: u64| time::ago(now(), then);
    json!({
        "ID": one.id.get(..12).unwrap_or(&one.id), "Parents": "", "CacheType": kind_of(one), "Description": one.what,
        "InUse": one.is_in_use.to_string(), "Shared": one.is_shared.to_string(), "Size": human::size(one.size),
        "CreatedAt": time::created_at(one.made), "CreatedSince": ago(one.made), "LastUsedAt": time::created_at(one.used),
        "LastUsedSince": ago(one.used),
    })
    .into()
}

/// In BuildKit's words.
pub fn kind_of(one: &Cached) -> &'static str {
    match one.kind {
        Kind::Step => "regular",
        Kind::Mount => "exec.cachemount",
        Kind::Context => "source.local",
        Kind::Url => "source.http",
    }
}

fn volume(one: &OfVolume) -> Row {
    json!({"Name": one.volume.name, "Links": one.links.to_string(), "Size": human::size(one.size)}).into()
}
