//! The same picture for programs.

use super::{Host, Picture};
use crate::explain::live::namespaces::{Namespace, Whose};
use crate::explain::live::network::{Cable, Kind};
use crate::explain::live::processes::{Process, Role};
use crate::record::Status;
use serde_json::{Value, json};

pub fn whole(host: &Host, pictures: &[Picture]) -> Value {
    json!({
        "Host": {"Name": host.name, "Kernel": host.kernel, "Store": host.store, "IsRoot": host.is_root},
        "Containers": pictures.iter().map(container).collect::<Vec<_>>(),
    })
}

fn container(picture: &Picture) -> Value {
    let record = &picture.seen.record;
    let files = &picture.files;
    let layers = files.layers.iter().map(|layer| json!({"Id": layer.id, "Size": layer.size, "MadeBy": layer.made_by}));
    let wished =
        files.wished.iter().map(|one| json!({"Target": one.target, "What": one.what, "Source": one.source, "ReadOnly": one.is_read_only}));
    let others = files
        .others
        .iter()
        .map(|one| json!({"Target": one.target, "Kind": one.kind, "Source": one.source, "Root": one.root, "ReadOnly": one.is_read_only()}));
    json!({
        "Id": record.id, "Name": record.name, "Image": record.image, "ImageId": record.image_id, "Status": status(picture.seen.status),
        "Processes": picture.processes.iter().map(process).collect::<Vec<_>>(),
        "Namespaces": picture.namespaces.iter().map(namespace).collect::<Vec<_>>(),
        "Files": {
            "Upper": files.upper, "Written": files.written, "ReadOnly": files.is_read_only, "Layers": layers.collect::<Vec<_>>(),
            "Wished": wished.collect::<Vec<_>>(), "Others": others.collect::<Vec<_>>(),
        },
        "Group": group(picture),
        "Network": network(picture),
    })
}

fn status(status: Status) -> Value {
    serde_json::to_value(status).unwrap_or_default()
}

fn process(one: &Process) -> Value {
    let role = match one.role {
        Role::Monitor => "monitor",
        Role::Reaper => "reaper",
        Role::Porter => "porter",
        Role::Nurse => "nurse",
        Role::Outlet => "outlet",
        Role::Own => "container",
        Role::Further => "exec",
    };
    json!({
        "Role": role, "Pid": one.pid, "PidInside": one.inside, "Uid": one.uid, "Command": one.command,
        "Children": one.children.iter().map(process).collect::<Vec<_>>(),
    })
}

fn namespace(one: &Namespace) -> Value {
    let whose = match one.whose {
        Whose::Containers => "container",
        Whose::Hosts => "host",
        Whose::Users => "user",
    };
    json!({"Kind": one.kind, "Number": one.number, "Whose": whose, "With": one.with})
}

fn group(picture: &Picture) -> Value {
    let Some((limits, used)) = &picture.group else { return Value::Null };
    let processors = limits.processor.map(|(quota, period)| quota as f64 / period as f64);
    json!({
        "Path": limits.path, "Controllers": limits.controllers,
        "Limits": {"Memory": limits.memory, "Swap": limits.swap, "Processors": processors, "Tasks": limits.tasks},
        "Use": {
            "Memory": used.memory, "MemoryPeak": used.memory_peak, "ProcessorMicroseconds": used.processor, "Tasks": used.tasks,
            "OutOfMemoryKills": used.out_of_memory, "TasksRefused": used.tasks_met, "SlowedPeriods": used.slowed,
        },
    })
}

fn network(picture: &Picture) -> Value {
    let place = &picture.network;
    let (kind, of) = match &place.kind {
        Kind::Alone => ("none", None),
        Kind::Hosts => ("host", None),
        Kind::Of(name) => ("container", Some(name)),
        Kind::Bridged => ("bridge", None),
    };
    let cable = |cable: &Cable| {
        let one = &cable.endpoint;
        json!({
            "Network": one.network, "Interface": one.interface, "HostInterface": one.host_interface, "Mac": one.mac.to_string(),
            "Addresses": one.addresses(), "Bridge": cable.bridge, "Gateways": cable.gateways,
        })
    };
    let ports = place.ports.iter().map(
        |port| json!({"Address": port.address, "Host": port.host, "Container": port.container, "Protocol": port.protocol.to_string()}),
    );
    json!({
        "Kind": kind, "Of": of, "Interfaces": place.interfaces, "Cables": place.cables.iter().map(cable).collect::<Vec<_>>(),
        "Ports": ports.collect::<Vec<_>>(), "Detour": place.detour,
    })
}
