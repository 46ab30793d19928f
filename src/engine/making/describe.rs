//! What a container shall be, all of it, before anything of it is made: its record, and its OCI spec.
//!
//! Everything is only looked at here, so that a container can be described that is never made (`tare explain run`).

use crate::engine::{devices, filter, machine, mounts, neighbours, networks, ordinary, users};
use crate::error::{Context, Error, Result};
use crate::image::{Image, shifted};
use crate::network;
use crate::options::health::Check;
use crate::options::systemd::{self, Systemd};
use crate::options::{IdMap, Network, Wishes, exposed};
use crate::paths::{ContainerPaths, Paths, control_group};
use crate::record::Container;
use crate::runtime::plan::{Beyond, Plan};
use crate::spec::image_words::ImageWords;
use crate::spec::runtime_spec::{self, Facts};
use crate::spec::{capabilities, command};
use crate::sys::{file, identity, mount, terminal, user_namespace};
use oci_spec::runtime::{BoxBuilder, Spec};
use std::path::{Path, PathBuf};

use super::create::Place;

/// The group tty, which devpts is given to (grantpt(3)).
const TERMINALS: u32 = 5;

pub struct Described {
    pub record: Container,
    pub spec: Spec,
    pub files: ContainerPaths,
    /// Directories of the host that are to be mounted, and made first, because they are not there.
    pub missing: Vec<PathBuf>,
}

/// `usual`: how one comes by the network that everybody has.
pub fn describe(
    paths: &Paths,
    image_name: String,
    mut wishes: Wishes,
    image: &Image,
    place: Option<&Place>,
    usual: network::Usual,
) -> Result<Described> {
    neighbours::settle(paths, &mut wishes)?;
    users::settle(paths, &mut wishes)?;
    networks::settle(paths, &mut wishes, usual)?;
    let id = file::random_id().context("cannot make an id")?;
    let files = ContainerPaths::new(paths, &id, wishes.remove);
    let hostname = hostname(paths, &wishes, &id)?;
    let owners = ordinary::owners(paths, &wishes)?;
    let (mut record, words) = record(&id, hostname, image_name, wishes, owners, image)?;
    mounts::complete(paths, &mut record.wishes, &words)?;
    let spec = specify(paths, &record, &words, &files, place)?;
    let missing = check(&record, &spec)?;
    Ok(Described { record, spec, files, missing })
}

/// Where it shares the host's name or network it is called like the host, and like the other container where it shares that one's.
fn hostname(paths: &Paths, wishes: &Wishes, id: &str) -> Result<String> {
    if let Some(name) = &wishes.hostname {
        return Ok(name.clone());
    }
    if wishes.host_uts || wishes.network == Network::Host {
        return Ok(identity::hostname());
    }
    Ok(neighbours::hostname_of_network(paths, wishes)?.unwrap_or_else(|| id[..12].to_owned()))
}

fn record(
    id: &str,
    hostname: String,
    image_name: String,
    mut wishes: Wishes,
    owners: Option<IdMap>,
    image: &Image,
) -> Result<(Container, ImageWords)> {
    let words = ImageWords::from(&image.config);
    wishes.health = Check::merged(wishes.health.take(), image.health.as_ref())?;
    let args = command::command(&wishes, &words)?;
    let reaper = wishes.init.unwrap_or_else(|| wishes.systemd != Systemd::Always && !command::known_init(&args));
    let stop_signal = if systemd::is_furnished_for(&wishes, &args, reaper) { systemd::STOP_SIGNAL } else { "SIGTERM" };
    let mut labels = words.labels.clone();
    for (name, value) in &wishes.labels {
        labels.retain(|(have, _)| have != name);
        labels.push((name.clone(), value.clone()));
    }
    // Shown by `ps`, also when the image is gone.
    for port in words.exposed.iter().filter(|port| exposed::ports(port).is_ok()) {
        if !wishes.exposed.contains(port) {
            wishes.exposed.push(port.clone());
        }
    }
    if wishes.publish_all {
        publish_exposed(&mut wishes)?;
    }
    let record = Container {
        id: id.to_owned(),
        name: String::new(),
        image: image_name,
        image_id: image.id.clone(),
        layers: image.layers.clone(),
        owners,
        created: crate::engine::now(),
        hostname,
        args,
        user: wishes.user.clone().or_else(|| ordinary::user(&wishes.user_namespace)).unwrap_or_else(|| words.user.clone()),
        stop_signal: wishes.stop_signal.clone().or_else(|| words.stop_signal.clone()).unwrap_or_else(|| stop_signal.into()),
        labels,
        reaper,
        wishes,
        launched: false,
        ended: None,
    };
    Ok((record, words))
}

/// `-P`: each of its own and of its image's ports, unless it is published already.
fn publish_exposed(wishes: &mut Wishes) -> Result<()> {
    for exposed in wishes.exposed.iter().map(|text| exposed::ports(text)).collect::<Result<Vec<_>>>()?.concat() {
        if !wishes.ports.iter().any(|port| (port.container, port.protocol) == (exposed.container, exposed.protocol)) {
            wishes.ports.push(exposed);
        }
    }
    Ok(())
}

fn specify(paths: &Paths, record: &Container, words: &ImageWords, files: &ContainerPaths, place: Option<&Place>) -> Result<Spec> {
    // Top to bottom, as overlay wants them; the mount points lie below everything. Where the image leaves no place for them,
    // the mounts make what is missing in the container's own layer, which costs a little more.
    let mut lower: Vec<String> =
        shifted::of(paths, &record.layers, record.owners.as_ref()).iter().rev().map(|layer| layer.display().to_string()).collect();
    if lower.len() < mount::MOST_LOWER {
        lower.push(shifted::ground_of(paths, record.owners.as_ref()).display().to_string());
    }
    lower.extend(place.and_then(|place| place.points.as_ref()).map(|points| points.display().to_string()));
    let facts = Facts {
        id: record.id.clone(),
        hostname: record.hostname.clone(),
        root: files.disk.clone(),
        lower,
        upper: place.map_or_else(|| files.upper(), |place| place.upper.clone()),
        work: place.map_or_else(|| files.work(), |place| place.work.clone()),
        volatile: record.wishes.remove,
        in_user_namespace: !user_namespace::is_initial(),
        host_shows_queues: !user_namespace::is_initial() && Path::new("/dev/mqueue").is_dir(),
        only_one_group: !user_namespace::is_initial() && !user_namespace::has_group(TERMINALS),
        for_systemd: record.is_furnished_for_systemd(),
        hosts: files.etc("hosts"),
        hostname_file: files.etc("hostname"),
        resolv_conf: files.etc("resolv.conf"),
        cgroup_path: control_group(record.wishes.cgroup_parent.as_deref(), &record.id).display().to_string(),
        cgroup2_mounted: true,
        devices: devices::wished(&record.wishes)?,
        io_rates: devices::rates(&record.wishes.limits)?,
        held: (record.wishes.privileged || !record.wishes.cap_add.is_empty()).then(identity::own_capabilities),
        masked: devices::thermal_throttles(),
    };
    let mut spec = runtime_spec::runtime_spec(&record.wishes, words, &facts)?;
    if let (true, Some(process)) = (record.wishes.terminal, spec.process_mut()) {
        process.set_console_size(our_terminal_size());
    }
    Ok(spec)
}

/// That of whoever typed the command: the container's terminal begins with it.
pub fn our_terminal_size() -> Option<oci_spec::runtime::Box> {
    let size = terminal::size(file::standard_streams()[0]).ok()?;
    BoxBuilder::default().height(u64::from(size.rows)).width(u64::from(size.columns)).build().ok()
}

/// What would fail at the start fails now: sources that are not there, a filter that makes no sense.
fn check(record: &Container, spec: &Spec) -> Result<Vec<PathBuf>> {
    let mut missing = Vec::new();
    for mount in &record.wishes.mounts {
        if let crate::options::Mount::Bind { source, make_source, .. } = mount {
            match (source.exists(), make_source) {
                (true, _) => {}
                (false, true) => missing.push(source.clone()),
                (false, false) => {
                    return Err(
                        Error::no_such(format!("cannot mount {}", source.display())).because("no such file or directory on this host")
                    );
                }
            }
        }
    }
    machine::check(&record.wishes.limits)?;
    let plan = Plan::new(spec, Beyond::default())?;
    if !record.wishes.cap_add.is_empty() {
        let missing = plan.person.capabilities.bounding & !identity::own_capabilities();
        if let Some(name) = capabilities::of_mask(missing).next() {
            return Err(Error::cannot_keep(format!("cannot give capability {name}")).because("tare itself does not have it here"));
        }
    }
    filter::choose(&record.wishes, plan.person.capabilities.bounding).map(|_| missing)
}
