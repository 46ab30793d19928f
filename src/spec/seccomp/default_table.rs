//! The default profile: which system calls a container may make, and for every group the reason.
//!
//! It allows what Docker's profile allows, because images are tested against that, and is tighter in one place (sockets).
//! Whatever is not named here is refused with EPERM; `NOTABLY_REFUSED` says why, for the calls that people miss.

use super::architecture::Architecture;
use super::capability_names::bit;
use super::profile::{Action, Compare, Condition, ENOSYS, EPERM, Profile, Rule};

pub struct Group {
    pub what: &'static str,
    pub why: &'static str,
    pub when: When,
    /// Names, separated by spaces.
    pub calls: &'static str,
    /// Any of these is enough; none means always.
    pub any_of: &'static [Condition],
    pub action: Action,
}

#[derive(Clone, Copy)]
pub enum When {
    Always,
    /// The container's bounding set has this capability (a mask of one bit).
    Has(u64),
    Lacks(u64),
    On(&'static [Architecture]),
}

const fn allow(what: &'static str, why: &'static str, calls: &'static str) -> Group {
    Group { what, why, when: When::Always, calls, any_of: &[], action: Action::Allow }
}

const fn with(capability: &str, what: &'static str, why: &'static str, calls: &'static str) -> Group {
    Group { what, why, when: When::Has(bit(capability)), calls, any_of: &[], action: Action::Allow }
}

const fn only_on(machines: &'static [Architecture], what: &'static str, why: &'static str, calls: &'static str) -> Group {
    Group { what, why, when: When::On(machines), calls, any_of: &[], action: Action::Allow }
}

const fn first_argument(compare: Compare, value: u64) -> Condition {
    Condition { index: 0, compare, value }
}

const fn is(value: u64) -> Condition {
    first_argument(Compare::Equal, value)
}

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h). CLONE_NEWTIME is no flag of clone(2).
const NEW_NAMESPACES: u64 = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;

pub const GROUPS: &[Group] = &[
    // What every program does.
    allow(
        "read and write what is open",
        "the permission was checked when the file was opened",
        "close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 fallocate fcntl fcntl64 fdatasync flock fsync \
         ftruncate ftruncate64 ioctl _llseek lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile \
         sendfile64 splice sync sync_file_range syncfs tee vmsplice write writev cachestat",
    ),
    allow(
        "open files and look them up by name",
        "a name reaches only what is mounted in the container, and the kernel checks owner and mode; a file handle from \
         name_to_handle_at is useless without open_by_handle_at",
        "access chdir creat faccessat faccessat2 fchdir fstat fstat64 fstatat64 fstatfs fstatfs64 getcwd getdents getdents64 lstat lstat64 \
         name_to_handle_at newfstatat open openat openat2 readlink readlinkat stat stat64 statfs statfs64 statx",
    ),
    allow(
        "make, rename and remove files",
        "bounded by the container's own root directory; what mknod makes cannot be opened unless the device program of the \
         cgroup says so",
        "link linkat mkdir mkdirat mknod mknodat rename renameat renameat2 rmdir symlink symlinkat truncate truncate64 umask unlink unlinkat",
    ),
    allow(
        "change owner, mode, times and attributes of files",
        "needs to own the file or CAP_CHOWN and CAP_FOWNER, as on any host",
        "chmod chown chown32 fchmod fchmodat fchmodat2 fchown fchown32 fchownat fgetxattr flistxattr fremovexattr fsetxattr futimesat \
         getxattr getxattrat lchown lchown32 lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat \
         setxattr setxattrat utime utimensat utimensat_time64 utimes",
    ),
    allow("ask about mounts", "they tell of the caller's own mount namespace only, as /proc/self/mountinfo does", "listmount statmount"),
    allow(
        "wait for many things at once",
        "event loops; watching a file needs the permission to read it, and fanotify_mark does nothing without a descriptor from \
         fanotify_init",
        "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 \
         fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect pipe pipe2 poll ppoll ppoll_time64 \
         pselect6 pselect6_time64 select",
    ),
    allow(
        "read and write in the background, the old way",
        "libaio, which databases use; io_uring, its successor, is refused below",
        "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit",
    ),
    allow(
        "manage their own memory",
        "it changes nothing but the caller's address space, within its limits; memfd_secret pages are charged to RLIMIT_MEMLOCK",
        "brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap \
         mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages",
    ),
    // Processes.
    allow(
        "start, wait for and end processes and threads",
        "the processes of the own pid namespace are all that can be named; the pids limit bounds their number. New namespaces \
         are a matter of clone's flags, below",
        "capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list \
         get_thread_area getpgid getpgrp getpid getppid getsid gettid pidfd_open prctl process_mrelease rseq set_robust_list \
         set_thread_area set_tid_address setpgid setsid vfork wait4 waitid waitpid",
    ),
    allow(
        "signals",
        "they reach the own pid namespace only",
        "kill pause pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend \
         rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask sigreturn tgkill tkill",
    ),
    allow(
        "become another user",
        "services give root up; taking another identity needs CAP_SETUID or CAP_SETGID",
        "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid getresuid32 getuid \
         getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 \
         setresuid setresuid32 setreuid setreuid32 setuid setuid32",
    ),
    allow(
        "scheduling and limits",
        "more than one's share needs CAP_SYS_NICE or CAP_SYS_RESOURCE, and the cgroup bounds all of it",
        "getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max sched_get_priority_min sched_getaffinity \
         sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity \
         sched_setattr sched_setparam sched_setscheduler sched_yield setpriority setrlimit ugetrlimit",
    ),
    allow(
        "time and timers",
        "reading clocks and sleeping; adjtimex and clock_adjtime also read, and change the clock only with CAP_SYS_TIME",
        "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep \
         clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime \
         timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime \
         timerfd_settime64 times",
    ),
    allow("what machine is this", "harmless facts, and random numbers", "getcpu getrandom sysinfo uname"),
    // With each other.
    allow(
        "talk over sockets",
        "what a socket can reach is decided by the network namespace; which kinds there are, by `socket` below",
        "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send \
         sendmmsg sendmsg sendto setsockopt shutdown socketpair",
    ),
    allow(
        "message queues, semaphores and shared memory",
        "they live in the container's own ipc namespace",
        "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl \
         msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget",
    ),
    allow(
        "sockets of old 32-bit programs",
        "on i386 this one call stands for all of the socket calls; without it 32-bit programs have no network (Docker 29.4.2 \
         tried). Its arguments lie in memory, where no filter looks, so the rule for `socket` does not hold here",
        "socketcall",
    ),
    allow(
        "lock themselves in further",
        "a filter or a Landlock rule can only take rights away; browsers and sshd rely on them",
        "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp",
    ),
    allow(
        "look into their own other processes",
        "debuggers and crash reporters. ptrace could once change a call after the filter had seen it; since Linux 4.8 the filter \
         looks again, and tare needs a newer kernel anyway",
        "process_vm_readv process_vm_writev ptrace",
    ),
    allow(
        "be traced from outside",
        "not called by programs: the kernel puts it where a probed function returns to, and a refusal kills the program",
        "uretprobe",
    ),
    // Calls whose arguments matter.
    Group {
        what: "sockets of the kinds in use",
        why: "allowed are the address families that Linux has, without vsock (40: it reaches the hypervisor's host past every \
              network namespace), the kernel's cryptography (38: CVE-2026-31431 wrote into other containers' files through it), \
              and those that Linux has removed or that hardly anybody uses (12 DECnet, 19 Econet, 20 ATM SVC, 23 IrDA, 25 Wanpipe, 34 mISDN, \
              37 CAIF). Said as what is allowed, because the kernel reads only the lower half of the argument: a rule \"not 40\" \
              lets 0x100000028 pass, and that is vsock again",
        when: When::Always,
        calls: "socket",
        any_of: &[
            first_argument(Compare::Less, 12),
            is(13),
            is(14),
            is(15),
            is(16),
            is(17),
            is(18),
            is(21),
            is(22),
            is(24),
            is(26),
            is(27),
            is(28),
            is(29),
            is(30),
            is(31),
            is(32),
            is(33),
            is(35),
            is(36),
            is(39),
            is(41),
            is(42),
            is(43),
            is(44),
            is(45),
        ],
        action: Action::Allow,
    },
    Group {
        what: "personalities without surprises",
        why: "0 is Linux, 8 a 32-bit uname, 0x20000 an old release number in uname, and -1 asks for the present one. Others switch \
              protections off (no address randomisation, executable data) or wake code that nobody maintains",
        when: When::Always,
        calls: "personality",
        any_of: &[is(0), is(8), is(0x20000), is(0x20008), is(0xffff_ffff)],
        action: Action::Allow,
    },
    Group {
        what: "new processes and threads, but in the same namespaces",
        why: "a new user namespace would hand out all capabilities over new mounts and networks, kernel code that was written for \
              root and has been broken into from there again and again (CVE-2022-0185, CVE-2022-0492, CVE-2023-32233)",
        when: When::Lacks(bit("CAP_SYS_ADMIN")),
        calls: "clone",
        any_of: &[first_argument(Compare::MaskedEqual(NEW_NAMESPACES), 0)],
        action: Action::Allow,
    },
    Group {
        what: "clone3 is not there",
        why: "its flags lie in memory, where no filter looks. ENOSYS makes C libraries fall back to clone; after EPERM they would \
              give up and no thread could start",
        when: When::Lacks(bit("CAP_SYS_ADMIN")),
        calls: "clone3",
        any_of: &[],
        action: Action::Errno(ENOSYS),
    },
    // Calls of one kind of machine.
    only_on(
        &[Architecture::X86_64, Architecture::X32],
        "thread-local storage",
        "every C library sets the fs register at its start",
        "arch_prctl",
    ),
    only_on(
        &[Architecture::X86_64, Architecture::X32, Architecture::X86],
        "segments",
        "Wine and DOS emulators; it concerns the own address space only",
        "modify_ldt",
    ),
    only_on(
        &[Architecture::Aarch64, Architecture::Arm],
        "what only ARM has",
        "32-bit ARM passes 64-bit numbers in other registers, and keeps its instruction cache and thread pointer by calls",
        "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
    ),
    // Calls that come with a capability: who was given the one was meant to have the other.
    with(
        "CAP_SYS_ADMIN",
        "administer mounts and namespaces",
        "what --cap-add SYS_ADMIN is for: mounting, and containers inside the container",
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules \
         lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns \
         syslog umount umount2 unshare",
    ),
    with("CAP_DAC_READ_SEARCH", "open by handle", "who may read every file may also name it by its number", "open_by_handle_at"),
    with("CAP_SYS_CHROOT", "chroot", "the kernel asks for this capability and nothing else", "chroot"),
    with(
        "CAP_SYS_PTRACE",
        "look into processes of other users",
        "the same as ptrace, by other doors",
        "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    ),
    with("CAP_SYS_BOOT", "reboot", "in a pid namespace of its own it ends the container only", "reboot"),
    with(
        "CAP_SYS_MODULE",
        "kernel modules",
        "who may load a module owns the host; given by hand only",
        "delete_module finit_module init_module",
    ),
    with("CAP_SYS_PACCT", "process accounting", "writes a line about every process that ends", "acct"),
    with("CAP_SYS_RAWIO", "ports of devices", "drivers in user space; who has it owns the host", "ioperm iopl"),
    with(
        "CAP_SYS_TIME",
        "set the clock",
        "the clock is the host's, there is no namespace for it: an ntp server in a container",
        "clock_settime clock_settime64 settimeofday stime",
    ),
    with("CAP_SYS_TTY_CONFIG", "hang up a terminal", "getty and login", "vhangup"),
    with(
        "CAP_SYS_NICE",
        "place memory on nodes",
        "databases on machines with several memory nodes",
        "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    ),
    with("CAP_SYSLOG", "the kernel's log", "it tells of the whole host", "syslog"),
    with("CAP_BPF", "load eBPF programs", "the smaller half of CAP_SYS_ADMIN since Linux 5.8", "bpf"),
    with("CAP_PERFMON", "performance counters", "they can observe the whole host", "perf_event_open"),
];

/// Refused in every default container, and why. For `explain`, for the documentation, and for who wonders about an EPERM.
pub const NOTABLY_REFUSED: &[(&str, &str)] = &[
    ("add_key keyctl request_key", "the kernel's key rings are not divided by namespaces: one container would see another's keys"),
    ("bpf", "eBPF programs run in the kernel; needs CAP_BPF or CAP_SYS_ADMIN"),
    ("clone3", "answered with ENOSYS, so that C libraries take clone, whose flags can be checked"),
    ("create_module get_kernel_syms query_module nfsservctl sysfs _sysctl uselib ustat vm86 vm86old", "gone from the kernel or out of use"),
    ("delete_module finit_module init_module", "modules are part of the host's kernel; needs CAP_SYS_MODULE"),
    ("fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree umount2", "mounting needs CAP_SYS_ADMIN"),
    (
        "io_uring_enter io_uring_register io_uring_setup",
        "its operations run past this filter, and it was behind most of the kernel exploits \
      that were paid for in 2022 (kCTF); databases fall back to libaio",
    ),
    ("ioperm iopl", "access to hardware; needs CAP_SYS_RAWIO"),
    ("kcmp pidfd_getfd process_madvise", "look into other processes; need CAP_SYS_PTRACE"),
    ("kexec_file_load kexec_load", "start another kernel in place of the host's"),
    ("lookup_dcookie perf_event_open", "profiling shows what the whole host does; needs CAP_PERFMON or CAP_SYS_ADMIN"),
    ("mbind get_mempolicy set_mempolicy migrate_pages move_pages", "placing memory touches other containers' share; needs CAP_SYS_NICE"),
    ("open_by_handle_at", "opens any file of a file system by its number, also outside of the root (the \"shocker\" escape of 2014)"),
    ("pivot_root", "there is nothing to pivot without CAP_SYS_ADMIN, and the runtime has done it already"),
    ("quotactl swapon swapoff", "belong to the host"),
    ("reboot", "needs CAP_SYS_BOOT"),
    ("clock_settime settimeofday stime", "the clock is the host's; needs CAP_SYS_TIME"),
    ("setns unshare", "other namespaces, and with them new kernel surface; need CAP_SYS_ADMIN"),
    ("syslog", "the kernel's log tells addresses and what others do; needs CAP_SYSLOG"),
    ("userfaultfd", "stops the kernel in the middle of a copy for as long as one likes, which makes races easy to win"),
];

/// The capabilities that any group asks about: containers that differ in others only have the same filter.
const DECIDING: u64 = {
    let mut mask = 0;
    let mut n = 0;
    while n < GROUPS.len() {
        if let When::Has(bit) | When::Lacks(bit) = GROUPS[n].when {
            mask |= bit;
        }
        n += 1;
    }
    mask
};

/// Whether who has this capability may make this call for that reason.
pub fn comes_with(call: &str, capability: u64) -> bool {
    let has = |group: &&Group| matches!(group.when, When::Has(bit) if bit == capability);
    GROUPS.iter().filter(has).any(|group| group.calls.split_ascii_whitespace().any(|known| known == call))
}

pub fn decides_alike(one: u64, other: u64) -> bool {
    (one ^ other) & DECIDING == 0
}

/// The groups that hold for a container.
pub fn profile(native: Architecture, capabilities: u64) -> Profile<'static> {
    let holds = |group: &&Group| match group.when {
        When::Always => true,
        When::Has(bit) => capabilities & bit != 0,
        When::Lacks(bit) => capabilities & bit == 0,
        When::On(machines) => machines.contains(&native),
    };
    let rules = GROUPS.iter().filter(holds).flat_map(rules_of).collect();
    let architectures = std::iter::once(native).chain(native.companions().iter().copied()).collect();
    Profile { default: Action::Errno(EPERM), architectures, rules }
}

fn rules_of(group: &'static Group) -> Vec<Rule<'static>> {
    let names: Vec<&str> = group.calls.split_ascii_whitespace().collect();
    let rule = |conditions| Rule { names: names.clone(), action: group.action, conditions };
    if group.any_of.is_empty() { vec![rule(Vec::new())] } else { group.any_of.iter().map(|condition| rule(vec![*condition])).collect() }
}
