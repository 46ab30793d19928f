//! `create`: the image is found, the wishes are checked and written down, and the directories are there. Nothing runs yet.

use crate::engine::{devices, events, filter, hold, machine, mounts, name_claim, neighbours, networks, ordinary, remove, users};
use crate::error::{Context, Error, Result};
use crate::image::{self, Image, shifted};
use crate::options::health::Check;
use crate::options::systemd::{self, Systemd};
use crate::options::{IdMap, Network, Wishes, exposed};
use crate::paths::{ContainerPaths, Paths, control_group};
use crate::record::Container;
use crate::runtime::plan::{Beyond, Plan};
use crate::spec::capabilities;
use crate::spec::command;
use crate::spec::image_words::ImageWords;
use crate::spec::runtime_spec::{self, Facts};
use crate::store::{self, Durable, Lock};
use crate::sys::{Errno, file, identity, mount, terminal, user_namespace};
use crate::trace::{self, Step};
use oci_spec::runtime::{BoxBuilder, Spec};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The group tty, which devpts is given to (grantpt(3)).
const TERMINALS: u32 = 5;

pub struct Request {
    /// As it was typed.
    pub image: String,
    pub name: Option<String>,
    pub wishes: Wishes,
    /// It is started at once.
    pub launched: bool,
    /// Told of so many bytes that are copied first.
    pub on_copy: fn(u64),
    pub place: Option<Place>,
}

/// For a container that is a step of something larger: what it writes stays when it ends, and it ends when whoever began it is gone.
pub struct Place {
    pub upper: PathBuf,
    pub work: PathBuf,
    /// A layer below all others, with mount points that only this container needs.
    pub points: Option<PathBuf>,
    /// Sources of bind mounts that lie nowhere on the host, by target.
    pub trees: Vec<(PathBuf, OwnedFd)>,
}

/// A container at hand: what is written down of it, and the lock that says that somebody cares for it.
pub struct Made {
    pub record: Container,
    pub spec: Spec,
    pub files: ContainerPaths,
    pub alive: Lock,
    pub place: Option<Place>,
}

pub fn create(paths: &Paths, mut request: Request, image: &Image) -> Result<Made> {
    trace::begin(Step::DescribeContainer);
    image::ground(paths)?;
    neighbours::settle(paths, &mut request.wishes)?;
    users::settle(paths, &mut request.wishes)?;
    networks::settle(paths, &mut request.wishes)?;
    let id = file::random_id().context("cannot make an id")?;
    let files = ContainerPaths::new(paths, &id, request.wishes.remove);
    let hostname = hostname(paths, &request.wishes, &id)?;
    let owners = ordinary::owners(paths, &request.wishes)?;
    let (mut record, words) = describe(&id, hostname, request.image, request.wishes, owners, image)?;
    mounts::complete(paths, &mut record.wishes, &words)?;
    let place = request.place.take();
    let spec = specify(paths, &record, &words, &files, place.as_ref())?;
    check(&record, &spec)?;
    // Up to here nothing was made. From here on whatever fails is taken back.
    record.launched = request.launched;
    // The lock first: what is there without one was left behind, and may be taken away by anybody.
    let alive = hold::take(&files).context("cannot create the container")?;
    let made = name_claim::claim(paths, request.name.as_deref(), &id, !record.wishes.remove).and_then(|name| {
        record.name = name;
        write_down(paths, &mut record, &spec, &files, request.on_copy).context("cannot create the container")
    });
    match made {
        Ok(()) => {
            events::of_container(paths, &record, "create", &[]);
            Ok(Made { record, spec, files, alive, place })
        }
        Err(error) => {
            remove::erase(paths, &record, &files);
            Err(error)
        }
    }
}

fn write_down(paths: &Paths, record: &mut Container, spec: &Spec, files: &ContainerPaths, on_copy: fn(u64)) -> Result<()> {
    make_directories(paths, record, files)?;
    store::write_json(&files.config(), spec, Durable::No)?;
    store::write_json(&files.record(), record, Durable::No)?;
    // From here on `rmi` sees that the image is used; it may have looked a moment before.
    if let Some(gone) = record.layers.iter().find(|layer| !paths.layer(layer).is_dir()) {
        return Err(Error::no_such(format!("image {} was removed meanwhile", record.image)).because(format!("layer {gone:.12} is gone")));
    }
    ordinary::furnish(paths, record, on_copy)?;
    networks::still_there(paths, &record.wishes)?;
    mounts::prepare(paths, record, spec)?;
    match mounts::settle_owners(record, spec)? {
        true => store::write_json(&files.record(), record, Durable::No),
        false => Ok(()),
    }
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

fn describe(
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
fn check(record: &Container, spec: &Spec) -> Result<()> {
    for mount in &record.wishes.mounts {
        if let crate::options::Mount::Bind { source, make_source, .. } = mount {
            match (source.exists(), make_source) {
                (true, _) => {}
                // Unlike what is the store's own, it is for others to look into.
                (false, true) => file::make_dirs(source, 0o755).with_context(|| format!("cannot make directory {}", source.display()))?,
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
    filter::choose(&record.wishes, plan.person.capabilities.bounding).map(drop)
}

fn make_directories(paths: &Paths, record: &Container, files: &ContainerPaths) -> Result<()> {
    make(&files.disk, &paths.kept_containers())?;
    make(&files.upper(), &files.disk)?;
    if let Some(root) = users::at_rest(record).and_then(|users| users.root()) {
        file::change_owner(&files.upper(), root.0, root.1).context("cannot give the container its files")?;
    }
    make(&files.work(), &files.disk)
}

/// For a container that is not started at once: on disk for good, and nobody's until somebody starts it.
pub fn lay_to_rest(paths: &Paths, made: Made) -> Result<()> {
    if made.record.wishes.remove {
        return Ok(());
    }
    sync(paths, &made.files)?;
    hold::forget_live(&made.files);
    Ok(())
}

/// From now on a power cut takes nothing of the records; of the files it takes what the container has not synced itself.
pub fn sync(paths: &Paths, files: &ContainerPaths) -> Result<()> {
    store::sync(&files.config())?;
    store::sync(&files.record())?;
    store::sync_dir(&paths.kept_containers())?;
    store::sync_dir(&paths.names_kept())
}

/// Mode 0755 for what becomes the container's root; the directories above are closed to other users.
fn make(dir: &Path, above: &Path) -> Result<()> {
    let what = || format!("cannot make directory {}", dir.display());
    match file::make_dir(dir, 0o755) {
        Err(Errno::ENOENT) => {
            store::make_dirs(above)?;
            file::make_dir(dir, 0o755).with_context(what)
        }
        other => other.with_context(what).map_err(store::advise),
    }
}
