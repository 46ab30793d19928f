//! It could not be started, or its monitor was lost: the reason was written down then.

use super::super::{Evidence, Finding};
use crate::record::Ended;

/// What every error says that comes from execve(2).
pub const EXECUTE: &str = "cannot execute";

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let Some(ended) = evidence.ended.as_ref().filter(|ended| !ended.error.is_empty() && !evidence.is_running()) else { return Vec::new() };
    let name = &evidence.name;
    let finding = match ended.error.as_str() {
        Ended::MONITOR_LOST => Finding::known("its monitor was killed, and the kernel killed the container with it")
            .shown("the monitor is the process that keeps a container's output and learns how it ends; it asks the kernel to let nothing outlive it")
            .attempt(format!("tare start {name}")),
        Ended::MACHINE_DOWN => Finding::known("the machine went down while it ran, and so nobody saw its end")
            .shown("there was another life of the machine between its start and now")
            .attempt(format!("tare start {name}"))
            .attempt(format!("tare update --restart unless-stopped {name}, and it comes back with the machine")),
        Ended::CUT_OFF => Finding::known("its start was cut off: the command that started it was killed before it ran").attempt(format!("tare start {name}")),
        // Another rule looks into its files.
        error if error.contains(EXECUTE) => return Vec::new(),
        error => {
            let what = if ended.started == 0 { "it could not be started: nothing of it has run" } else { "it was to be started again, and that failed" };
            advice(evidence, error).into_iter().fold(Finding::known(what).shown(error), Finding::attempt)
        }
    };
    vec![finding]
}

/// Fewer open files than this, and tare itself cannot open what it needs on the way to the command.
const FEW_FILES: u64 = 32;

/// What it was made with is fixed: only what lies outside of it can be put right before the next start.
fn advice(evidence: &Evidence, error: &str) -> Vec<String> {
    const MADE_WITH: [&str; 5] = ["no user", "no group", "working directory", "limit", "cannot set "];
    let again = |without: &str| format!("{without}: tare rm {0}, and tare run … --name {0} again", evidence.name);
    let few = evidence.wishes.ulimits.iter().find(|limit| limit.name == "nofile" && limit.soft < FEW_FILES);
    match few {
        Some(limit) => vec![again(&format!(
            "very likely it may have too few files open (--ulimit nofile={}): with a higher limit, which is fixed when it is made",
            limit.soft
        ))],
        None if MADE_WITH.iter().any(|words| error.contains(words)) => {
            vec![again("what it is made with (user, directory, limits) stays as it is; with other flags")]
        }
        None => vec![format!("put right what is said there, then tare start {}", evidence.name)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::ended;

    fn with(error: &str, exit_code: i32) -> Vec<Finding> {
        let mut evidence = ended(exit_code);
        evidence.ended.as_mut().unwrap().error = error.into();
        judge(&evidence)
    }

    #[test]
    fn the_reason_that_was_written_down_is_told() {
        assert!(with(Ended::MONITOR_LOST, 137)[0].what.contains("monitor was killed"));
        assert!(with(Ended::MACHINE_DOWN, 137)[0].tries[1].contains("unless-stopped"));
        assert_eq!(with("cannot mount x: no such file", 125)[0].evidence, ["cannot mount x: no such file"]);
        assert!(with("cannot enter working directory /x: not a directory", 126)[0].tries[0].contains("tare rm web"));
        assert!(with("no user \"bob\" in the image", 125)[0].tries[0].contains("tare rm web"));
        assert!(with("cannot mount x: no such file", 125)[0].tries[0].ends_with("then tare start web"));
        assert!(with("", 1).is_empty() && with("cannot execute x", 127).is_empty());
    }
}
