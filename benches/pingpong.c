/* How long it takes until an answer is there, over a connection that stands, and with a new one each time.
 *
 *   pingpong serve PORT
 *   pingpong ask ADDRESS PORT ROUNDS       prints two medians in microseconds: round trip, connection and one round trip
 *
 * One byte goes and one comes back. The server has one client at a time.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double median(double *all, int count) {
    qsort(all, count, sizeof *all, by_size);
    return all[count / 2];
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int connected(const struct sockaddr_in *peer) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0) fail("connect");
    return fd;
}

static void round_trip(int fd) {
    char byte = 0;
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) fail("round trip");
}

int main(int argc, char **argv) {
    int on = 1;
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0) fail("listen");
        for (;;) {
            char byte;
            int one = accept(fd, NULL, NULL);
            setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            while (read(one, &byte, 1) == 1 && write(one, &byte, 1) == 1) continue;
            close(one);
        }
    }
    if (argc != 5 || strcmp(argv[1], "ask") != 0) return fputs("usage: pingpong serve PORT | ask ADDRESS PORT ROUNDS\n", stderr), 2;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[3]))};
    if (inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1) return fputs("pingpong: no address\n", stderr), 2;
    int rounds = atoi(argv[4]);
    double *trips = calloc(rounds, sizeof *trips), *connections = calloc(rounds, sizeof *connections);
    int fd = connected(&peer);
    for (int i = -10; i < rounds; i++) {
        double begin = now();
        round_trip(fd);
        if (i >= 0) trips[i] = now() - begin;
    }
    close(fd);
    for (int i = -10; i < rounds; i++) {
        double begin = now();
        fd = connected(&peer);
        round_trip(fd);
        if (i >= 0) connections[i] = now() - begin;
        close(fd);
    }
    printf("%.1f %.1f\n", median(trips, rounds), median(connections, rounds));
    return 0;
}
