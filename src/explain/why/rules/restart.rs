//! What its restart policy makes of it.

use super::super::{Evidence, Finding};
use super::times;
use crate::options::restart::Restart;
use crate::record::Status;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let policy = evidence.wishes.restart;
    let (name, restarts, times) = (&evidence.name, evidence.restarts, times(evidence.restarts.into()));
    let stopped = evidence.ended.as_ref().is_some_and(|ended| ended.stopped);
    let finding = match (evidence.status, policy) {
        (_, Restart::No) => return Vec::new(),
        (Status::Restarting, _) => {
            Finding::known(format!("it will be started again in a moment ({policy}); so far {times}, with longer and longer pauses"))
                .attempt(format!("tare stop {name} ends that; tare logs {name} tells what goes wrong each time"))
        }
        (Status::Running | Status::Paused, _) if restarts > 0 => {
            Finding::known(format!("it ended and was started again {times} (--restart {policy})"))
                .attempt(format!("tare logs {name} tells what went wrong"))
        }
        (Status::Running | Status::Paused, _) => return Vec::new(),
        (_, _) if stopped => Finding::known(format!("it stays down although it has --restart {policy}, because somebody has stopped it"))
            .attempt(format!("tare start {name}")),
        (_, Restart::OnFailure(Some(most))) if restarts >= most => {
            Finding::known(format!("it was started again {times}, which is all that --restart {policy} allows, and failed each time"))
        }
        (_, Restart::OnFailure(_)) => Finding::known(format!("--restart {policy} starts it again only after a failure, and it ended well")),
        (_, _) => Finding::known(format!("it was to be started again (--restart {policy}), and was not: its monitor is gone"))
            .attempt(format!("tare start {name}")),
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::ended;

    fn told(policy: Restart, status: Status, restarts: u32) -> String {
        let mut evidence = Evidence { status, restarts, ..ended(1) };
        evidence.wishes.restart = policy;
        judge(&evidence).first().map(|finding| finding.what.clone()).unwrap_or_default()
    }

    #[test]
    fn each_policy_has_its_word() {
        assert_eq!(told(Restart::No, Status::Exited, 0), "");
        assert!(told(Restart::Always, Status::Restarting, 3).contains("3 times"));
        assert!(told(Restart::OnFailure(Some(2)), Status::Exited, 2).contains("all that --restart on-failure:2 allows"));
        assert!(told(Restart::Always, Status::Running, 1).contains("started again once"));
        assert_eq!(told(Restart::Always, Status::Running, 0), "");
    }
}
