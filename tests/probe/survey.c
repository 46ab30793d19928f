/* What the report leaves out because few ask for it: everything else that a config.json can change of a process and its
 * surroundings. For the comparison of runtimes, where whatever is not looked at could differ. */
#include "probe.h"
#include <dirent.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/utsname.h>

static void scheduling(void) {
    struct sched_param param = {0};
    int mode = -1;
    unsigned long nodes[16] = {0};
    sched_getparam(0, &param);
    syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0);
    printf("\"scheduling\":{\"policy\":%d,\"priority\":%d,\"nice\":%d,\"io\":%ld,\"memory\":%d,\"nodes\":%lu},\n", sched_getscheduler(0),
           param.sched_priority, getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, 1, 0), mode, nodes[0]);
}

static void self(void) {
    char keyring[256] = "";
    struct utsname names = {0};
    uname(&names);
    long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, keyring, sizeof keyring - 1);
    printf("\"self\":{\"personality\":%d,\"securebits\":%d,\"dumpable\":%d,\"timerslack\":%d,\"leads group\":%d,\"leads session\":%d,",
           personality(0xffffffff), prctl(PR_GET_SECUREBITS), prctl(PR_GET_DUMPABLE), prctl(PR_GET_TIMERSLACK), getpgid(0) == getpid(),
           getsid(0) == getpid());
    fputs("\"domainname\":", stdout);
    json_string(names.domainname);
    fputs(",\"machine\":", stdout);
    json_string(names.machine);
    fputs(",\"keyring\":", stdout);
    json_string(length < 0 ? errno_name(errno) : keyring); /* owner, rights, name */
    puts("},");
}

/* The first line of each file. */
static void settings(void) {
    static const char *all[] = {
        "/proc/self/oom_score_adj", "/proc/self/timens_offsets", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups",
        "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/net/ipv4/ping_group_range",
        "/proc/sys/net/core/somaxconn", "/proc/sys/kernel/shm_rmid_forced", "/proc/sys/kernel/shmmax", "/proc/sys/kernel/msgmax",
        "/proc/sys/kernel/sem", "/proc/sys/fs/mqueue/msg_max", "/etc/passwd",
    };
    fputs("\"settings\":{", stdout);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[256] = "";
        FILE *file = fopen(all[i], "re");
        if (!file) snprintf(text, sizeof text, "%s", errno_name(errno));
        else if (fgets(text, sizeof text, file)) text[strcspn(text, "\n")] = 0;
        if (file) fclose(file);
        if (i) putchar(',');
        json_string(all[i]);
        putchar(':');
        json_string(text);
    }
    puts("},");
}

static int x32_getpid(void) { return syscall(0x40000000 + SYS_getpid) < 0 ? errno : 0; }

static int i386_getpid(void) {
    long answer;
    __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return answer < 0 ? (int)-answer : 0;
}

/* A filter may kill whoever calls like a program of another architecture. */
static const char *told_by_a_child(int (*call)(void)) {
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(call());
    waitpid(child, &status, 0);
    return child < 0 ? "no child" : WIFSIGNALED(status) ? "killed" : errno_name(WEXITSTATUS(status));
}

/* What the kernel answers to calls that a filter may forbid: 0 or the error. */
static void answers(void) {
    char room[256];
    struct rlimit limit;
    struct utsname names = {0};
    gid_t groups[256];
    int first = 1;
    fputs("\"answers\":{", stdout);
#define ASK(name, call)                                                                              \
    do {                                                                                             \
        errno = 0;                                                                                   \
        long answer = (call);                                                                        \
        printf("%s\"%s\":\"%s\"", first ? "" : ",", name, errno_name(answer < 0 ? errno : 0));       \
        first = 0;                                                                                   \
    } while (0)
    ASK("uname", uname(&names));
    ASK("getcwd", syscall(SYS_getcwd, room, sizeof room));
    ASK("getgroups", getgroups(256, groups));
    ASK("prlimit 0", syscall(SYS_prlimit64, 0, 0, NULL, &limit));
    ASK("prlimit 1", syscall(SYS_prlimit64, 0, 1, NULL, &limit));
    ASK("prlimit 7", syscall(SYS_prlimit64, 0, 7, NULL, &limit));
    ASK("prlimit 8", syscall(SYS_prlimit64, 0, 8, NULL, &limit));
    ASK("socket inet", close(socket(AF_INET, SOCK_STREAM, 0)));
    ASK("socket vsock", close(socket(AF_VSOCK, SOCK_STREAM, 0)));
    ASK("sethostname", syscall(SYS_sethostname, "x", -1)); /* EINVAL where it may: nothing is changed */
    ASK("chroot", chroot("/"));
    ASK("mkdir", mkdir("/tmp/made", 0777) + rmdir("/tmp/made"));
    ASK("raw socket", close(socket(AF_INET, SOCK_RAW, 1)));
    ASK("no such call", syscall(9999));
#undef ASK
    printf(",\"x32 getpid\":\"%s\"", told_by_a_child(x32_getpid));
    printf(",\"i386 getpid\":\"%s\"", told_by_a_child(i386_getpid));
    puts("},");
}

/* Whether a path can be read and written, and what is there to be read. */
static void reach(void) {
    static const char *all[] = {
        "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/acpi", "/proc/scsi", "/sys/firmware", "/proc/bus",
        "/proc/sysrq-trigger", "/proc/sys/kernel/domainname", "/etc/passwd", "/etc", "/tmp", "/home", "/sys/kernel", "/mnt/here",
        "/mnt/host", "/mnt/host/file", "/mnt/file",
    };
    fputs("\"reach\":{", stdout);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char byte;
        int fd = open(all[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        int is_there = fd >= 0 && read(fd, &byte, 1) == 1;
        const char *reads = errno_name(fd < 0 ? errno : 0);
        printf("%s\"%s\":\"read %s%s, ", i ? "," : "", all[i], reads, is_there ? " something" : "");
        if (fd >= 0) close(fd);
        printf("write %s\"", errno_name(access(all[i], W_OK) < 0 ? errno : 0));
    }
    puts("},");
}

static int is_of_the_kernel(const char *path) {
    struct statfs about;
    return statfs(path, &about) == 0 &&
           (about.f_type == PROC_SUPER_MAGIC || about.f_type == SYSFS_MAGIC || about.f_type == CGROUP2_SUPER_MAGIC);
}

/* Every file but those of the kernel's own file systems. */
static void walk(const char *dir, int *first) {
    DIR *open_dir = opendir(dir);
    struct dirent *entry;
    while (open_dir && (entry = readdir(open_dir))) {
        char path[1024], target[256] = "";
        struct stat about;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%s/%s", strcmp(dir, "/") ? dir : "", entry->d_name);
        if (lstat(path, &about) < 0) continue;
        if (S_ISLNK(about.st_mode)) target[readlink(path, target, sizeof target - 1)] = 0;
        if (!*first) putchar(',');
        *first = 0;
        json_string(path);
        printf(":\"%06o %u:%u %u,%u %s\"", about.st_mode, about.st_uid, about.st_gid, major(about.st_rdev), minor(about.st_rdev), target);
        if (S_ISDIR(about.st_mode) && !is_of_the_kernel(path)) walk(path, first);
    }
    if (open_dir) closedir(open_dir);
}

static void files(void) {
    int first = 1;
    fputs("\"files\":{", stdout);
    walk("/", &first);
    puts("},");
}

/* The object goes on with the report. */
void survey(void) {
    files();
    scheduling();
    self();
    settings();
    answers();
    reach();
}
