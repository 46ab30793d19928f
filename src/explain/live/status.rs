//! What a process is and may: the lines of /proc/PID/status that matter here (proc_pid_status(5)).

use super::read;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its pid in each namespace that sees it, ours first.
    pub pids: Vec<i32>,
    /// Real user and group, as we see them.
    pub uid: u32,
    pub gid: u32,
    /// Masks with capability n at bit n. Of a process that runs as root the effective ones are those in hand.
    pub effective: u64,
    pub bounding: u64,
    pub no_new_privileges: bool,
    /// 0: no filter, 1: strict, 2: filtered.
    pub seccomp: u32,
    pub filters: u32,
    pub threads: u32,
}

/// `None`: it is gone, or nobody's.
pub fn of(pid: i32) -> Option<Status> {
    let text = read(&format!("/proc/{pid}/status"));
    (!text.is_empty()).then(|| parse(&text))
}

fn parse(text: &str) -> Status {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or("").trim();
    let first = |name: &str| field(name).split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let mask = |name: &str| u64::from_str_radix(field(name), 16).unwrap_or(0);
    Status {
        pids: field("NSpid").split_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
        uid: first("Uid"),
        gid: first("Gid"),
        effective: mask("CapEff"),
        bounding: mask("CapBnd"),
        no_new_privileges: first("NoNewPrivs") == 1,
        seccomp: first("Seccomp"),
        filters: first("Seccomp_filters"),
        threads: first("Threads"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_matter_are_read() {
        let text = "Name:\tsh\nUid:\t1000\t1000\t1000\t1000\nGid:\t5\t5\t5\t5\nNSpid:\t413\t1\nThreads:\t2\nCapEff:\t0000000000000000\n\
                    CapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        let status = parse(text);
        assert_eq!((status.pids.as_slice(), status.uid, status.gid, status.threads), (&[413, 1][..], 1000, 5, 2));
        assert_eq!((status.effective, status.bounding, status.no_new_privileges), (0, 0xa804_25fb, true));
        assert_eq!((status.seccomp, status.filters), (2, 1));
        assert_eq!(parse(""), Status::default());
    }
}
