//! Which start of the machine this is: what was only in memory before it has gone.

/// `None` where /proc does not tell: then nothing from before is believed.
pub fn id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}
