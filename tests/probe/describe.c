/* The report: everything a process can see of itself, as one JSON object. Values are as raw as the kernel gives them;
 * the tests take them apart. */
#include "probe.h"
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>

extern char **environ;

void json_string(const char *text) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\') printf("\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f) printf("\\u%04x", *c);
        else putchar(*c);
    }
    putchar('"');
}

static void json_strings(const char *name, char **list) {
    printf("\"%s\":[", name);
    for (int i = 0; list[i]; i++) {
        if (i) putchar(',');
        json_string(list[i]);
    }
    puts("],");
}

static void link_of(const char *name, const char *path) {
    char target[4096];
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    json_string(name);
    putchar(':');
    json_string(target);
}

/* Asks by number, because opening /proc/self/fd would itself be a descriptor. */
static void descriptors(void) {
    int first = 1;
    fputs("\"fds\":{", stdout);
    for (int fd = 0; fd < 4096; fd++) {
        char path[64], name[16];
        if (fcntl(fd, F_GETFD) < 0) continue;
        if (!first) putchar(',');
        first = 0;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        snprintf(name, sizeof name, "%d", fd);
        link_of(name, path);
    }
    puts("},");
}

static void namespaces(void) {
    static const char *names[] = {"mnt", "pid", "ipc", "uts", "net", "cgroup", "user", "time"};
    fputs("\"namespaces\":{", stdout);
    for (int i = 0; i < 8; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        if (i) putchar(',');
        link_of(names[i], path);
    }
    puts("},");
}

/* A file's lines as an array of strings. */
static void lines_of(const char *name, const char *path) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int first = 1;
    FILE *file = fopen(path, "re");
    printf("\"%s\":[", name);
    while (file && (length = getline(&line, &room, file)) >= 0) {
        if (length && line[length - 1] == '\n') line[length - 1] = 0;
        if (!first) putchar(',');
        first = 0;
        json_string(line);
    }
    puts("],");
    if (file) fclose(file);
}

static void limits(void) {
    static const struct { const char *name; int which; } all[] = {
        {"cpu", RLIMIT_CPU}, {"fsize", RLIMIT_FSIZE}, {"data", RLIMIT_DATA}, {"stack", RLIMIT_STACK}, {"core", RLIMIT_CORE},
        {"rss", RLIMIT_RSS}, {"nproc", RLIMIT_NPROC}, {"nofile", RLIMIT_NOFILE}, {"memlock", RLIMIT_MEMLOCK}, {"as", RLIMIT_AS},
        {"locks", RLIMIT_LOCKS}, {"sigpending", RLIMIT_SIGPENDING}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
        {"rtprio", RLIMIT_RTPRIO}, {"rttime", RLIMIT_RTTIME},
    };
    fputs("\"rlimits\":{", stdout);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct rlimit limit = {0};
        getrlimit(all[i].which, &limit);
        printf("%s\"%s\":[%lld,%lld]", i ? "," : "", all[i].name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
    }
    puts("},");
}

static void terminal(void) {
    struct winsize size = {0};
    int controlling = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    ioctl(0, TIOCGWINSZ, &size);
    printf("\"terminal\":{\"stdin\":%d,\"stdout\":%d,\"stderr\":%d,\"controlling\":%d,\"rows\":%d,\"columns\":%d,\"foreground\":%d},\n",
           isatty(0), isatty(1), isatty(2), controlling >= 0, size.ws_row, size.ws_col, controlling >= 0 ? (int)tcgetpgrp(controlling) : -1);
    if (controlling >= 0) close(controlling);
}

static void interfaces(void) {
    int first = 1;
    struct if_nameindex *list = if_nameindex();
    int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    fputs("\"interfaces\":{", stdout);
    for (struct if_nameindex *one = list; one && one->if_name; one++) {
        struct ifreq request = {0};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", one->if_name);
        ioctl(handle, SIOCGIFFLAGS, &request);
        printf("%s\"%s\":{\"up\":%d,\"loopback\":%d}", first ? "" : ",", one->if_name, !!(request.ifr_flags & IFF_UP),
               !!(request.ifr_flags & IFF_LOOPBACK));
        first = 0;
    }
    puts("},");
    close(handle);
}

static void devices(void) {
    DIR *dir = opendir("/dev");
    struct dirent *entry;
    int first = 1;
    fputs("\"dev\":{", stdout);
    while (dir && (entry = readdir(dir))) {
        struct stat about;
        char path[512], target[256] = "";
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        if (lstat(path, &about) < 0) continue;
        if (S_ISLNK(about.st_mode)) target[readlink(path, target, sizeof target - 1)] = 0;
        const char *type = S_ISCHR(about.st_mode) ? "char" : S_ISBLK(about.st_mode) ? "block" : S_ISDIR(about.st_mode) ? "dir"
                         : S_ISLNK(about.st_mode) ? "link" : S_ISREG(about.st_mode) ? "file" : "other";
        if (!first) putchar(',');
        first = 0;
        json_string(entry->d_name);
        printf(":{\"type\":\"%s\",\"major\":%u,\"minor\":%u,\"mode\":\"%04o\",\"uid\":%u,\"gid\":%u,\"target\":", type, major(about.st_rdev),
               minor(about.st_rdev), about.st_mode & 07777, about.st_uid, about.st_gid);
        json_string(target);
        putchar('}');
    }
    puts("},");
    if (dir) closedir(dir);
}

static void clocks(void) {
    struct timespec wall, monotonic, boottime;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_BOOTTIME, &boottime);
    printf("\"clocks\":{\"realtime\":%lld,\"monotonic\":%lld,\"boottime\":%lld},\n", (long long)wall.tv_sec, (long long)monotonic.tv_sec,
           (long long)boottime.tv_sec);
}

int describe(int argc, char **argv) {
    char here[4096] = "";
    gid_t groups[256];
    struct utsname names = {0};
    mode_t mask = umask(0);
    umask(mask);
    puts("{");
    if (argc > 1 && strcmp(argv[1], "survey") == 0) survey();
    descriptors();
    printf("\"pid\":%d,\"ppid\":%d,\"pgid\":%d,\"sid\":%d,\n", getpid(), getppid(), getpgid(0), getsid(0));
    printf("\"uid\":%u,\"gid\":%u,\"euid\":%u,\"egid\":%u,\"umask\":\"%04o\",\n", getuid(), getgid(), geteuid(), getegid(), mask);
    int count = getgroups(256, groups);
    fputs("\"groups\":[", stdout);
    for (int i = 0; i < count; i++) printf("%s%u", i ? "," : "", groups[i]);
    puts("],");
    uname(&names);
    fputs("\"hostname\":", stdout);
    json_string(names.nodename);
    fputs(",\n\"cwd\":", stdout);
    json_string(getcwd(here, sizeof here) ? here : errno_name(errno));
    puts(",");
    json_strings("env", environ);
    json_strings("argv", argv);
    namespaces();
    clocks();
    limits();
    terminal();
    interfaces();
    devices();
    lines_of("status", "/proc/self/status");
    lines_of("mounts", "/proc/self/mountinfo");
    lines_of("cgroup", "/proc/self/cgroup");
    puts("\"end\":true}");
    return 0;
}
