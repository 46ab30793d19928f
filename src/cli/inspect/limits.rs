//! What limits a container and tunes its part of the kernel, in the words of Docker's `HostConfig`.

use crate::options::{IoRateKind, Limits, Wishes};
use serde_json::{Map, Value, json};

pub fn value(wishes: &Wishes) -> Map<String, Value> {
    let limits = &wishes.limits;
    let swap = limits.memory_swap.or(limits.memory.map(|memory| memory.saturating_mul(2) as i64));
    let ulimits = wishes.ulimits.iter();
    let all = json!({
        "Memory": limits.memory.unwrap_or(0),
        "MemorySwap": swap.unwrap_or(0),
        "MemoryReservation": limits.memory_reservation.unwrap_or(0),
        "MemorySwappiness": null,
        "NanoCpus": limits.nano_cpus.unwrap_or(0),
        "CpuShares": limits.cpu_shares.unwrap_or(0),
        "CpuQuota": limits.cpu_quota.unwrap_or(0),
        "CpuPeriod": limits.cpu_period.unwrap_or(0),
        "CpusetCpus": limits.cpuset_cpus.as_deref().unwrap_or(""),
        "CpusetMems": limits.cpuset_mems.as_deref().unwrap_or(""),
        "PidsLimit": limits.pids,
        "BlkioWeight": limits.io_weight.unwrap_or(0),
        "BlkioDeviceReadBps": rates(limits, IoRateKind::ReadBytes),
        "BlkioDeviceWriteBps": rates(limits, IoRateKind::WriteBytes),
        "BlkioDeviceReadIOps": rates(limits, IoRateKind::ReadOperations),
        "BlkioDeviceWriteIOps": rates(limits, IoRateKind::WriteOperations),
        "DeviceCgroupRules": wishes.device_rules,
        "CgroupParent": wishes.cgroup_parent.as_deref().unwrap_or(""),
        "OomScoreAdj": wishes.oom_score_adj.unwrap_or(0),
        "Ulimits": ulimits.map(|limit| json!({ "Name": limit.name, "Soft": signed(limit.soft), "Hard": signed(limit.hard) })).collect::<Vec<_>>(),
        "ShmSize": wishes.shm_size.unwrap_or(64 << 20),
        "Sysctls": words(&wishes.sysctls),
        "Annotations": words(&wishes.annotations),
        "GroupAdd": wishes.groups,
        "PidFile": wishes.pid_file,
    });
    let Value::Object(all) = all else { return Map::new() };
    all
}

pub fn words(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}

fn rates(limits: &Limits, kind: IoRateKind) -> Vec<Value> {
    let of_kind = limits.io_rates.iter().filter(|rate| rate.kind == kind);
    of_kind.map(|rate| json!({ "Path": rate.device, "Rate": rate.rate })).collect()
}

/// Unlimited is -1 in Docker.
fn signed(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(-1)
}
