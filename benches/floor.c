/* The floor: what a container costs when nothing but the kernel is paid. scripts/bench compares tare with it.
 *
 *   floor ROOTFS WORKDIR          bare: namespaces, overlay, /proc, /dev, the new root, /bin/true, and away with it
 *   floor ROOTFS WORKDIR full     what people expect of a container as well: devices, masks, seccomp, a reaper, a monitor, records
 *
 * Both paths are absolute. No options are read, no image is looked up, nothing is checked that could not fail here. It is a stick to measure with, and
 * the shortest answer to "what does a container engine do?": read main(), then container(), then inside(). Run it as root.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { QUIET = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static const char *rootfs; /* the files of the image: the lower layer */
static char home[256];     /* WORKDIR/<pid>: what belongs to this one container */
static bool full;

static void must(long result, const char *what) {
    if (result >= 0) return;
    perror(what);
    _exit(125);
}

/* A path, good until the third next call. */
__attribute__((format(printf, 1, 2))) static const char *path(const char *form, ...) {
    static char paths[3][512];
    static int next;
    char *chosen = paths[next++ % 3];
    va_list rest;
    va_start(rest, form);
    vsnprintf(chosen, sizeof paths[0], form, rest);
    va_end(rest);
    return chosen;
}

/* --- records: written under a new name and renamed, so that nobody reads half of one --- */

static const struct { const char *name; size_t length; } records[] = {
    {"hosts", 200}, {"hostname", 20}, {"resolv.conf", 60}, {"config.json", 12000}, {"container.json", 3000},
};

static void write_record(const char *name, size_t length) {
    static const char text[12000];
    const char *hidden = path("%s/.%s", home, name);
    int file = open(hidden, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(write(file, text, length), name);
    close(file);
    must(rename(hidden, path("%s/%s", home, name)), name);
}

/* --- inside: the child's half, from the clone to the program --- */

static void add_devices(void) {
    static const struct { const char *name; int major, minor; } devices[] = {
        {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
    };
    static const char *links[][2] = {
        {"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
        {"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"},
    };
    umask(0);
    for (size_t i = 0; i < COUNT(devices); i++)
        must(mknod(devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)), devices[i].name);
    for (size_t i = 0; i < COUNT(links); i++) must(symlink(links[i][0], links[i][1]), links[i][1]);
}

static void add_file_systems(void) {
    static const struct { const char *type, *place, *options; mode_t mode; int flags; } systems[] = {
        {"devpts", "dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", 0755, MS_NOSUID | MS_NOEXEC},
        {"tmpfs", "dev/shm", "mode=1777,size=65536k", 01777, QUIET},
        {"mqueue", "dev/mqueue", NULL, 0755, QUIET},
        {"sysfs", "sys", NULL, 0, QUIET | MS_RDONLY},
        {"cgroup2", "sys/fs/cgroup", NULL, 0, QUIET | MS_RDONLY},
    };
    for (size_t i = 0; i < COUNT(systems); i++) {
        if (systems[i].mode) must(mkdir(systems[i].place, systems[i].mode), systems[i].place);
        must(mount(systems[i].type, systems[i].place, systems[i].type, systems[i].flags, systems[i].options), systems[i].place);
    }
}

static void add_own_files(void) {
    static const char *files[] = {"hosts", "hostname", "resolv.conf"};
    for (size_t i = 0; i < COUNT(files); i++) {
        const char *place = path("etc/%s", files[i]);
        close(open(place, O_CREAT | O_WRONLY, 0644));
        must(mount(path("%s/%s", home, files[i]), place, NULL, MS_BIND | MS_REC, NULL), place);
    }
}

/* Which of these exist depends on the kernel, so a mount that fails is no failure. */
static void mask(void) {
    static const char *files[] = {"proc/kcore", "proc/keys", "proc/timer_list", "proc/sched_debug", "proc/latency_stats"};
    static const char *directories[] = {"proc/acpi", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap"};
    static const char *read_only[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    for (size_t i = 0; i < COUNT(files); i++) mount("dev/null", files[i], NULL, MS_BIND | MS_REC, NULL);
    for (size_t i = 0; i < COUNT(directories); i++) mount("tmpfs", directories[i], "tmpfs", MS_RDONLY, "size=0,nr_inodes=1");
    for (size_t i = 0; i < COUNT(read_only); i++)
        if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) == 0)
            mount(NULL, read_only[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | QUIET, NULL);
}

static void loopback_up(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    must(ioctl(any, SIOCSIFFLAGS, &request), "lo");
    close(any);
}

/* Pid 1 stays and waits for everything; the program becomes its child. */
static void leave_a_reaper(void) {
    int status, program = fork();
    must(program, "fork");
    if (program == 0) return;
    while (waitpid(-1, &status, 0) != program) continue;
    _exit(WEXITSTATUS(status));
}

/* As long as a range tree over Docker's table is, and it allows everything. */
static void load_seccomp(void) {
    enum { CHECKS = 40 };
    static struct sock_filter filter[2 + 2 * CHECKS];
    const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    unsigned short length = 0;
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned number = 0; number < CHECKS; number++) {
        filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
        filter[length++] = allow;
    }
    filter[length++] = allow;
    struct sock_fprog program = {length, filter};
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program), "seccomp");
}

_Noreturn static void inside(void) {
    char layers[1024];
    const char *root = path("%s/merged", home);
    snprintf(layers, sizeof layers, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", rootfs, home, home);
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    must(mount("overlay", root, "overlay", 0, layers), "overlay");
    must(chdir(root), root);
    must(mount("proc", "proc", "proc", QUIET, NULL), "proc");
    must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k"), "dev");
    if (full) {
        add_devices();
        add_file_systems();
        add_own_files();
        mask();
    }
    /* pivot_root(2), NOTES: with both names ".", the old root lies over the new one and can be taken off again. */
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "the old root");
    must(sethostname("floor", 5), "sethostname");
    if (full) {
        loopback_up();
        leave_a_reaper();
        load_seccomp();
    }
    char *arguments[] = {"/bin/true", NULL}, *environment[] = {"PATH=/bin", NULL};
    must(execve(arguments[0], arguments, environment), arguments[0]);
    _exit(127);
}

/* --- outside --- */

/* A program on the cgroup that is asked about every device. This one answers yes. */
static void attach_device_program(int cgroup) {
    struct bpf_insn yes[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1}, {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr load = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insns = (unsigned long)yes, .insn_cnt = COUNT(yes), .license = (unsigned long)"GPL"};
    int program = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    if (program < 0) return; /* a kernel without it */
    union bpf_attr attach = {.target_fd = cgroup, .attach_bpf_fd = program, .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
    must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach), "device program");
    close(program);
}

/* Runs the program in a container and returns how it ended. */
static int container(void) {
    static const char hybrid[] = "/sys/fs/cgroup/unified", pure[] = "/sys/fs/cgroup";
    char cgroup_path[64];
    snprintf(cgroup_path, sizeof cgroup_path, "%s/floor-%d", access(hybrid, F_OK) ? pure : hybrid, getpid());
    must(mkdir(cgroup_path, 0755), cgroup_path);
    int cgroup = open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
    must(cgroup, cgroup_path);
    if (full) attach_device_program(cgroup);

    struct clone_args born = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup,
    };
    int child = syscall(SYS_clone3, &born, sizeof born);
    must(child, "clone3");
    if (child == 0) inside();
    must(waitpid(child, &status, 0), "waitpid");
    close(cgroup);
    must(rmdir(cgroup_path), cgroup_path);
    return status;
}

/* The same, with a process of its own that outlives the command, as an engine without a daemon has it. */
static int monitored_container(void) {
    int status, said[2];
    for (size_t i = 0; i < COUNT(records); i++) write_record(records[i].name, records[i].length);
    must(pipe(said), "pipe");
    int monitor = fork();
    must(monitor, "fork");
    if (monitor == 0) {
        setsid();
        close(said[0]);
        status = container();
        write_record("container.json", 3000);
        must(write(said[1], &status, sizeof status), "status");
        _exit(0);
    }
    close(said[1]);
    if (read(said[0], &status, sizeof status) != sizeof status) must(-1, "the monitor");
    waitpid(monitor, NULL, 0);
    return status;
}

static void clear_away(void) {
    static const char *left[] = {"upper/etc/hosts", "upper/etc/hostname", "upper/etc/resolv.conf", "upper/etc"};
    if (full) {
        for (size_t i = 0; i < COUNT(left); i++) remove(path("%s/%s", home, left[i]));
        for (size_t i = 0; i < COUNT(records); i++) remove(path("%s/%s", home, records[i].name));
    }
    static const char *directories[] = {"work/work", "work", "upper", "merged"};
    for (size_t i = 0; i < COUNT(directories); i++) rmdir(path("%s/%s", home, directories[i]));
    must(rmdir(home), home);
}

int main(int count, char **words) {
    if (count < 3) {
        fputs("usage: floor ROOTFS WORKDIR [full]\n", stderr);
        return 2;
    }
    rootfs = words[1];
    full = count > 3;
    snprintf(home, sizeof home, "%s/%d", words[2], getpid());
    must(mkdir(home, 0700), home);
    static const char *directories[] = {"upper", "work", "merged"};
    for (size_t i = 0; i < COUNT(directories); i++) must(mkdir(path("%s/%s", home, directories[i]), 0755), directories[i]);

    int status = full ? monitored_container() : container();
    clear_away();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
