//! Which parts of /proc and /sys a container must not see, and which it must not write: they are the whole machine's.

/// Nothing to be seen there. Each leaks something about the host, or lets it be changed.
pub const MASKED: &[&str] = &[
    "/proc/asound",                  // Sound devices: who sits at the machine.
    "/proc/acpi",                    // Switches hardware; even writable by container root (CVE-2018-10892).
    "/proc/interrupts",              // Times keystrokes and other processes.
    "/proc/kcore",                   // The memory of the whole machine.
    "/proc/keys",                    // Names of keys of other users.
    "/proc/latency_stats",           // Where in the kernel processes of the host wait.
    "/proc/timer_list",              // Addresses in the kernel, and who sleeps.
    "/proc/timer_stats",             // The same, in old kernels.
    "/proc/sched_debug",             // All processes of the machine, in old kernels.
    "/proc/scsi",                    // Disks can be taken away by writing here (CVE-2017-16539).
    "/sys/firmware",                 // Tables of the firmware, with secrets of some boards.
    "/sys/devices/virtual/powercap", // Power use tells what others compute (PLATYPUS, CVE-2020-8694).
];

/// Useful to read, and the host's to write.
pub const READ_ONLY: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
