//! Limits and device rules, in the words of the OCI runtime spec.

use crate::options::Limits;
use crate::spec::runtime_spec::DeviceNode;
use oci_spec::runtime::{LinuxCpu, LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType, LinuxMemory, LinuxPids, LinuxResources};

/// Microseconds. A container gets its share anew ten times a second, as in Docker.
const CPU_PERIOD: u64 = 100_000;

pub fn resources(limits: &Limits, privileged: bool, devices: &[DeviceNode]) -> LinuxResources {
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(device_rules(privileged, devices))).set_memory(memory(limits)).set_cpu(cpu(limits));
    if let Some(pids) = limits.pids {
        let mut limit = LinuxPids::default();
        limit.set_limit(pids);
        resources.set_pids(Some(limit));
    }
    resources
}

/// In the spec "swap" is memory and swap together, as in Docker. Without a wish, as much swap as memory is allowed.
fn memory(limits: &Limits) -> Option<LinuxMemory> {
    let memory = i64::try_from(limits.memory?).unwrap_or(i64::MAX);
    let mut limit = LinuxMemory::default();
    limit.set_limit(Some(memory)).set_swap(Some(limits.memory_swap.unwrap_or(memory.saturating_mul(2))));
    Some(limit)
}

fn cpu(limits: &Limits) -> Option<LinuxCpu> {
    if limits.nano_cpus.is_none() && limits.cpu_shares.is_none() {
        return None;
    }
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(limits.cpu_shares);
    if let Some(nanos) = limits.nano_cpus {
        let quota = u128::from(nanos) * u128::from(CPU_PERIOD) / 1_000_000_000;
        cpu.set_quota(i64::try_from(quota).ok()).set_period(Some(CPU_PERIOD));
    }
    Some(cpu)
}

/// Device files that may be opened, as type, major and minor number and access; `None` is any number.
/// Making any node (`m`) is allowed because archives hold them; it gives nothing that opening does not refuse.
type Rule = (LinuxDeviceType, Option<i64>, Option<i64>, &'static str);

const ALLOWED: &[Rule] = &[
    (LinuxDeviceType::C, None, None, "m"),
    (LinuxDeviceType::B, None, None, "m"),
    (LinuxDeviceType::C, Some(1), Some(3), "rwm"), // null
    (LinuxDeviceType::C, Some(1), Some(5), "rwm"), // zero
    (LinuxDeviceType::C, Some(1), Some(7), "rwm"), // full
    (LinuxDeviceType::C, Some(1), Some(8), "rwm"), // random
    (LinuxDeviceType::C, Some(1), Some(9), "rwm"), // urandom
    (LinuxDeviceType::C, Some(5), Some(0), "rwm"), // tty
    (LinuxDeviceType::C, Some(5), Some(1), "rwm"), // console
    (LinuxDeviceType::C, Some(5), Some(2), "rwm"), // ptmx
    (LinuxDeviceType::C, Some(136), None, "rwm"),  // pts
];

fn device_rules(privileged: bool, devices: &[DeviceNode]) -> Vec<LinuxDeviceCgroup> {
    let rule = |allow: bool, kind: LinuxDeviceType, major: Option<i64>, minor: Option<i64>, access: &str| {
        let mut rule = LinuxDeviceCgroup::default();
        rule.set_allow(allow).set_typ(Some(kind)).set_major(major).set_minor(minor).set_access(Some(access.to_owned()));
        rule
    };
    if privileged {
        return vec![rule(true, LinuxDeviceType::A, None, None, "rwm")];
    }
    let mut rules = Vec::with_capacity(1 + ALLOWED.len() + devices.len());
    rules.push(rule(false, LinuxDeviceType::A, None, None, "rwm"));
    rules.extend(ALLOWED.iter().map(|(kind, major, minor, access)| rule(true, *kind, *major, *minor, access)));
    rules.extend(devices.iter().map(|node| rule(true, kind(node), Some(node.major as i64), Some(node.minor as i64), &node.access)));
    rules
}

pub fn device(node: &DeviceNode) -> LinuxDevice {
    let mut device = LinuxDevice::default();
    device.set_path(node.path.clone()).set_typ(kind(node)).set_major(node.major as i64).set_minor(node.minor as i64);
    device.set_file_mode(Some(node.mode)).set_uid(Some(node.uid)).set_gid(Some(node.gid));
    device
}

fn kind(node: &DeviceNode) -> LinuxDeviceType {
    if node.character { LinuxDeviceType::C } else { LinuxDeviceType::B }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_said_in_the_spec_s_terms() {
        let limits = Limits {
            memory: Some(100),
            memory_swap: None,
            nano_cpus: Some(1_500_000_000),
            cpu_shares: Some(512),
            pids: Some(-1),
            ..Limits::default()
        };
        let made = resources(&limits, false, &[]);
        assert_eq!((made.memory().unwrap().limit(), made.memory().unwrap().swap()), (Some(100), Some(200)));
        let cpu = made.cpu().as_ref().unwrap();
        assert_eq!((cpu.quota(), cpu.period(), cpu.shares()), (Some(150_000), Some(100_000), Some(512)));
        assert_eq!(made.pids().unwrap().limit(), -1);
    }

    #[test]
    fn no_wish_is_no_limit() {
        let made = resources(&Limits::default(), false, &[]);
        assert!(made.memory().is_none() && made.cpu().is_none() && made.pids().is_none());
        let unlimited = resources(&Limits { memory: Some(1), memory_swap: Some(-1), ..Limits::default() }, false, &[]);
        assert_eq!(unlimited.memory().unwrap().swap(), Some(-1));
    }

    #[test]
    fn devices_are_forbidden_first_and_few_are_allowed() {
        let node = DeviceNode {
            path: "/dev/fuse".into(),
            character: true,
            major: 10,
            minor: 229,
            mode: 0o666,
            uid: 0,
            gid: 0,
            access: "rw".into(),
        };
        let rules: Vec<String> = device_rules(false, &[node]).iter().map(|rule| format!("{} {rule}", rule.allow())).collect();
        assert_eq!(rules[0], "false a *:* rwm");
        assert_eq!(rules.last().unwrap(), "true c 10:229 rw");
        assert!(!rules.iter().any(|rule| rule.starts_with("true b") && rule != "true b *:* m"), "{rules:?}");
        assert_eq!(device_rules(true, &[]).len(), 1);
    }
}
