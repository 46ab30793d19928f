/* The two ends of a conversation: a server that tells everybody the address it sees them with, and one who asks it. Each has an end:
 * who asks waits a few seconds at most, so that a test hears of a lost packet instead of hanging. And a kernel that lacks what packets
 * are filtered with. */
#include "probe.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* As people write it: an IPv4 address that came to a socket of IPv6 without its ::ffff: */
static const char *address_of(const struct sockaddr_storage *peer) {
    static char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;
    if (peer->ss_family == AF_INET) return inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, text, sizeof text);
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) return inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, text, sizeof text);
    return inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
}

static int type_of(const char *protocol) { return strcmp(protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM; }

/* On every address of both kinds; of IPv4 only where there is no IPv6. */
static int open_port(const char *protocol, int port) {
    int on = 1, off = 0;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET6, type_of(protocol) | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        if (bind(fd, (struct sockaddr *)&six, sizeof six) == 0) return fd;
        close(fd);
    }
    fd = socket(AF_INET, type_of(protocol) | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&four, sizeof four) == 0) return fd;
    fprintf(stderr, "probe: port %d: %s\n", port, errno_name(errno));
    exit(1);
}

/* Waits for everybody's first byte over udp; over tcp it is the first to speak. */
static _Noreturn void serve(const char *protocol, int port, const char *greeting) {
    int fd = open_port(protocol, port), is_tcp = type_of(protocol) == SOCK_STREAM;
    if (is_tcp) listen(fd, 512);
    printf("ready %s %d\n", protocol, port);
    fflush(stdout);
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        char text[256];
        int one = is_tcp ? accept(fd, (struct sockaddr *)&peer, &length) : fd;
        if (!is_tcp && recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&peer, &length) < 0) continue;
        if (one < 0) continue;
        int size = snprintf(text, sizeof text, "%s %s\n", greeting, address_of(&peer));
        printf("%s from %s\n", protocol, address_of(&peer));
        fflush(stdout);
        if (is_tcp) {
            if (send(one, text, size, MSG_NOSIGNAL) < 0) perror("send");
            close(one);
        } else {
            sendto(one, text, size, 0, (struct sockaddr *)&peer, length);
        }
    }
}

static int give_up(const char *what) {
    const char *why = errno == ECONNREFUSED ? "refused" : errno == EAGAIN || errno == EINPROGRESS || errno == ETIMEDOUT ? "no answer"
                    : errno == ECONNRESET ? "reset" : errno == ENETUNREACH || errno == EHOSTUNREACH ? "no way" : errno_name(errno);
    printf("%s: %s\n", what, why);
    return 1;
}

/* The address as the kernel wants it; its length, or 0. */
static socklen_t resolve(const char *text, int port, struct sockaddr_storage *found) {
    struct sockaddr_in *four = (struct sockaddr_in *)found;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)found;
    memset(found, 0, sizeof *found);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) return found->ss_family = AF_INET, four->sin_port = htons(port), sizeof *four;
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) return found->ss_family = AF_INET6, six->sin6_port = htons(port), sizeof *six;
    return 0;
}

/* One conversation; what was answered, or why nothing was. */
static int ask(const char *protocol, const char *address, int port, long seconds) {
    struct timeval patience = {.tv_sec = seconds};
    struct sockaddr_storage peer;
    socklen_t length = resolve(address, port, &peer);
    char text[256];
    ssize_t got = 0, size = 0;
    if (!length) return puts("no address"), 2;
    int fd = socket(peer.ss_family, type_of(protocol) | SOCK_CLOEXEC, 0);
    if (fd < 0) return give_up("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* of connect(2), too */
    if (connect(fd, (struct sockaddr *)&peer, length) < 0) return give_up("connect");
    if (type_of(protocol) == SOCK_DGRAM && send(fd, "?", 1, 0) < 0) return give_up("send");
    do {
        got = recv(fd, text + size, sizeof text - size - 1, 0);
        if (got > 0) size += got;
    } while (got > 0 && type_of(protocol) == SOCK_STREAM && size < (ssize_t)sizeof text - 1);
    if (got < 0) return give_up("recv");
    text[size] = 0;
    fputs(size ? text : "closed without a word\n", stdout);
    return size ? 0 : 1;
}

static uint32_t number_at(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Asks the agent at $SSH_AUTH_SOCK which keys it holds (draft-ietf-sshm-ssh-agent, section 3.5): how many, and what each is called. */
static int ask_agent(void) {
    struct sockaddr_un agent = {.sun_family = AF_UNIX};
    const unsigned char question[] = {0, 0, 0, 1, 11 /* SSH_AGENTC_REQUEST_IDENTITIES */};
    unsigned char answer[4096];
    const char *path = getenv("SSH_AUTH_SOCK");
    ssize_t got, size = 0;
    if (!path) return puts("no agent"), 1;
    strncpy(agent.sun_path, path, sizeof agent.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&agent, sizeof agent) < 0) return give_up("agent");
    if (write(fd, question, sizeof question) < 0) return give_up("agent");
    while ((size < 4 || size < 4 + (ssize_t)number_at(answer)) && (got = read(fd, answer + size, sizeof answer - size)) > 0) size += got;
    if (size < 9 || answer[4] != 12 /* SSH_AGENT_IDENTITIES_ANSWER */) return puts("agent: another answer"), 1;
    uint32_t count = number_at(answer + 5);
    printf("%u keys\n", count);
    /* Of each the key itself, and then its name. */
    ssize_t at = 9;
    for (uint32_t i = 0; i < 2 * count && at + 4 <= size; i++) {
        uint32_t length = number_at(answer + at);
        at += 4;
        if (at + (ssize_t)length > size) return puts("agent: cut short"), 1;
        if (i % 2) printf("%.*s\n", (int)length, answer + at);
        at += length;
    }
    return 0;
}

/* As on a kernel that has no nf_tables: nobody from here on gets a socket to them. */
static int without_netfilter(char **command) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12 /* NETLINK_NETFILTER */, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) return perror("seccomp"), 1;
    execvp(command[0], command);
    return perror(command[0]), 1;
}

int converse(int argc, char **argv) {
    const char *verb = argv[1];
    if (strcmp(verb, "serve") == 0 && argc >= 4) {
        /* Several pairs of protocol and port: each in a process of its own, which ends with the first. */
        const char *greeting = getenv("GREETING") ? getenv("GREETING") : "you are";
        signal(SIGCHLD, SIG_IGN);
        signal(SIGTERM, SIG_DFL);
        for (int i = 2; i + 3 < argc; i += 2)
            if (fork() == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) serve(argv[i], atoi(argv[i + 1]), greeting);
        serve(argv[argc - 2], atoi(argv[argc - 1]), greeting);
    }
    if (strcmp(verb, "ask") == 0 && argc >= 5) return ask(argv[2], argv[3], atoi(argv[4]), argc > 5 ? atol(argv[5]) : 3);
    if (strcmp(verb, "ask-agent") == 0) return ask_agent();
    if (strcmp(verb, "without-netfilter") == 0 && argc > 2) return without_netfilter(argv + 2);
    return -1;
}
