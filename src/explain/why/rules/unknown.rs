//! What nobody can know, so that it is not looked for in vain.

use super::super::{Evidence, Finding};
use crate::sys::signal;

/// Those that somebody sends; others come from the kernel, for one reason each.
const SENT: [&str; 5] = ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"];

pub fn all(evidence: &Evidence, findings: &[Finding]) -> Vec<String> {
    let mut unknown = Vec::new();
    let ended = evidence.ran().filter(|_| !evidence.is_running());
    if evidence.output.is_none() {
        unknown.push("what it wrote: nothing is kept of it (--log-driver)".to_owned());
    }
    let sent_by_us = ended.is_some_and(|ended| ended.asked.as_ref().is_some_and(|asked| Some(asked.signal) == ended.signal));
    let signal = ended.filter(|ended| !sent_by_us && !ended.out_of_memory).and_then(|ended| ended.signal).map(signal::name);
    if let Some(name) = signal.filter(|name| SENT.contains(&name.as_str())) {
        unknown.push(match name.as_str() {
            // No handler ever runs for it: signal(7).
            "SIGKILL" => format!("who sent {name}: the kernel keeps no record of it"),
            _ => format!("who sent {name}: the kernel tells only a handler in the program that asks for it (SA_SIGINFO)"),
        });
    }
    if ended.is_some_and(|ended| ended.exit_code == 137) && !sent_by_us && !evidence.memory_is_counted {
        unknown.push("whether memory was short: this host counts none for groups (no memory controller in cgroup v2)".to_owned());
    }
    if findings.iter().any(|finding| finding.rule == "refused") {
        unknown.push("which call was refused: that is told to the program alone, which may say so or not".to_owned());
    }
    let chose_a_code = ended.is_some_and(|ended| ended.signal.is_none() && ended.exit_code != 0);
    if chose_a_code && evidence.output.as_ref().is_some_and(|lines| lines.iter().all(|line| line.trim().is_empty())) {
        unknown.push("what went wrong in the command: it wrote nothing".to_owned());
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::ended;

    #[test]
    fn what_nobody_can_know_is_said() {
        let mut evidence = Evidence { memory_is_counted: false, output: None, ..ended(137) };
        evidence.ended.as_mut().unwrap().signal = Some(9);
        let told = all(&evidence, &[]);
        assert!(told[0].starts_with("what it wrote") && told[1].starts_with("who sent SIGKILL") && told[2].starts_with("whether memory"));
        assert_eq!(all(&ended(0), &[]), Vec::<String>::new());
        assert_eq!(all(&ended(3), &[]), ["what went wrong in the command: it wrote nothing"]);
    }
}
