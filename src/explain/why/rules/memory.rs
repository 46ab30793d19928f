//! The kernel killed for want of memory: the group's own limit, as far as the kernel tells.

use super::super::{Evidence, Finding};
use crate::options::sizes;

pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let killed_now = evidence.group.as_ref().map_or(0, |(_, used)| used.out_of_memory);
    let at_the_end = evidence.ended.as_ref().filter(|ended| ended.out_of_memory && !evidence.is_running());
    if at_the_end.is_none() && killed_now == 0 {
        return Vec::new();
    }
    let lived = at_the_end.is_none_or(|ended| ended.exit_code == 0);
    let what = match lived {
        true => "the kernel has killed a process in it because the container met its memory limit; its command lived on",
        false => "it ran out of memory: the container met its limit, nothing could be freed, and the kernel killed a process in it",
    };
    let limit = evidence.wishes.limits.memory.or(evidence.group.as_ref().and_then(|(limits, _)| limits.memory));
    let peak = at_the_end.and_then(|ended| ended.memory_peak).or(evidence.group.as_ref().and_then(|(_, used)| used.memory_peak));
    let mut finding = Finding::known(what);
    finding = match limit {
        Some(limit) => finding.shown(format!("limit  {} (--memory)", sizes::memory(limit))),
        None => finding.shown("limit  none of its own: a group above it has one, or the whole machine had no memory left"),
    };
    if let Some(peak) = peak {
        finding = finding.shown(format!("peak   {}", sizes::memory(peak)));
    }
    if killed_now > 0 {
        finding = finding.shown(format!("memory.events of its group: oom_kill {killed_now}"));
    }
    finding = match limit {
        Some(limit) => finding.attempt(more(evidence, limit)),
        None => finding.attempt("free memory on the machine, or give the others limits"),
    };
    vec![finding.attempt("if it grows whatever it gets, it leaks: tare stats shows it while it runs")]
}

/// Twice as much; where memory and swap together are limited as well, of both.
fn more(evidence: &Evidence, limit: u64) -> String {
    let name = &evidence.name;
    let both = typed(limit.saturating_mul(2));
    let swap =
        if evidence.wishes.limits.memory_swap.is_some_and(|swap| swap >= 0) { format!(" --memory-swap {both}") } else { String::new() };
    let start = if evidence.is_running() { String::new() } else { format!(" && tare start {name}") };
    format!("tare update --memory {both}{swap} {name}{start}")
}

/// As `--memory` takes it, never less.
fn typed(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 30) => format!("{}g", bytes >> 30),
        _ => format!("{}m", bytes.div_ceil(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::why::evidence::tests::ended;

    #[test]
    fn the_numbers_are_shown_and_twice_as_much_is_proposed() {
        let mut evidence = ended(137);
        assert!(judge(&evidence).is_empty());
        evidence.wishes.limits.memory = Some(32 << 20);
        let record = evidence.ended.as_mut().unwrap();
        (record.out_of_memory, record.memory_peak) = (true, Some(32 << 20));
        let finding = &judge(&evidence)[0];
        assert_eq!(finding.evidence, ["limit  32MiB (--memory)", "peak   32MiB"]);
        assert_eq!(finding.tries[0], "tare update --memory 64m web && tare start web");
        evidence.ended.as_mut().unwrap().exit_code = 0;
        assert!(judge(&evidence)[0].what.contains("lived on"));
    }

    #[test]
    fn a_limit_is_typed_as_the_flag_takes_it() {
        assert_eq!((typed(2 << 30), typed(64 << 20), typed((1 << 20) + 1)), ("2g".to_owned(), "64m".to_owned(), "2m".to_owned()));
    }
}
