//! What the checks of a container have found: `health.json`, written by its nurse (`engine/life/nurse.rs`), and how a find is judged.

use crate::options::health::Check;
use serde::{Deserialize, Serialize};
use std::fmt;

/// So many finds are kept.
const KEPT: usize = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    pub state: HealthState,
    pub failing_streak: u32,
    /// Oldest first.
    pub finds: Vec<Find>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthState {
    #[default]
    Starting,
    Healthy,
    Unhealthy,
}

/// One check. Times in nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    pub started: u64,
    pub ended: u64,
    /// -1: it took too long, or could not be made.
    pub exit_code: i32,
    pub output: String,
}

impl Health {
    /// `up_since`: when the container was started. A failure does not count while it may still be starting.
    pub fn judge(&mut self, find: Find, check: &Check, up_since: u64) {
        let may_be_starting = self.state == HealthState::Starting && find.started.saturating_sub(up_since) < check.start_period;
        match find.exit_code {
            0 => (self.failing_streak, self.state) = (0, HealthState::Healthy),
            _ if may_be_starting => {}
            _ => {
                self.failing_streak = self.failing_streak.saturating_add(1);
                if self.failing_streak >= check.retries() {
                    self.state = HealthState::Unhealthy;
                }
            }
        }
        self.finds.push(find);
        let too_many = self.finds.len().saturating_sub(KEPT);
        self.finds.drain(..too_many);
    }

    /// Nanoseconds until the next check.
    pub fn pause(&self, check: &Check, up_for: u64) -> u64 {
        match self.state {
            HealthState::Starting if up_for < check.start_period => check.start_interval(),
            _ => check.interval(),
        }
    }
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            HealthState::Starting => "starting",
            HealthState::Healthy => "healthy",
            HealthState::Unhealthy => "unhealthy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(second: u64, exit_code: i32) -> Find {
        Find { started: second * SECOND, ended: second * SECOND, exit_code, output: String::new() }
    }

    #[test]
    fn failures_in_a_row_make_it_unhealthy_and_one_success_well_again() {
        let (mut health, check) = (Health::default(), Check { retries: 2, ..Check::default() });
        let mut told = Vec::new();
        for (second, code) in [0, 1, 0, 1, 1, 1, 0].into_iter().enumerate() {
            health.judge(at(second as u64, code), &check, 0);
            told.push((health.state.to_string(), health.failing_streak));
        }
        let told: Vec<(&str, u32)> = told.iter().map(|(state, streak)| (state.as_str(), *streak)).collect();
        let well = ("healthy", 0);
        assert_eq!(told, [well, ("healthy", 1), well, ("healthy", 1), ("unhealthy", 2), ("unhealthy", 3), well]);
        assert_eq!(health.finds.len(), 5);
        assert_eq!(health.finds[4].started, 6 * SECOND);
    }

    #[test]
    fn failures_while_it_starts_do_not_count_until_it_was_well_once() {
        let check = Check { retries: 1, start_period: 10 * SECOND, start_interval: SECOND, ..Check::default() };
        let mut health = Health::default();
        health.judge(at(3, 1), &check, 0);
        assert_eq!((health.state, health.failing_streak, health.finds.len()), (HealthState::Starting, 0, 1));
        assert_eq!((health.pause(&check, 3 * SECOND), health.pause(&check, 11 * SECOND)), (SECOND, 30 * SECOND));
        let mut other = health.clone();
        other.judge(at(11, 1), &check, 0);
        assert_eq!(other.state, HealthState::Unhealthy, "the time is over");
        health.judge(at(4, 0), &check, 0);
        health.judge(at(5, 1), &check, 0);
        assert_eq!(health.state, HealthState::Unhealthy, "it had started");
        assert_eq!(health.pause(&check, 5 * SECOND), 30 * SECOND);
    }
}
