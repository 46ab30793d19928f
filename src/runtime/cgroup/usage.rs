//! What a group uses, as the kernel's files tell it. A file that is not there (its controller is not) counts as nothing.

use super::Group;
use crate::sys::file;
use std::collections::BTreeMap;

/// Bytes, counts, and microseconds of processor. A limit of `u64::MAX` is none.
#[derive(Debug, Default, PartialEq)]
pub struct Usage {
    pub cpu: u64,
    pub cpu_user: u64,
    pub cpu_kernel: u64,
    pub periods: u64,
    pub throttled_periods: u64,
    pub throttled: u64,
    pub memory: u64,
    pub memory_peak: u64,
    pub memory_limit: u64,
    pub memory_failures: u64,
    pub cache: u64,
    pub swap: u64,
    pub swap_limit: u64,
    pub raw_memory: BTreeMap<String, u64>,
    pub processes: u64,
    pub processes_limit: u64,
    pub io: Vec<Io>,
    /// By their size, as the kernel writes it.
    pub huge_pages: BTreeMap<String, HugePages>,
}

/// Bytes, and how often there were no more.
#[derive(Debug, Default, PartialEq)]
pub struct HugePages {
    pub now: u64,
    pub refused: u64,
}

#[derive(Debug, Default, PartialEq)]
pub struct Io {
    pub major: u64,
    pub minor: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub reads: u64,
    pub writes: u64,
}

impl Usage {
    pub fn read(group: &Group) -> Usage {
        let read = |name: &str| file::read_at(group.descriptor(), name).unwrap_or_default();
        let cpu = table(&read("cpu.stat"));
        let memory = table(&read("memory.stat"));
        let of = |table: &BTreeMap<String, u64>, key: &str| table.get(key).copied().unwrap_or(0);
        Usage {
            cpu: of(&cpu, "usage_usec"),
            cpu_user: of(&cpu, "user_usec"),
            cpu_kernel: of(&cpu, "system_usec"),
            periods: of(&cpu, "nr_periods"),
            throttled_periods: of(&cpu, "nr_throttled"),
            throttled: of(&cpu, "throttled_usec"),
            memory: number(&read("memory.current")),
            memory_peak: number(&read("memory.peak")),
            memory_limit: number(&read("memory.max")),
            memory_failures: of(&table(&read("memory.events")), "max"),
            cache: of(&memory, "file"),
            swap: number(&read("memory.swap.current")),
            swap_limit: number(&read("memory.swap.max")),
            raw_memory: memory,
            processes: number(&read("pids.current")),
            processes_limit: number(&read("pids.max")),
            io: read("io.stat").lines().filter_map(io).collect(),
            huge_pages: page_sizes(group).map(|size| (size.clone(), huge_pages(&size, read))).collect(),
        }
    }
}

/// The few numbers that `stats` shows again and again. `None`: the group has no such controller.
#[derive(Debug, Default, PartialEq)]
pub struct Brief {
    pub cpu: Option<u64>,
    pub memory: Option<u64>,
    /// `None` also where there is no limit.
    pub memory_limit: Option<u64>,
    pub tasks: Option<u64>,
    /// Bytes read and written, of all disks.
    pub io: Option<(u64, u64)>,
}

impl Brief {
    pub fn read(group: &Group) -> Brief {
        let read = |name: &str| file::read_at(group.descriptor(), name).ok();
        let of = |text: Option<String>, key: &str| table(&text?).get(key).copied();
        // As Docker tells it: without the pages of files that nobody has used for a while.
        let used = read("memory.current").map(|text| number(&text));
        let memory = used.map(|used| match of(read("memory.stat"), "inactive_file") {
            Some(unused) if unused < used => used - unused,
            _ => used,
        });
        let memory_limit = memory.and_then(|_| read("memory.max")).map(|text| number(&text)).filter(|limit| *limit != u64::MAX);
        let sum = |text: String| text.lines().filter_map(io).fold((0, 0), |sum, io| (sum.0 + io.bytes_read, sum.1 + io.bytes_written));
        Brief {
            cpu: of(read("cpu.stat"), "usage_usec"),
            memory,
            memory_limit,
            tasks: read("pids.current").map(|text| number(&text)),
            io: read("io.stat").map(sum),
        }
    }
}

/// Each has files of its own: `hugetlb.2MB.current` and its like.
fn page_sizes(group: &Group) -> impl Iterator<Item = String> {
    let names = std::fs::read_dir(group.path()).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| Some(name.strip_prefix("hugetlb.")?.strip_suffix(".current")?.to_owned())).filter(|size| !size.contains('.'))
}

fn huge_pages(size: &str, read: impl Fn(&str) -> String) -> HugePages {
    HugePages {
        now: number(&read(&format!("hugetlb.{size}.current"))),
        refused: table(&read(&format!("hugetlb.{size}.events"))).get("max").copied().unwrap_or(0),
    }
}

/// `max` is no limit.
fn number(text: &str) -> u64 {
    match text.trim() {
        "max" => u64::MAX,
        text => text.parse().unwrap_or(0),
    }
}

/// `name number`, a line each.
fn table(text: &str) -> BTreeMap<String, u64> {
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, value)| (name.to_owned(), number(value))).collect()
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`
fn io(line: &str) -> Option<Io> {
    let (device, rest) = line.split_once(' ')?;
    let (major, minor) = device.split_once(':')?;
    let mut io = Io { major: major.parse().ok()?, minor: minor.parse().ok()?, ..Io::default() };
    for (key, value) in rest.split(' ').filter_map(|word| word.split_once('=')) {
        match key {
            "rbytes" => io.bytes_read = number(value),
            "wbytes" => io.bytes_written = number(value),
            "rios" => io.reads = number(value),
            "wios" => io.writes = number(value),
            _ => {}
        }
    }
    Some(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_files_are_read() {
        assert_eq!((number("max\n"), number("12\n"), number("")), (u64::MAX, 12, 0));
        assert_eq!(table("usage_usec 5\nuser_usec 3\n").get("user_usec"), Some(&3));
        let wanted = Io { major: 8, minor: 1, bytes_read: 1, bytes_written: 2, reads: 3, writes: 4 };
        assert_eq!(io("8:1 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0"), Some(wanted));
        assert_eq!(io("garbage"), None);
    }
}
