//! It runs: then there is nothing to explain but how its last run ended, if there was one.

use super::super::{Evidence, Finding};
use crate::options::sizes;
use crate::record::Status;
use crate::time;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some(started) = evidence.started.filter(|_| evidence.is_running()) else { return Vec::new() };
    let since = time::human_duration(evidence.now.saturating_sub(started)).to_lowercase();
    let mut finding = match evidence.status {
        Status::Paused => Finding::known(format!("it has not ended: it is paused, and was started {since} ago"))
            .attempt(format!("tare unpause {}", evidence.name)),
        _ => Finding::known(format!("it has not ended: it runs, for {since}")),
    };
    if let Some((limits, used)) = &evidence.group {
        let limit = limits.memory.map_or(String::new(), |limit| format!(" of {}", sizes::memory(limit)));
        finding = finding.shown(format!("memory {}{limit}, {} tasks", sizes::memory(used.memory), used.tasks));
    }
    if let Some(last) = evidence.ran() {
        let reason = last.reason();
        let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
        let ago = time::human_duration(evidence.now.saturating_sub(last.finished)).to_lowercase();
        finding = finding.shown(format!("its run before this one ended {ago} ago with exit code {}{reason}", last.exit_code));
    }
    vec![finding]
}
