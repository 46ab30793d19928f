/* Things a contained program may try. Each answers "OK", the name of the error, or a word of its own.
 * A thing that would harm the host if it worked is opened, never written. */
#include "probe.h"
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>

static int answer(long result) {
    puts(result < 0 ? errno_name(errno) : "OK");
    return 1;
}

static int opened(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    int result = answer(fd);
    if (fd >= 0) close(fd);
    return result;
}

/* "EMPTY" is what a masked file says: it can be opened and holds nothing. */
static int reads(const char *path) {
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return answer(-1);
    ssize_t got = read(fd, &byte, 1);
    if (got < 0) answer(-1);
    else puts(got ? "DATA" : "EMPTY");
    close(fd);
    return 1;
}

/* Making a node is one right, opening it another: the device program must refuse the second where the first is granted. */
static int device(mode_t type, int major_number, int minor_number) {
    const char *path = "/probe-device";
    unlink(path);
    if (mknod(path, type | 0600, makedev(major_number, minor_number)) < 0) {
        printf("mknod:");
        return answer(-1);
    }
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int result = answer(fd);
    if (fd >= 0) close(fd);
    unlink(path);
    return result;
}

static int in_a_child(long (*what)(void)) {
    pid_t child = fork();
    if (child == 0) _exit(what() < 0 ? errno : 0);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) return answer(-1);
    if (WIFSIGNALED(status)) printf("SIGNAL%d\n", WTERMSIG(status));
    else puts(errno_name(WEXITSTATUS(status)));
    return 1;
}

static long do_unshare_user(void) { return unshare(CLONE_NEWUSER); }
static long do_unshare_mount(void) { return unshare(CLONE_NEWNS); }
static long do_unshare_net(void) { return unshare(CLONE_NEWNET); }
static long do_clone_user(void) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return pid;
}
static long do_setns(void) {
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return setns(fd, CLONE_NEWNET);
}
static long do_raise_nofile(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_max += 1;
    return setrlimit(RLIMIT_NOFILE, &limit);
}
static long do_lo_down(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return ioctl(fd, SIOCSIFFLAGS, &request);
}
static long do_setuid_1(void) { return setuid(1); }
static long do_ptrace_1(void) { return ptrace(PTRACE_ATTACH, 1, 0, 0); }
static long do_set_time(void) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return settimeofday(&now, NULL);
}
static long do_personality(void) { return syscall(SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */); }
static long do_x32(void) {
#ifdef __x86_64__
    return syscall(0x40000000 | SYS_getpid);
#else
    errno = ENOSYS;
    return -1;
#endif
}

#define TRY(word, expression) if (list) puts(word); else if (strcmp(name, word) == 0) return (expression)

static int find(const char *name, int list) {
    /* Devices. */
    TRY("mknod-null", device(S_IFCHR, 1, 3));
    TRY("mknod-kmsg", device(S_IFCHR, 1, 11));
    TRY("mknod-mem", device(S_IFCHR, 1, 1));
    TRY("mknod-sda", device(S_IFBLK, 8, 0));
    TRY("mknod-vda", device(S_IFBLK, 254, 0));
    TRY("mknod-loop", device(S_IFBLK, 7, 0));
    TRY("mknod-fuse", device(S_IFCHR, 10, 229));
    /* Mounts and namespaces. */
    TRY("mount-tmpfs", answer(mount("none", "/tmp", "tmpfs", 0, NULL)));
    TRY("mount-cgroup", answer(mount("none", "/tmp", "cgroup2", 0, NULL)));
    TRY("remount-proc-sys", answer(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL)));
    TRY("remount-sys", answer(mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL)));
    TRY("unmask-kcore", answer(umount2("/proc/kcore", MNT_DETACH)));
    TRY("pivot-root", answer(syscall(SYS_pivot_root, "/", "/")));
    TRY("fsopen", answer(syscall(SYS_fsopen, "tmpfs", 0)));
    TRY("open-tree", answer(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */)));
    TRY("unshare-user", in_a_child(do_unshare_user));
    TRY("unshare-mount", in_a_child(do_unshare_mount));
    TRY("unshare-net", in_a_child(do_unshare_net));
    TRY("clone-user", in_a_child(do_clone_user));
    TRY("clone3", answer(syscall(SYS_clone3, NULL, 0)));
    TRY("setns", in_a_child(do_setns));
    /* The kernel's inner rooms. */
    TRY("keyctl", answer(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0)));
    TRY("add-key", answer(syscall(SYS_add_key, "user", "probe", "x", 1, -3)));
    TRY("bpf", answer(syscall(SYS_bpf, 0, NULL, 0)));
    TRY("perf-event-open", answer(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)));
    TRY("kexec-load", answer(syscall(SYS_kexec_load, 0, 0, NULL, 0)));
    TRY("init-module", answer(syscall(SYS_init_module, "", 0, "")));
    TRY("delete-module", answer(syscall(SYS_delete_module, "no-such-module", 0)));
    TRY("reboot", answer(syscall(SYS_reboot, 0, 0, 0, NULL)));
    TRY("swapon", answer(syscall(SYS_swapon, "/nowhere", 0)));
    TRY("acct", answer(syscall(SYS_acct, "/nowhere")));
    TRY("userfaultfd", answer(syscall(SYS_userfaultfd, 0)));
    TRY("io-uring-setup", answer(syscall(SYS_io_uring_setup, 0, NULL)));
    TRY("open-by-handle-at", answer(syscall(SYS_open_by_handle_at, -1, NULL, 0)));
    TRY("syslog", answer(syscall(SYS_syslog, 3, NULL, 0)));
    TRY("quotactl", answer(syscall(SYS_quotactl, 0, NULL, 0, NULL)));
    TRY("lookup-dcookie", answer(syscall(SYS_lookup_dcookie, 0, NULL, 0)));
    TRY("personality", in_a_child(do_personality));
    TRY("set-time", in_a_child(do_set_time));
    TRY("set-hostname", answer(sethostname("owned", 5)));
    TRY("ptrace-1", in_a_child(do_ptrace_1));
    TRY("x32", in_a_child(do_x32));
    /* Sockets. */
    TRY("socket-vsock", answer(socket(40, SOCK_STREAM, 0)));
    TRY("socket-raw", answer(socket(AF_INET, SOCK_RAW, 1)));
    TRY("socket-unix", answer(socket(AF_UNIX, SOCK_STREAM, 0)));
    TRY("lo-down", in_a_child(do_lo_down));
    /* Files of the kernel. */
    TRY("write-sysrq", opened("/proc/sysrq-trigger", O_WRONLY));
    TRY("write-core-pattern", opened("/proc/sys/kernel/core_pattern", O_WRONLY));
    TRY("write-irq", opened("/proc/irq/default_smp_affinity", O_WRONLY));
    TRY("write-uevent-helper", opened("/sys/kernel/uevent_helper", O_WRONLY));
    TRY("mkdir-cgroup", answer(mkdir("/sys/fs/cgroup/probe", 0755)));
    TRY("read-kcore", reads("/proc/kcore"));
    TRY("read-keys", reads("/proc/keys"));
    TRY("read-timer-list", reads("/proc/timer_list"));
    TRY("read-firmware", reads("/sys/firmware/dmi/tables/DMI"));
    TRY("write-exe-1", opened("/proc/1/exe", O_WRONLY));
    TRY("write-root", opened("/probe-file", O_WRONLY | O_CREAT));
    TRY("write-tmp", opened("/tmp/probe-file", O_WRONLY | O_CREAT));
    TRY("write-shm", opened("/dev/shm/probe-file", O_WRONLY | O_CREAT));
    TRY("write-null", opened("/dev/null", O_WRONLY));
    TRY("exec-shm", (close(open("/dev/shm/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0755)), answer(execl("/dev/shm/x", "x", NULL))));
    /* Rights that a default container has, or lacks. */
    TRY("chown", (close(open("/tmp/c", O_CREAT | O_WRONLY, 0600)), answer(chown("/tmp/c", 1, 1))));
    TRY("setuid", in_a_child(do_setuid_1));
    TRY("raise-nofile", in_a_child(do_raise_nofile));
    TRY("nice", answer(setpriority(PRIO_PROCESS, 0, -5)));
    TRY("chroot", answer(chroot("/")));
    return 0;
}

int attempt(const char *name) { return find(name, 0); }
void list_attempts(void) { find("", 1); }
