//! Disks: how fast, how often, and with what weight.

use super::{limit, store};
use crate::common::{Store, cannot, process};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// The disk that a path lies on, as a file of /dev; `None` where it is no disk of its own.
fn disk_of(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let device = std::fs::metadata(path).ok()?.dev();
    let numbers = format!("{}:{}", nix::sys::stat::major(device), nix::sys::stat::minor(device));
    let link = std::fs::canonicalize(format!("/sys/dev/block/{numbers}")).ok()?;
    let name = link.file_name()?.to_str()?.to_string();
    (!link.join("partition").exists()).then(|| format!("/dev/{name}"))
}

fn disk(store: &Store) -> Option<String> {
    let disk = disk_of(&store.dir);
    if disk.is_none() {
        let _ = cannot("the store does not lie on a whole disk");
    }
    disk
}

/// How long `dd` takes in a container, past every cache.
fn dd(store: &Store, flags: &[&str], words: &str) -> Duration {
    let volume = format!("{}:/data", store.dir.display());
    let script = format!("cp /proc/uptime /data/before; dd {words} && cp /proc/uptime /data/after");
    store.ok(&[&["run", "--rm", "-v", &volume], flags, &["box", "sh", "-c", &script]].concat());
    let read = |name: &str| {
        let text = std::fs::read_to_string(store.dir.join(name)).expect(name);
        text.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok()).unwrap_or_else(|| panic!("no seconds: {text}"))
    };
    Duration::from_secs_f64(read("after") - read("before"))
}

#[test]
fn a_rate_slows_reading_and_writing_down() {
    let Some(store) = store() else { return };
    let Some(disk) = disk(&store) else { return };
    let file = store.dir.join("disk-file");
    process::tool(&["dd", "if=/dev/zero", &format!("of={}", file.display()), "bs=1M", "count=8", "conv=fsync"]).ok();
    let read = "if=/data/disk-file of=/dev/null bs=64k count=64 iflag=direct";
    let write = "if=/dev/zero of=/data/disk-file bs=64k count=64 conv=notrunc oflag=direct";
    for (flag, rate, words) in [
        // 4 MB at one a second, and 64 pieces at 16 a second: four seconds each, of which the first slice may come free.
        ("--device-read-bps", "1m", read),
        ("--device-write-bps", "1m", write),
        ("--device-read-iops", "16", read),
        ("--device-write-iops", "16", write),
    ] {
        let free = dd(&store, &[], words);
        let slow = dd(&store, &[flag, &format!("{disk}:{rate}")], words);
        assert!(slow > Duration::from_secs(2), "{flag} {rate}: {slow:?}, without it {free:?}");
        assert!(slow > free * 2, "{flag} {rate}: {slow:?}, without it {free:?}");
    }
}

#[test]
fn rates_are_written_and_can_be_read_back() {
    let Some(store) = store() else { return };
    let Some(disk) = disk(&store) else { return };
    let rates = [format!("{disk}:2m"), format!("{disk}:3m"), format!("{disk}:40"), format!("{disk}:50")];
    let flags = ["--device-read-bps", "--device-write-bps", "--device-read-iops", "--device-write-iops"];
    let words: Vec<&str> = flags.iter().zip(&rates).flat_map(|(flag, rate)| [*flag, rate.as_str()]).collect();
    store.ok(&[&["run", "-d", "--name", "slow"], &words[..], &["box", "sleep", "1000"]].concat());
    let kept = limit(&store, "slow", "io.max");
    assert!(kept.ends_with(" rbps=2097152 wbps=3145728 riops=40 wiops=50"), "{kept}");
    let host = &store.inspect("slow")["HostConfig"];
    assert_eq!(host["BlkioDeviceReadBps"], json!([{ "Path": disk, "Rate": 2_097_152 }]));
    assert_eq!(host["BlkioDeviceWriteIOps"], json!([{ "Path": disk, "Rate": 50 }]));
}

#[test]
fn a_weight_is_kept_or_refused_by_name() {
    let Some(store) = store() else { return };
    let ran = store.tare(&["run", "-d", "--name", "light", "--blkio-weight", "300", "box", "sleep", "1000"]);
    if ran.code != 0 {
        assert_eq!(ran.code, 125, "{}", ran.story());
        assert!(ran.stderr.contains("io.weight") && ran.stderr.contains("--blkio-weight"), "{}", ran.stderr);
        return;
    }
    let group = super::group(&store, "light");
    let read = |name: &str| std::fs::read_to_string(group.join(name)).ok().and_then(|text| text.lines().next().map(str::to_string));
    // 10 to 1000 is 1 to 10000 there; the other file counts as docker does.
    let kept = (read("io.weight"), read("io.bfq.weight"));
    assert!(kept.0.is_some() || kept.1.is_some());
    assert!(kept.0.is_none_or(|text| text == "default 2930"));
    assert!(kept.1.is_none_or(|text| text.ends_with("300")));
    assert_eq!(store.inspect("light")["HostConfig"]["BlkioWeight"], 300);
}

#[test]
fn a_partition_is_refused_with_its_disk() {
    let Some(store) = store() else { return };
    // A disk in a file, with one partition from the second megabyte on: the table's first entry, and the mark at its end.
    let mut table = vec![0u8; 4 << 20];
    table[446..462].copy_from_slice(&[0, 0, 2, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0x10, 0, 0]);
    table[510..512].copy_from_slice(&[0x55, 0xaa]);
    let file = store.file("disk-in-a-file", &table);
    let free = process::tool(&["losetup", "-f"]);
    let name = free.stdout.trim().to_string();
    if free.code != 0 || process::tool(&["losetup", "-P", &name, file.to_str().expect("utf-8")]).code != 0 {
        let _ = cannot("there are no loop devices here");
        return;
    }
    let partition = format!("{name}p1");
    let error = Path::new(&partition)
        .exists()
        .then(|| store.tare(&["run", "--rm", "--device-read-bps", &format!("{partition}:1m"), "box", "true"]));
    process::tool(&["losetup", "-d", &name]);
    let ran = error.unwrap_or_else(|| panic!("the kernel found no {partition}"));
    assert_eq!(ran.code, 125, "{}", ran.story());
    assert!(ran.stderr.contains("partition") && ran.stderr.contains(&format!("hint: name its disk: {name}\n")), "{}", ran.stderr);
}
