//! The filter of system calls.

use super::{Example, Page};
use crate::explain::live::status;
use crate::options::Seccomp;
use crate::spec::capabilities;
use crate::spec::seccomp;
use crate::spec::seccomp::default_table::NOTABLY_REFUSED;
use crate::trace::Step;
use oci_spec::runtime::LinuxSeccompAction;
use std::collections::BTreeSet;

const WORDS: &str = "
All containers of a machine share one kernel, and its system calls are the
doors into it: some four hundred, of which a usual program needs fewer than a
hundred. A bug behind a door that is shut cannot be used.

The filter is a little program (BPF) that the kernel runs before every call. It
sees the number of the call and its arguments, not what they point to, and
answers: allow, refuse with an error number, or kill. It is inherited by every
child and can never be taken off again.

tare's table has a reason for each group of calls; what is not in it is
refused with EPERM, \"Operation not permitted\", as if a right were missing. Some
calls come with a capability: --cap-add SYS_ADMIN also opens mount(2).

What was refused is told to the program only. If you suspect the filter: once
with --security-opt seccomp=unconfined, and never leave it so.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::FilterCalls),
        further: "man 2 seccomp; grep Seccomp /proc/self/status; tare why NAME",
    }
}

fn live(example: &Example) -> Vec<String> {
    let Some(status) = status::of(example.command) else { return example.at_rest() };
    let mode = match status.seccomp {
        0 => "0: no filter",
        1 => "1: strict",
        _ => "2: filtered",
    };
    let mut lines = vec![format!("process {}: Seccomp {mode}, {} loaded", example.command, filters(status.filters))];
    match example.seen.as_ref().map(|seen| (&seen.record.wishes.seccomp, seen.record.wishes.privileged)) {
        Some((_, true)) | Some((Seccomp::Unconfined, _)) => lines.push("it was asked to run without one".to_owned()),
        Some((Seccomp::Profile(_), _)) => lines.push("it has a profile of its own (--security-opt seccomp=FILE)".to_owned()),
        Some((Seccomp::Default, _)) if status.seccomp == 0 => {}
        Some((Seccomp::Default, _)) => {
            let allowed = allowed(status.bounding);
            lines.push(format!("allowed for its capabilities: {} calls by name, the others answer EPERM", allowed.len()));
            lines.extend(refused(&allowed));
        }
        None => {
            let allowed = allowed(capabilities::DEFAULT);
            lines.push(format!("a container with the usual capabilities may make {} calls, by name", allowed.len()));
            lines.extend(refused(&allowed));
        }
    }
    lines
}

/// What people may look for first, as far as this table shuts it.
fn refused(allowed: &BTreeSet<String>) -> Vec<String> {
    let calls = ["mount", "bpf", "io_uring_setup", "keyctl", "userfaultfd", "kexec_load"];
    let line = |call: &str| {
        let reason = NOTABLY_REFUSED.iter().find(|(calls, _)| calls.split(' ').any(|known| known == call));
        let short = reason.map_or("", |(_, why)| why.split([';', ',', ':']).next().unwrap_or(why));
        format!("  {call:<15} {short}")
    };
    let shut = calls.into_iter().filter(|call| !allowed.contains(*call)).take(4).map(line);
    std::iter::once("refused, for example:".to_owned()).chain(shut).collect()
}

fn filters(count: u32) -> String {
    if count == 1 { "1 filter".to_owned() } else { format!("{count} filters") }
}

/// Names in the table that are allowed, be it only with some arguments.
fn allowed(capabilities: u64) -> BTreeSet<String> {
    let table = seccomp::default_as_oci(capabilities);
    let rules = table.syscalls().iter().flatten().filter(|rule| rule.action() == LinuxSeccompAction::ScmpActAllow);
    rules.flat_map(|rule| rule.names().iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_capability_opens_is_not_called_refused() {
        let told = |capabilities: u64| refused(&allowed(capabilities)).join("\n");
        assert!(told(capabilities::DEFAULT).contains("  mount ") && told(capabilities::DEFAULT).contains("  bpf "));
        let all = told(capabilities::EVERY);
        assert!(!all.contains("  mount ") && !all.contains("  bpf ") && all.contains("  keyctl "), "{all}");
    }
}
