/* Chooses what the probe does. See probe.h. */
#include "probe.h"

const char *errno_name(int number) {
    static char other[16];
    static const struct { int number; const char *name; } names[] = {
        {0, "OK"}, {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {ESRCH, "ESRCH"}, {EIO, "EIO"}, {ENXIO, "ENXIO"}, {E2BIG, "E2BIG"},
        {EBADF, "EBADF"}, {ECHILD, "ECHILD"}, {EAGAIN, "EAGAIN"}, {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"},
        {EBUSY, "EBUSY"}, {EEXIST, "EEXIST"}, {ENODEV, "ENODEV"}, {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {EINVAL, "EINVAL"},
        {EMFILE, "EMFILE"}, {ENOTTY, "ENOTTY"}, {ETXTBSY, "ETXTBSY"}, {EFBIG, "EFBIG"}, {ENOSPC, "ENOSPC"}, {EROFS, "EROFS"},
        {ELOOP, "ELOOP"}, {ENOSYS, "ENOSYS"}, {EAFNOSUPPORT, "EAFNOSUPPORT"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {ENOKEY, "ENOKEY"},
        {ENOEXEC, "ENOEXEC"}, {ENETUNREACH, "ENETUNREACH"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number) return names[i].name;
    snprintf(other, sizeof other, "E%d", number);
    return other;
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "describe") == 0 || strcmp(argv[1], "survey") == 0) return describe(argc, argv);
    if (strcmp(argv[1], "try") == 0) {
        if (argc == 2) list_attempts();
        for (int i = 2; i < argc; i++) {
            printf("%s ", argv[i]);
            fflush(stdout);
            if (!attempt(argv[i])) puts("unknown");
            fflush(stdout);
        }
        return 0;
    }
    int status = behave(argc, argv);
    if (status < 0) status = trees(argc, argv);
    if (status < 0) status = converse(argc, argv);
    if (status < 0) {
        fprintf(stderr, "probe: no such verb: %s\n", argv[1]);
        return 64;
    }
    return status;
}
