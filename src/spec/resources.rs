//! Limits and device rules, in the words of the OCI runtime spec.

use crate::error::{Error, Result};
use crate::options::{IoRateKind, Limits, Wishes, device_rules};
use crate::spec::runtime_spec::{DeviceNode, DeviceRate, Facts};
use oci_spec::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType, LinuxMemory, LinuxPids, LinuxResources, LinuxThrottleDevice,
    LinuxThrottleDeviceBuilder,
};

/// Microseconds. A container gets its share anew ten times a second, as in Docker.
const CPU_PERIOD: u64 = 100_000;

pub fn resources(wishes: &Wishes, facts: &Facts) -> Result<LinuxResources> {
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(device_rules(wishes, &facts.devices)?)).set_block_io(rates(&facts.io_rates)?);
    limit(&mut resources, &wishes.limits);
    Ok(resources)
}

/// The limits alone, of which some may have changed since: the rules for devices and their rates stay as they are.
pub fn limit(resources: &mut LinuxResources, limits: &Limits) {
    let pids = limits.pids.map(|most| {
        let mut pids = LinuxPids::default();
        pids.set_limit(most);
        pids
    });
    resources.set_memory(memory(limits)).set_cpu(cpu(limits)).set_pids(pids);
    let mut block_io = resources.block_io().clone().unwrap_or_default();
    block_io.set_weight(limits.io_weight);
    resources.set_block_io((block_io != LinuxBlockIo::default()).then_some(block_io));
}

/// In the spec "swap" is memory and swap together, as in Docker. Without a wish, as much swap as memory is allowed.
fn memory(limits: &Limits) -> Option<LinuxMemory> {
    if limits.memory.is_none() && limits.memory_reservation.is_none() {
        return None;
    }
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut limit = LinuxMemory::default();
    limit.set_reservation(limits.memory_reservation.map(signed));
    if let Some(memory) = limits.memory.map(signed) {
        limit.set_limit(Some(memory)).set_swap(Some(limits.memory_swap.unwrap_or(memory.saturating_mul(2))));
    }
    Some(limit)
}

fn cpu(limits: &Limits) -> Option<LinuxCpu> {
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(limits.cpu_shares).set_quota(limits.cpu_quota).set_period(limits.cpu_period);
    cpu.set_cpus(limits.cpuset_cpus.clone()).set_mems(limits.cpuset_mems.clone());
    if let Some(nanos) = limits.nano_cpus {
        let quota = u128::from(nanos) * u128::from(CPU_PERIOD) / 1_000_000_000;
        cpu.set_quota(i64::try_from(quota).ok()).set_period(Some(CPU_PERIOD));
    }
    (cpu != LinuxCpu::default()).then_some(cpu)
}

fn rates(rates: &[DeviceRate]) -> Result<Option<LinuxBlockIo>> {
    if rates.is_empty() {
        return Ok(None);
    }
    let of = |kind: IoRateKind| -> Result<Option<Vec<LinuxThrottleDevice>>> {
        let all: Vec<_> = rates.iter().filter(|rate| rate.kind == kind).map(throttle).collect::<Result<_>>()?;
        Ok((!all.is_empty()).then_some(all))
    };
    let mut block_io = LinuxBlockIo::default();
    block_io
        .set_throttle_read_bps_device(of(IoRateKind::ReadBytes)?)
        .set_throttle_write_bps_device(of(IoRateKind::WriteBytes)?)
        .set_throttle_read_iops_device(of(IoRateKind::ReadOperations)?)
        .set_throttle_write_iops_device(of(IoRateKind::WriteOperations)?);
    Ok(Some(block_io))
}

fn throttle(rate: &DeviceRate) -> Result<LinuxThrottleDevice> {
    let device = LinuxThrottleDeviceBuilder::default().major(rate.major as i64).minor(rate.minor as i64).rate(rate.rate).build();
    device.map_err(|e| Error::failed("cannot write the rate of a device down").because(e))
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

/// What every container may open and make, for specifications that name only what is more or less.
pub fn usual_device_rules() -> Vec<LinuxDeviceCgroup> {
    device_rules(&Wishes::default(), &[]).unwrap_or_default().split_off(1)
}

fn device_rules(wishes: &Wishes, devices: &[DeviceNode]) -> Result<Vec<LinuxDeviceCgroup>> {
    let rule = |allow: bool, kind: LinuxDeviceType, major: Option<i64>, minor: Option<i64>, access: &str| {
        let mut rule = LinuxDeviceCgroup::default();
        rule.set_allow(allow).set_typ(Some(kind)).set_major(major).set_minor(minor).set_access(Some(access.to_owned()));
        rule
    };
    if wishes.privileged {
        return Ok(vec![rule(true, LinuxDeviceType::A, None, None, "rwm")]);
    }
    let mut rules = Vec::with_capacity(1 + ALLOWED.len() + devices.len());
    rules.push(rule(false, LinuxDeviceType::A, None, None, "rwm"));
    rules.extend(ALLOWED.iter().map(|(kind, major, minor, access)| rule(true, *kind, *major, *minor, access)));
    rules.extend(devices.iter().map(|node| rule(true, kind(node), Some(node.major as i64), Some(node.minor as i64), &node.access)));
    for text in &wishes.device_rules {
        rules.push(device_rules::parse(text)?);
    }
    Ok(rules)
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

    fn of(limits: Limits) -> LinuxResources {
        resources(&Wishes { limits, ..Wishes::default() }, &Facts::default()).unwrap()
    }

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
        let made = of(limits);
        assert_eq!((made.memory().unwrap().limit(), made.memory().unwrap().swap()), (Some(100), Some(200)));
        let cpu = made.cpu().as_ref().unwrap();
        assert_eq!((cpu.quota(), cpu.period(), cpu.shares()), (Some(150_000), Some(100_000), Some(512)));
        assert_eq!(made.pids().unwrap().limit(), -1);
    }

    #[test]
    fn no_wish_is_no_limit() {
        let made = of(Limits::default());
        assert!(made.memory().is_none() && made.cpu().is_none() && made.pids().is_none() && made.block_io().is_none());
        let unlimited = of(Limits { memory: Some(1), memory_swap: Some(-1), ..Limits::default() });
        assert_eq!(unlimited.memory().unwrap().swap(), Some(-1));
    }

    #[test]
    fn a_reservation_stands_alone_too() {
        let made = of(Limits { memory_reservation: Some(7), ..Limits::default() });
        assert_eq!(
            (made.memory().unwrap().reservation(), made.memory().unwrap().limit(), made.memory().unwrap().swap()),
            (Some(7), None, None)
        );
    }

    #[test]
    fn quota_period_and_sets_are_handed_on() {
        let made = of(Limits {
            cpu_quota: Some(-1),
            cpu_period: Some(50_000),
            cpuset_cpus: Some("0-1".into()),
            cpuset_mems: Some("0".into()),
            ..Limits::default()
        });
        let cpu = made.cpu().as_ref().unwrap();
        assert_eq!(
            (cpu.quota(), cpu.period(), cpu.cpus().as_deref(), cpu.mems().as_deref()),
            (Some(-1), Some(50_000), Some("0-1"), Some("0"))
        );
    }

    #[test]
    fn rates_are_sorted_by_kind() {
        let rate = |kind, rate| DeviceRate { major: 254, minor: 0, kind, rate };
        let all = [rate(IoRateKind::ReadBytes, 1), rate(IoRateKind::WriteOperations, 2)];
        let facts = Facts { io_rates: all.into(), ..Facts::default() };
        let mut resources = resources(&Wishes::default(), &facts).unwrap();
        // A weight comes and goes, and the rates stay.
        limit(&mut resources, &Limits { io_weight: Some(300), ..Limits::default() });
        assert_eq!(resources.block_io().as_ref().unwrap().weight(), Some(300));
        limit(&mut resources, &Limits::default());
        let made = resources.block_io().as_ref().unwrap();
        assert_eq!(made.weight(), None);
        assert_eq!(made.throttle_read_bps_device().as_ref().unwrap()[0].rate(), 1);
        assert_eq!(made.throttle_write_iops_device().as_ref().unwrap()[0].major(), 254);
        assert!(made.throttle_write_bps_device().is_none());
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
        let wishes = Wishes { device_rules: vec!["c 10:* rm".into()], ..Wishes::default() };
        let rules: Vec<String> = device_rules(&wishes, &[node]).unwrap().iter().map(|rule| format!("{} {rule}", rule.allow())).collect();
        assert_eq!(rules[0], "false a *:* rwm");
        assert_eq!(rules[rules.len() - 2..], ["true c 10:229 rw", "true c 10:* rm"]);
        assert!(!rules.iter().any(|rule| rule.starts_with("true b") && rule != "true b *:* m"), "{rules:?}");
        assert_eq!(device_rules(&Wishes { privileged: true, ..wishes }, &[]).unwrap().len(), 1);
    }
}
