//! The same answer for programs.

use super::{Answer, Certainty, Finding};
use crate::sys::signal;
use crate::time;
use serde_json::{Value, json};

pub fn value(answer: &Answer) -> Value {
    let evidence = &answer.evidence;
    let ended = evidence.ended.as_ref().map(|ended| {
        json!({
            "ExitCode": ended.exit_code, "StartedAt": time::rfc3339(ended.started), "FinishedAt": time::rfc3339(ended.finished),
            "Signal": ended.signal.map(signal::name), "OutOfMemory": ended.out_of_memory, "MemoryPeak": ended.memory_peak, "Error": ended.error, "Reason": ended.reason(),
        })
    });
    json!({
        "Name": evidence.name, "Status": evidence.status, "LastEnd": ended, "Restarts": evidence.restarts,
        "Findings": answer.findings.iter().map(one).collect::<Vec<_>>(), "Output": evidence.output, "Unknown": answer.unknown,
    })
}

fn one(finding: &Finding) -> Value {
    let certainty = match finding.certainty {
        Certainty::Known => "known",
        Certainty::Likely => "likely",
        Certainty::Guess => "guess",
    };
    json!({"Rule": finding.rule, "Certainty": certainty, "What": finding.what, "Evidence": finding.evidence, "Try": finding.tries})
}
