//! Limits that are met while it runs: the kernel counts how often.

use super::super::{Evidence, Finding};
use super::times;
use crate::options::sizes;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some((limits, used)) = evidence.group.as_ref().filter(|_| evidence.is_running()) else { return Vec::new() };
    let name = &evidence.name;
    let mut findings = Vec::new();
    if used.tasks_met > 0 {
        let most = limits.tasks.map_or("its limit".to_owned(), |tasks| format!("{tasks}"));
        findings.push(
            Finding::known(format!("it wanted more processes than it may have ({most}), and was refused {}", times(used.tasks_met)))
                .shown(format!("pids.events of its group: max {}", used.tasks_met))
                .attempt(format!("tare update --pids-limit {} {name}", limits.tasks.unwrap_or(100) * 2)),
        );
    }
    if used.memory_met > 0 {
        let most = limits.memory.map_or("its limit".to_owned(), sizes::memory);
        findings.push(
            Finding::known(format!(
                "it met its memory limit ({most}) {}, and the kernel took back pages of files each time",
                times(used.memory_met)
            ))
            .shown(format!("memory.events of its group: max {}; in use now: {}", used.memory_met, sizes::memory(used.memory)))
            .attempt(format!("tare update --memory {}m {name}, if it is slow", limits.memory.unwrap_or(64 << 20).div_ceil(1 << 19))),
        );
    }
    if used.slowed > 0 {
        findings.push(
            Finding::known("it wants more of the processors than it may have, and is made to wait")
                .shown(format!("cpu.stat of its group: nr_throttled {}", used.slowed))
                .attempt(format!("tare update --cpus 2 {name}, if it is slow")),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::live::group::{Limits, Use};
    use crate::explain::why::evidence::tests::ended;
    use crate::record::Status;

    #[test]
    fn what_was_met_is_counted() {
        let group = (
            Limits { tasks: Some(20), memory: Some(64 << 20), ..Limits::default() },
            Use { tasks_met: 3, memory_met: 7, ..Use::default() },
        );
        let running = Evidence { status: Status::Running, group: Some(group), ..ended(0) };
        let told = judge(&running);
        assert!(told[0].what.contains("(20), and was refused 3 times") && told[0].tries[0] == "tare update --pids-limit 40 web");
        assert!(told[1].what.contains("64MiB") && told[1].tries[0].starts_with("tare update --memory 128m"));
        assert!(judge(&ended(0)).is_empty());
    }
}
