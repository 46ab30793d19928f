/* Trees of files: told line by line, so that two of them can be compared, and made in ways that a shell cannot. See probe.h. */
#include "probe.h"
#include <dirent.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

static int by_bytes(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

static void escaped(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        *at > ' ' && *at < 127 && *at != '\\' ? putchar(*at) : printf("\\%02x", *at);
}

/* FNV-1a: only equal or not matters. */
static unsigned long content(int parent, const char *name) {
    unsigned long sum = 0xcbf29ce484222325;
    static unsigned char block[65536];
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    for (ssize_t count; fd >= 0 && (count = read(fd, block, sizeof block)) > 0;)
        for (ssize_t i = 0; i < count; i++) sum = (sum ^ block[i]) * 0x100000001b3;
    close(fd);
    return sum;
}

/* Without those in which an engine notes what lies below: they are its own affair. */
static void attributes(const char *path) {
    char names[65536], *sorted[256];
    unsigned char value[65536];
    ssize_t length = llistxattr(path, names, sizeof names);
    int count = 0;
    for (ssize_t at = 0; at < length && count < 256; at += (ssize_t)strlen(names + at) + 1) sorted[count++] = names + at;
    qsort(sorted, (size_t)count, sizeof *sorted, by_bytes);
    for (int i = 0; i < count; i++) {
        if (strstr(sorted[i], ".overlay.") || strcmp(sorted[i], "security.selinux") == 0) continue;
        ssize_t size = lgetxattr(path, sorted[i], value, sizeof value);
        printf(" %s=", sorted[i]);
        for (ssize_t at = 0; at < size; at++) printf("%02x", value[at]);
    }
}

static void tell(int parent, const char *name, const char *path) {
    struct stat about;
    char link[4096], held[64];
    if (fstatat(parent, name, &about, AT_SYMLINK_NOFOLLOW) < 0) return;
    escaped(path);
    printf(" %o %u:%u %ld", about.st_mode, about.st_uid, about.st_gid, (long)about.st_mtime);
    if (!S_ISDIR(about.st_mode)) printf(" links %lu size %ld", (unsigned long)about.st_nlink, (long)about.st_size);
    if (S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode)) printf(" device %u:%u", major(about.st_rdev), minor(about.st_rdev));
    if (S_ISREG(about.st_mode)) printf(" sum %lx", content(parent, name));
    if (S_ISLNK(about.st_mode)) {
        ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
        link[length < 0 ? 0 : length] = 0;
        printf(" -> ");
        escaped(link);
    }
    char *below = NULL;
    snprintf(held, sizeof held, "/proc/self/fd/%d/", parent);
    if (asprintf(&below, "%s%s", parent == AT_FDCWD ? "" : held, name) > 0) attributes(below);
    free(below);
    putchar('\n');
    if (!S_ISDIR(about.st_mode)) return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *listed = fd < 0 ? NULL : fdopendir(dup(fd));
    char **names = NULL;
    size_t count = 0;
    for (struct dirent *entry; listed && (entry = readdir(listed));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        names = realloc(names, (count + 1) * sizeof *names);
        names[count++] = strdup(entry->d_name);
    }
    qsort(names, count, sizeof *names, by_bytes);
    for (size_t i = 0; i < count; i++) {
        char *further = NULL;
        if (asprintf(&further, "%s/%s", path, names[i]) > 0) tell(fd, names[i], further);
        free(further);
        free(names[i]);
    }
    free(names);
    if (listed) closedir(listed);
    close(fd);
}

/* An attribute whose value is given in hex. */
static int mark(const char *path, const char *name, const char *hex) {
    unsigned char value[1024];
    size_t length = 0;
    for (unsigned byte; length < sizeof value && sscanf(hex + 2 * length, "%2x", &byte) == 1; length++) value[length] = (unsigned char)byte;
    return lsetxattr(path, name, value, length, 0) < 0 ? perror(path), 1 : 0;
}

/* Directories in directories, deeper than any path can tell. */
static int deepen(const char *path, long depth) {
    if (chdir(path) < 0) return perror(path), 1;
    while (depth-- > 0)
        if (mkdir("d", 0755) < 0 || chdir("d") < 0) return perror("d"), 1;
    return 0;
}

static int make_many(const char *path, long count) {
    char name[64];
    if (chdir(path) < 0) return perror(path), 1;
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "a-name-among-many-%ld", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    return 0;
}

static int make_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) < 0 ? perror(path), 1 : 0;
}

int trees(int argc, char **argv) {
    const char *verb = argv[1];
    if (strcmp(verb, "tree") == 0) {
        for (int i = 2; i < argc; i++) tell(AT_FDCWD, argv[i], argv[i]);
        return 0;
    }
    if (strcmp(verb, "mark") == 0 && argc == 5) return mark(argv[2], argv[3], argv[4]);
    if (strcmp(verb, "deepen") == 0 && argc == 4) return deepen(argv[2], atol(argv[3]));
    if (strcmp(verb, "make-many") == 0 && argc == 4) return make_many(argv[2], atol(argv[3]));
    if (strcmp(verb, "make-socket") == 0 && argc == 3) return make_socket(argv[2]);
    return -1;
}
