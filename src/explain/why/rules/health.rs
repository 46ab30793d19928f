//! What its health check has found.

use super::super::{Evidence, Finding};
use crate::record::health::HealthState;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some(health) = evidence.health.as_ref().filter(|health| health.state != HealthState::Healthy && !health.finds.is_empty()) else {
        return Vec::new();
    };
    let Some(last) = health.finds.last() else { return Vec::new() };
    let what = match health.state {
        HealthState::Unhealthy => {
            format!(
                "its health check has failed {}, one after the other: it runs, and does not do what it should",
                super::times(health.failing_streak.into())
            )
        }
        _ => "its health check has not succeeded yet".to_owned(),
    };
    let answer = match last.exit_code {
        -1 => "took too long, or could not be made".to_owned(),
        0 => "was good".to_owned(),
        code => format!("ended with {code}"),
    };
    let output = last.output.trim().lines().next_back().unwrap_or("");
    let mut finding = Finding::known(what)
        .shown(format!("the last check {answer}{}", if output.is_empty() { String::new() } else { format!(": {output}") }));
    if let Some(command) = evidence.wishes.health.as_ref().and_then(|check| check.command()) {
        finding = finding.attempt(format!("run the check by hand: tare exec {} {}", evidence.name, super::typed(&command)));
    }
    vec![finding]
}
