//! `--net-rate IN:OUT`: how fast a container may be, measured by iperf3 in its network. What is said here is exact within a twentieth
//! (`scripts/bench net`); a test on a machine that is busy with others allows more.

use crate::common::town::{Machine, Town};
use crate::common::{Store, eventually, installed, lacking};
use serde_json::Value;

/// Megabits per second between a container and another machine, without the first second.
fn measured(store: &Store, container: &str, direction: &[&str]) -> f64 {
    let namespace = format!("--net=/proc/{}/ns/net", store.pid(container));
    let words = ["nsenter", &namespace, "iperf3", "-J", "-O", "1", "-t", "3", "-c", "192.0.2.2"];
    let mut report = Value::Null;
    eventually("iperf3 has measured", || {
        let ran = store.machine().run(&[&words, direction].concat());
        report = serde_json::from_str(&ran.stdout).unwrap_or_default();
        ran.code == 0
    });
    report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap_or_else(|| panic!("no rate: {report:#}")) / 1e6
}

/// A machine that is busy with others may have no time for one measurement; a rate that is wrong is wrong in all of them.
fn is_about(measure: impl Fn() -> f64, wished: f64) {
    let seen: Vec<f64> = (0..4).map(|_| measure()).take_while(|seen| !(wished * 0.85..wished * 1.15).contains(seen)).collect();
    assert!(seen.len() < 4, "{seen:.1?} Mbit/s instead of {wished}");
}

fn other(town: &Town) -> Option<Machine> {
    if !installed("iperf3") {
        let _ = lacking("iperf3");
        return None;
    }
    let other = town.machine("other");
    other.start(&["iperf3", "-s"]);
    Some(other)
}

#[test]
fn each_direction_has_its_own_rate() {
    let Some(town) = Town::new() else { return };
    let Some(_other) = other(&town) else { return };
    let store = town.store();
    store.ok(&["run", "-d", "--name", "slow", "--net-rate", "40mbit:16mbit", "box", "sleep", "1000"]);
    is_about(|| measured(&store, "slow", &["-R"]), 40.0);
    is_about(|| measured(&store, "slow", &[]), 16.0);
    // One of them only; the other is as fast as it goes.
    store.ok(&["run", "-d", "--name", "half", "--net-rate", ":2MB", "box", "sleep", "1000"]);
    is_about(|| measured(&store, "half", &[]), 16.0);
    assert!(measured(&store, "half", &["-R"]) > 200.0);
}
