//! Who should be running after a start of the machine.

use crate::options::restart::Restart;
use crate::record::{Asker, Container, Ended};

impl Container {
    /// As its policy says and its last end tells. One that was never started waits for somebody to do it.
    pub fn comes_back(&self) -> bool {
        let Some(ended) = self.ended.as_ref().filter(|_| self.launched) else { return false };
        match self.wishes.restart {
            Restart::No => false,
            Restart::Always => true,
            Restart::UnlessStopped => !ended.stopped,
            Restart::OnFailure(_) if ended.stopped => false,
            policy => ended.was_cut_off() || policy.begins_again(ended.exit_code, ended.restarts),
        }
    }
}

impl Ended {
    /// By the machine's end, or our own: it would have gone on.
    fn was_cut_off(&self) -> bool {
        let with_the_machine = self.asked.as_ref().is_some_and(|asked| asked.by == Asker::Shutdown);
        with_the_machine || [Ended::MONITOR_LOST, Ended::MACHINE_DOWN, Ended::CUT_OFF].contains(&self.error.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::restart;
    use crate::record::Asked;
    use serde_json::json;

    fn back(ended: &Ended) -> Vec<&'static str> {
        let record: Container = serde_json::from_value(json!({
            "id": "", "name": "", "image": "", "image_id": "", "layers": [], "created": 0, "hostname": "", "args": [], "user": "",
            "stop_signal": "", "labels": [], "reaper": true, "wishes": {}, "launched": true, "ended": ended,
        }))
        .unwrap();
        let with = |policy| {
            let mut record = record.clone();
            record.wishes.restart = restart::parse(policy).unwrap();
            record
        };
        ["no", "on-failure", "on-failure:2", "always", "unless-stopped"].into_iter().filter(|policy| with(policy).comes_back()).collect()
    }

    #[test]
    fn policies_and_ends_tell_who_comes_back() {
        let ended = |exit_code| Ended { exit_code, started: 1, ..Ended::default() };
        assert_eq!(back(&Ended::lost(1)), ["on-failure", "on-failure:2", "always", "unless-stopped"]);
        assert_eq!(back(&Ended { stopped: true, ..ended(143) }), ["always"]);
        assert_eq!(back(&ended(0)), ["always", "unless-stopped"]);
        assert_eq!(back(&Ended { restarts: 2, ..ended(1) }), ["on-failure", "always", "unless-stopped"], "it has given up");
        let asked = Some(Asked { signal: 15, by: Asker::Shutdown });
        assert_eq!(back(&Ended { asked, ..ended(0) }).len(), 4, "it ended well because it was asked to, and would have gone on");
    }
}
