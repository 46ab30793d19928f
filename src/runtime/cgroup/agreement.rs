//! Whether the kernel kept what was written: it counts memory in pages, and shows what it has for all devices.

/// `max`, or `max` in every period.
pub fn is_no_limit(value: &str) -> bool {
    value.split(' ').next() == Some("max")
}

pub fn agrees(file: &str, wanted: &str, got: &str) -> bool {
    match (wanted.parse::<u64>(), got.parse::<u64>()) {
        _ if file == "io.max" || file == "rdma.max" => has_words(wanted, got),
        (Ok(wanted), Ok(got)) if file.starts_with("memory.") => wanted.abs_diff(got) < 65_536,
        // Whole pages, and no more than was asked for.
        (Ok(wanted), Ok(got)) if file.starts_with("hugetlb.") => got <= wanted,
        (Ok(wanted), Ok(got)) => wanted == got,
        _ if file.starts_with("io.") => got.lines().any(|line| line == wanted || line.strip_prefix("default ") == Some(wanted)),
        _ => wanted == got,
    }
}

/// A line of the same device has every word; a device with no limit at all is not shown.
fn has_words(wanted: &str, got: &str) -> bool {
    let mut words = wanted.split(' ');
    let device = words.next();
    let shown = got.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|line| line.first().copied() == device);
    words.all(|word| shown.as_ref().map_or(word.ends_with("=max"), |line| line.contains(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_may_round_memory_and_nothing_else() {
        assert!(agrees("memory.max", "10000001", "9998336"));
        assert!(!agrees("memory.max", "10000001", "max"));
        assert!(agrees("hugetlb.2MB.max", "3000000", "2097152") && !agrees("hugetlb.2MB.max", "0", "2097152"));
        assert!(!agrees("pids.max", "10", "11"));
        assert!(agrees("cpuset.cpus", "0-1", "0-1") && !agrees("cpuset.cpus", "0-1", "0"));
    }

    #[test]
    fn rates_are_found_among_those_of_other_devices() {
        let got = "7:1 rbps=5 wbps=max riops=max wiops=max\n8:0 rbps=100 wbps=max riops=max wiops=20";
        assert!(agrees("io.max", "8:0 rbps=100 wiops=20", got));
        assert!(!agrees("io.max", "8:0 rbps=101", got) && !agrees("io.max", "8:1 rbps=100", got));
        assert!(agrees("io.max", "9:9 rbps=max", got));
        assert!(agrees("io.weight", "300", "default 300\n8:0 100") && agrees("io.weight", "8:0 100", "default 300\n8:0 100"));
        assert!(!agrees("io.weight", "300", "default 100"));
        assert!(agrees("rdma.max", "mlx4_0 hca_handle=2", "mlx4_0 hca_handle=2 hca_object=max"));
    }

    #[test]
    fn no_limit_is_known_with_and_without_a_period() {
        assert!(is_no_limit("max") && is_no_limit("max 100000"));
        assert!(!is_no_limit("8:0 rbps=max") && !is_no_limit("100") && !is_no_limit("maximum"));
    }
}
