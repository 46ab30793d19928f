//! What the processes of a container tell of themselves, where no group counts it: proc(5).

use std::os::unix::fs::MetadataExt;

#[derive(Debug, Default, PartialEq)]
pub struct Sum {
    pub cpu: u64,
    pub memory: u64,
    pub tasks: u64,
    pub read: u64,
    pub written: u64,
}

impl Sum {
    /// Memory is what each has in use without the files that it shows: `smaps_rollup` would know it better, and take a walk through
    /// all pages for it. Pages that a fork has not written to yet count twice, what nobody has mapped (files in memory) not at all.
    pub fn of(pids: &[i32], with_cpu: bool) -> Sum {
        let mut sum = Sum::default();
        for pid in pids {
            let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
            sum.memory += memory(&read("statm"));
            // What a process has waited for is counted with it, so nothing gets lost at an end.
            let (bytes_read, bytes_written) = disk(&read("io"));
            sum.read += bytes_read;
            sum.written += bytes_written;
            sum.tasks += std::fs::metadata(format!("/proc/{pid}/task")).map_or(0, |about| about.nlink().saturating_sub(2));
            if with_cpu {
                sum.cpu += cpu(&read("stat"));
            }
        }
        sum
    }
}

/// Pages: all, in memory, and of these those that belong to files or are shared.
fn memory(statm: &str) -> u64 {
    const PAGE: u64 = 4096;
    let mut numbers = statm.split(' ').skip(1).map(|number| number.parse::<u64>().unwrap_or(0));
    let (resident, shared) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    resident.saturating_sub(shared) * PAGE
}

fn disk(io: &str) -> (u64, u64) {
    let of = |key: &str| io.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok()).unwrap_or(0);
    (of("read_bytes:"), of("write_bytes:"))
}

/// Its own time and that of those it has waited for; the kernel tells hundredths of a second.
fn cpu(stat: &str) -> u64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    // The first behind the name is the third.
    fields.skip(14 - 3).take(4).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000
}

/// Received and sent on every interface that its first process sees, but for the loopback.
pub fn network(pid: i32) -> (u64, u64) {
    sums(&std::fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap_or_default())
}

/// Two lines of headings, then `eth0: ` and sixteen numbers, of which the first and the ninth are bytes.
fn sums(table: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    for (name, numbers) in table.lines().skip(2).filter_map(|line| line.split_once(':')) {
        if name.trim() != "lo" {
            let mut numbers = numbers.split_whitespace().map(|number| number.parse::<u64>().unwrap_or(0));
            sums.0 += numbers.next().unwrap_or(0);
            sums.1 += numbers.nth(7).unwrap_or(0);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_tables_are_read() {
        assert_eq!(memory("1000 300 100 1 0 200 0\n"), 200 * 4096);
        assert_eq!((memory(""), memory("5 1 9")), (0, 0));
        assert_eq!(disk("rchar: 9\nwchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n"), (4096, 8192));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 3 4 5 6 20 0 1 0 500";
        assert_eq!(cpu(stat), 18 * 10_000);
        let table = "Inter-|   Receive\n face |bytes\n    lo: 50 1 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n  eth0: 7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n eth1:1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n";
        assert_eq!(sums(table), (8, 11));
    }

    #[test]
    fn a_process_that_runs_uses_something() {
        let sum = Sum::of(&[std::process::id() as i32], true);
        assert!(sum.memory > 0 && sum.tasks >= 1, "{sum:?}");
        assert_eq!(Sum::of(&[i32::MAX], true), Sum::default());
    }
}
