//! A container in the shape of `docker inspect`, put together from its records.

use crate::cli::inspect::{limits, network};
use crate::cli::ps::rows;
use crate::options::health::Check;
use crate::options::restart::Restart;
use crate::options::{Ipc, Log, LogDriver, Mount, Ownership, Pid, Seccomp, Wishes, logs, user_namespaces};
use crate::paths::ContainerPaths;
use crate::record::health::Health;
use crate::record::network::Joined;
use crate::record::{Ended, Seen, Status};
use crate::spec::environment;
use crate::spec::runtime_spec::ImageWords;
use crate::time;
use oci_spec::runtime::Spec;
use serde_json::{Map, Value, json};

/// Without its spec or its image (it may be removed by now) what they alone know is empty.
pub fn value(seen: &Seen, spec: Option<&Spec>, image: Option<&ImageWords>, files: &ContainerPaths, joined: &Joined) -> Value {
    let record = &seen.record;
    let (path, arguments) = record.args.split_first().map_or(("", &[][..]), |(path, arguments)| (path.as_str(), arguments));
    json!({
        "Id": record.id,
        "Created": time::rfc3339(record.created),
        "Path": path,
        "Args": arguments,
        "State": state(seen),
        "Image": record.image_id,
        "ResolvConfPath": etc_file(seen, "resolv.conf"),
        "HostnamePath": etc_file(seen, "hostname"),
        "HostsPath": etc_file(seen, "hosts"),
        "LogPath": if record.wishes.log.driver == LogDriver::JsonFile { json!(files.log()) } else { json!("") },
        "Name": format!("/{}", record.name),
        "RestartCount": seen.live.as_ref().map_or(record.ended.as_ref().map_or(0, |ended| ended.restarts), |live| live.restarts),
        "Driver": "overlay",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": null,
        "HostConfig": host_config(&record.wishes, spec),
        "GraphDriver": { "Name": "overlay", "Data": overlay(spec, files) },
        "Mounts": record.wishes.mounts.iter().map(mount).collect::<Vec<_>>(),
        "Config": config(seen, spec, image),
        "NetworkSettings": network::settings(seen, joined),
    })
}

/// It is nowhere on the host, but root can reach it as long as the container runs.
fn etc_file(seen: &Seen, name: &str) -> String {
    let live = seen.live.as_ref().filter(|live| live.pid != 0);
    live.map_or_else(String::new, |live| format!("/proc/{}/root/etc/{name}", live.pid))
}

fn state(seen: &Seen) -> Value {
    let ended = seen.record.ended.clone().unwrap_or_default();
    let live = seen.live.as_ref();
    // While it runs, what is written of its last end no longer counts.
    let told = if matches!(seen.status, Status::Running | Status::Paused) { Ended::default() } else { ended.clone() };
    let reason = told.reason();
    let Ended { exit_code, out_of_memory, error, .. } = told;
    let mut state = json!({
        "Status": rows::state(seen),
        // Docker counts one that will run again in a moment among them.
        "Running": seen.is_running(),
        "Paused": seen.status == Status::Paused,
        "Restarting": seen.status == Status::Restarting,
        "OOMKilled": out_of_memory,
        "Dead": seen.status == Status::Dead,
        "Pid": live.map_or(0, |live| live.pid),
        "MonitorPid": live.map_or(0, |live| live.monitor),
        "ExitCode": exit_code,
        "Error": error,
        "Reason": reason,
        "StartedAt": time::rfc3339(live.map_or(ended.started, |live| live.started)),
        "FinishedAt": time::rfc3339(ended.finished),
    });
    // As with Docker, nothing where nobody checks.
    if let Some(found) = seen.health() {
        state["Health"] = health(found);
    }
    state
}

fn health(health: &Health) -> Value {
    let finds = health.finds.iter().map(|find| {
        json!({ "Start": time::rfc3339(find.started), "End": time::rfc3339(find.ended), "ExitCode": find.exit_code, "Output": find.output })
    });
    json!({ "Status": health.state.to_string(), "FailingStreak": health.failing_streak, "Log": finds.collect::<Vec<_>>() })
}

fn config(seen: &Seen, spec: Option<&Spec>, image: Option<&ImageWords>) -> Value {
    let record = &seen.record;
    let wishes = &record.wishes;
    let process = spec.and_then(|spec| spec.process().as_ref());
    let env = match image {
        Some(image) => {
            let mut env = image.env.clone();
            environment::change(&mut env, &wishes.env);
            env
        }
        None => process.and_then(|process| process.env().clone()).unwrap_or_else(|| wishes.env.clone()),
    };
    let entrypoint = wishes.entrypoint.clone().or_else(|| image.map(|image| image.entrypoint.clone())).filter(|words| !words.is_empty());
    let arguments = record.args.get(entrypoint.as_ref().map_or(0, Vec::len)..).unwrap_or_default();
    let anonymous = wishes.mounts.iter().filter_map(Mount::volume).filter(|volume| volume.anonymous);
    let volumes: Vec<String> = anonymous.map(|volume| volume.target.clone()).collect();
    let keys = |names: &[String]| names.iter().map(|name| (name.clone(), json!({}))).collect::<Map<_, _>>();
    json!({
        "Hostname": record.hostname,
        "Domainname": wishes.domainname.as_deref().unwrap_or(""),
        "User": record.user,
        "Tty": wishes.terminal,
        "OnBuild": null,
        "OpenStdin": wishes.interactive,
        "StdinOnce": wishes.interactive,
        "Env": env,
        "Cmd": arguments,
        "Entrypoint": entrypoint,
        "Image": record.image,
        "WorkingDir": process.map_or("", |process| process.cwd().to_str().unwrap_or("")),
        "Labels": limits::words(&record.labels),
        "StopSignal": record.stop_signal,
        "StopTimeout": wishes.stop_timeout,
        "Volumes": keys(&[image.map(|image| image.volumes.clone()).unwrap_or_default(), volumes].concat()),
        "ExposedPorts": keys(&image.map_or(&[][..], |image| &image.exposed).iter().chain(&wishes.exposed).cloned().chain(wishes.ports.iter().map(network::inside)).collect::<Vec<_>>()),
        "Init": record.reaper,
        "Healthcheck": wishes.health.as_ref().map(Check::to_json),
    })
}

fn host_config(wishes: &Wishes, spec: Option<&Spec>) -> Map<String, Value> {
    let mut all = limits::value(wishes);
    all.append(&mut other_wishes(wishes, spec));
    all
}

fn other_wishes(wishes: &Wishes, spec: Option<&Spec>) -> Map<String, Value> {
    let linux = spec.and_then(|spec| spec.linux().as_ref());
    let binds: Vec<String> = wishes.mounts.iter().filter_map(bind).collect();
    let tmpfs: Map<String, Value> = wishes.mounts.iter().filter_map(tmpfs).collect();
    let devices = wishes.devices.iter();
    let all = json!({
        "Binds": binds,
        "Tmpfs": tmpfs,
        "VolumesFrom": wishes.volumes_from,
        "NetworkMode": network::mode(wishes),
        "PortBindings": network::bindings(&wishes.ports),
        "Dns": wishes.names.servers,
        "DnsOptions": wishes.names.options,
        "DnsSearch": wishes.names.search,
        "ExtraHosts": wishes.names.hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect::<Vec<_>>(),
        "RestartPolicy": restart_policy(wishes.restart),
        "LogConfig": { "Type": logs::driver_name(wishes.log.driver), "Config": log_options(&wishes.log) },
        "AutoRemove": wishes.remove,
        "CapAdd": wishes.cap_add,
        "CapDrop": wishes.cap_drop,
        "CgroupnsMode": if wishes.host_group_view { "host" } else { "private" },
        "IpcMode": ipc(&wishes.ipc),
        "PidMode": pid(&wishes.pid),
        "UTSMode": if wishes.host_uts { "host" } else { "" },
        "UsernsMode": user_namespaces::word(&wishes.user_namespace),
        "Privileged": wishes.privileged,
        "PublishAllPorts": wishes.publish_all,
        "ReadonlyRootfs": wishes.read_only,
        "SecurityOpt": security_options(wishes),
        "ShmSize": wishes.shm_size.unwrap_or(64 << 20),
        "Runtime": "tare",
        "Devices": devices.map(|device| json!({
            "PathOnHost": device.source, "PathInContainer": device.target, "CgroupPermissions": device.access
        })).collect::<Vec<_>>(),
        "Init": wishes.init,
        "MaskedPaths": linux.and_then(|linux| linux.masked_paths().clone()),
        "ReadonlyPaths": linux.and_then(|linux| linux.readonly_paths().clone()),
    });
    let Value::Object(all) = all else { return Map::new() };
    all
}

fn restart_policy(policy: Restart) -> Value {
    let most = if let Restart::OnFailure(most) = policy { most.unwrap_or(0) } else { 0 };
    let name = policy.to_string();
    json!({ "Name": name.split(':').next(), "MaximumRetryCount": most })
}

/// The later of two of the same name counts.
fn log_options(log: &Log) -> Map<String, Value> {
    log.options.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

fn pid(pid: &Pid) -> String {
    match pid {
        Pid::Own => String::new(),
        Pid::Host => "host".to_owned(),
        Pid::Container(other) => format!("container:{other}"),
    }
}

fn ipc(ipc: &Ipc) -> String {
    match ipc {
        Ipc::Private => "private".to_owned(),
        Ipc::Shareable => "shareable".to_owned(),
        Ipc::None => "none".to_owned(),
        Ipc::Host => "host".to_owned(),
        Ipc::Container(other) => format!("container:{other}"),
    }
}

fn security_options(wishes: &Wishes) -> Vec<&'static str> {
    let seccomp = match wishes.seccomp {
        Seccomp::Default => None,
        Seccomp::Unconfined => Some("seccomp=unconfined"),
        Seccomp::Profile(_) => Some("seccomp=profile"),
    };
    wishes.no_new_privileges.then_some("no-new-privileges").into_iter().chain(seccomp).collect()
}

/// As `-v` would say it; a volume without a name is no wish about a source.
fn bind(mount: &Mount) -> Option<String> {
    let (source, propagation, read_only) = match mount {
        Mount::Bind { source, propagation, read_only, .. } => (source.display().to_string(), propagation.as_str(), *read_only),
        Mount::Volume(volume) if !volume.anonymous => (volume.name.clone(), "", volume.read_only),
        Mount::Volume(_) | Mount::Tmpfs { .. } => return None,
    };
    let ownership = ownership(mount.ownership());
    let options = [if read_only { "ro" } else { "" }, propagation, ownership];
    let options = options.into_iter().filter(|option| !option.is_empty()).collect::<Vec<_>>().join(",");
    let options = if options.is_empty() { options } else { format!(":{options}") };
    Some(format!("{source}:{}{options}", mount.target()))
}

fn ownership(ownership: &Ownership) -> &'static str {
    match ownership {
        Ownership::Kept => "",
        Ownership::Given => "U",
        Ownership::Exchanged | Ownership::Mapped(_) => "idmap",
        Ownership::Outside => "noidmap",
    }
}

fn tmpfs(mount: &Mount) -> Option<(String, Value)> {
    let Mount::Tmpfs { target, options } = mount else { return None };
    Some((target.clone(), options.join(",").into()))
}

fn mount(mount: &Mount) -> Value {
    match mount {
        Mount::Bind { source, target, read_only, propagation, .. } => json!({
            "Type": "bind", "Source": source, "Destination": target, "Mode": if *read_only { "ro" } else { "" }, "RW": !read_only,
            "Propagation": if propagation.is_empty() { "rprivate" } else { propagation },
        }),
        Mount::Volume(volume) => json!({
            "Type": "volume", "Name": volume.name, "Source": volume.source, "Destination": volume.target, "Driver": "local",
            "Mode": if volume.read_only { "ro" } else { "" }, "RW": !volume.read_only, "Propagation": "",
        }),
        Mount::Tmpfs { target, options } => json!({
            "Type": "tmpfs", "Source": "", "Destination": target, "Mode": options.join(","),
            "RW": !options.iter().any(|option| option == "ro"), "Propagation": "",
        }),
    }
}

/// Where the layers are: the first mount of the spec says it.
fn overlay(spec: Option<&Spec>, files: &ContainerPaths) -> Value {
    let root = spec.and_then(|spec| spec.mounts().as_ref()).and_then(|mounts| mounts.first());
    let options = root.and_then(|mount| mount.options().as_deref()).unwrap_or_default();
    let lower = options.iter().find_map(|option| option.strip_prefix("lowerdir=")).unwrap_or("");
    json!({ "LowerDir": lower, "UpperDir": files.upper(), "WorkDir": files.work() })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
