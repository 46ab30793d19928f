/* Programs that behave in a certain way, for tests of what the engine does about it. */
#include "probe.h"
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static long number(int argc, char **argv, int index, long otherwise) { return argc > index ? atol(argv[index]) : otherwise; }

static void pause_ms(long ms) { poll(NULL, 0, ms); }

/* Says each signal by number; SIGUSR2 (12) ends it with 0. */
static int wait_signals(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    puts("ready");
    fflush(stdout);
    for (;;) {
        siginfo_t what;
        if (sigwaitinfo(&all, &what) < 0) continue;
        if (what.si_signo == SIGCHLD) continue;
        printf("got %d\n", what.si_signo);
        fflush(stdout);
        if (what.si_signo == SIGUSR2) return 0;
    }
}

static int zombies(void) {
    int count = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        char path[300], text[512] = "";
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        ssize_t got = read(fd, text, sizeof text - 1);
        close(fd);
        char *state = got > 0 ? strrchr(text, ')') : NULL;
        if (state && state[2] == 'Z') count++;
    }
    if (proc) closedir(proc);
    return count;
}

/* N grandchildren whose parent is gone: pid 1 inherits them and must reap them. */
static int orphans(long count) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0) pause_ms(20);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    for (int tries = 0; tries < 200; tries++) {
        pause_ms(50);
        if (kill(-1, 0) < 0 && errno == ESRCH) break; /* nobody but pid 1 and us */
    }
    pause_ms(100);
    printf("zombies %d\n", zombies());
    return 0;
}

/* Keeps it for a while, so that somebody can look. */
static int eat_memory(long megabytes, long keep_ms) {
    for (long i = 0; i < megabytes; i++) {
        char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) {
            printf("refused after %ld MB: %s\n", i, errno_name(errno));
            return 3;
        }
        for (int page = 0; page < 256; page++) block[page * 4096] = (char)(page + i);
    }
    printf("ate %ld MB\n", megabytes);
    fflush(stdout);
    if (keep_ms > 0) pause_ms(keep_ms);
    return 0;
}

/* Makes children that sleep, until the kernel says no. */
static int fork_until_error(long most) {
    long count = 0;
    while (count < most) {
        pid_t child = fork();
        if (child == 0) {
            for (;;) pause();
        }
        if (child < 0) break;
        count++;
    }
    int error = count < most ? errno : 0;
    printf("forked %ld %s\n", count, errno_name(error));
    fflush(stdout);
    return error == EAGAIN ? 0 : 3;
}

/* Every process makes more, for ever. Only ever run below a pids limit. */
static _Noreturn void fork_bomb(void) {
    puts("ready");
    fflush(stdout);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    for (;;)
        if (fork() < 0) pause_ms(1);
}

static int burn_cpu(double seconds) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (volatile int i = 0; i < 100000; i++) continue;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("cpu %ld ms\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000L + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000L);
    return 0;
}

static void say_size(void) {
    struct winsize size = {0};
    ioctl(0, TIOCGWINSZ, &size);
    printf("size %d %d\n", size.ws_row, size.ws_col);
    fflush(stdout);
}

static _Noreturn void watch_size(void) {
    sigset_t resized;
    sigemptyset(&resized);
    sigaddset(&resized, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resized, NULL);
    say_size();
    for (;;) {
        int which;
        sigwait(&resized, &which);
        say_size();
    }
}

static int write_lines(long count, long gap_ms) {
    for (long i = 1; i <= count; i++) {
        fprintf(stdout, "out %ld\n", i);
        fflush(stdout);
        fprintf(stderr, "err %ld\n", i);
        if (gap_ms) pause_ms(gap_ms);
    }
    return 0;
}

/* CVE-2019-5736: hold every program seen in /proc, and ask to write it once it no longer runs. Nothing is ever written: that a
 * file of the host's engine's size could be opened for writing is breach enough. So is one on a mount that can be written: it is
 * only safe as long as somebody executes it (ETXTBSY). */
static int overwrite_exe(double seconds, long size) {
    struct timespec start, now;
    int held[512], count = 0, breaches = 0, others = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    puts("ready");
    fflush(stdout);
    do {
        for (int pid = 1; pid < 400; pid++) {
            char path[64];
            struct stat about;
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            if (pid == getpid()) continue;
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd < 0) continue;
            if (fstat(fd, &about) == 0 && about.st_size == size && count < 512) {
                struct statvfs mount;
                held[count++] = fd;
                if (fstatvfs(fd, &mount) < 0 || !(mount.f_flag & ST_RDONLY)) breaches++;
            } else {
                others++;
                close(fd);
            }
        }
        for (int i = 0; i < count; i++) {
            char path[64];
            snprintf(path, sizeof path, "/proc/self/fd/%d", held[i]);
            int fd = open(path, O_WRONLY | O_CLOEXEC);
            if (fd < 0) continue;
            breaches++;
            close(fd);
        }
        pause_ms(1);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
    printf("held %d breaches %d others %d\n", count, breaches, others > 0);
    return breaches ? 3 : 0;
}

/* Looks at the descriptors of every process that appears. A directory that has something above it leads to the host, and so does
 * a file that is neither of this root nor in memory. */
static int snoop_descriptors(double seconds) {
    struct timespec start, now;
    struct stat root;
    int seen = 0, breaches = 0, first = getpid() + 1;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (stat("/", &root) < 0) return 3;
    puts("ready");
    fflush(stdout);
    do {
        for (int pid = first; pid < first + 400; pid++) {
            char path[64], name[256];
            snprintf(path, sizeof path, "/proc/%d", pid);
            if (access(path, F_OK) < 0) continue;
            for (int number = 0; number < 24; number++) {
                struct stat about, above;
                memset(name, 0, sizeof name);
                snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
                if (readlink(path, name, sizeof name - 1) < 0) continue;
                int fd = open(path, O_PATH | O_CLOEXEC);
                if (fd < 0) continue;
                seen++;
                int breach = 0;
                if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode))
                    breach = fstatat(fd, "..", &above, 0) == 0 && (above.st_dev != about.st_dev || above.st_ino != about.st_ino);
                else if (S_ISREG(about.st_mode))
                    breach = about.st_dev != root.st_dev && strncmp(name, "/memfd:", 7) != 0;
                if (breach && breaches++ < 20) printf("descriptor %d is %s\n", number, name);
                close(fd);
            }
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
    printf("seen %d breaches %d\n", seen > 0, breaches);
    return breaches ? 3 : 0;
}

/* Exchanges two names for ever, for races with the engine. */
static int exchange(const char *one, const char *other) {
    puts("ready");
    fflush(stdout);
    for (;;)
        if (renameat2(AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */) < 0) {
            printf("exchange %s\n", errno_name(errno));
            return 3;
        }
}

/* As a daemon does: the first process ends, its child goes on. */
static int leave_child(double seconds) {
    if (fork() == 0) {
        setsid();
        pause_ms((long)(seconds * 1000));
        _exit(0);
    }
    puts("parent done");
    return 0;
}

/* Does not want to die with its parent, as a program that runs on its own may wish. */
static int outlive_parent(void) {
    prctl(PR_SET_PDEATHSIG, 0);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}

/* What a service says to its manager: sd_notify(3). */
static int notify(const char *text) {
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name) return puts("nobody wants to know"), 1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof address) < 0) return perror(name), 1;
    return 0;
}

int behave(int argc, char **argv) {
    const char *verb = argv[1];
    if (strcmp(verb, "exit") == 0) return (int)number(argc, argv, 2, 0);
    if (strcmp(verb, "signal-self") == 0) return kill(getpid(), (int)number(argc, argv, 2, 15)), pause_ms(1000), 99;
    if (strcmp(verb, "wait-signals") == 0) return wait_signals();
    if (strcmp(verb, "orphans") == 0) return orphans(number(argc, argv, 2, 10));
    if (strcmp(verb, "eat-memory") == 0) return eat_memory(number(argc, argv, 2, 64), number(argc, argv, 3, 0));
    if (strcmp(verb, "fork-until-error") == 0) return fork_until_error(number(argc, argv, 2, 100));
    if (strcmp(verb, "fork-bomb") == 0) fork_bomb();
    if (strcmp(verb, "burn-cpu") == 0) return burn_cpu(argc > 2 ? atof(argv[2]) : 1);
    if (strcmp(verb, "watch-size") == 0) watch_size();
    if (strcmp(verb, "write-lines") == 0) return write_lines(number(argc, argv, 2, 3), number(argc, argv, 3, 0));
    if (strcmp(verb, "overwrite-exe") == 0) return overwrite_exe(argc > 2 ? atof(argv[2]) : 1, number(argc, argv, 3, 0));
    if (strcmp(verb, "snoop-descriptors") == 0) return snoop_descriptors(argc > 2 ? atof(argv[2]) : 1);
    if (strcmp(verb, "notify") == 0 && argc == 3) return notify(argv[2]);
    if (strcmp(verb, "exchange") == 0 && argc == 4) return exchange(argv[2], argv[3]);
    if (strcmp(verb, "leave-child") == 0) return leave_child(argc > 2 ? atof(argv[2]) : 1);
    if (strcmp(verb, "outlive-parent") == 0) return outlive_parent();
    return -1;
}
